"""Compiles the value of a node to a short program for the kernels (``Program`` of kernels/nodes.cpp)."""

from collections import Counter
from dataclasses import dataclass, field

from neuronas.fitness.engine.values import Added, Leaf, Pooled, Value
from neuronas.space.node_operations import Pool

_MAX_TERMS = 4
"""Maximum number of terms that a kernel adds in one step (``kMaxTerms`` of kernels/nodes.cpp)."""


@dataclass(frozen=True)
class Step:
    """One step of a program: write the sum of some terms, optionally pooled, to a buffer.

    Attributes:
        pool: the pooling; None: no pooling.
        target: number of the buffer to write.
        terms: terms of the sum; a leaf, or the number of a buffer.
        constant: whether the result is equal at every time step.
    """

    pool: Pool | None
    target: int
    terms: tuple[Leaf | int, ...]
    constant: bool


@dataclass(frozen=True)
class Program:
    """A program that computes a value.

    Attributes:
        leaves: the leaves that it reads; terms refer to their index.
        steps: steps, executed in order.
        terms: terms of the final sum, which is the value.
        n_buffers: number of buffers.
    """

    leaves: tuple[Leaf, ...]
    steps: tuple[Step, ...]
    terms: tuple[Leaf | int, ...]
    n_buffers: int


def compile_value(value: Value, constant_leaves: frozenset[Leaf]) -> Program:
    """Compile a value. Each pooled part and each nested sum is computed once, into a buffer.

    Args:
        value: the value.
        constant_leaves: leaves that are equal at every time step. What depends only on these is computed at the first
            time step.
    """
    compiler = _Compiler(value, constant_leaves)
    terms = compiler.terms_of(value)
    return Program(value.leaves, tuple(compiler.steps), terms, compiler.n_buffers)


@dataclass
class _Compiler:
    value: Value
    constant_leaves: frozenset[Leaf]
    steps: list[Step] = field(default_factory=list)
    n_buffers: int = 0

    def __post_init__(self) -> None:
        self.free: list[int] = []
        self.buffers: dict[Value, int] = {}
        self.reads: Counter[Value] = Counter()
        self._count_reads(_summands(self.value), set())

    def terms_of(self, value: Value) -> tuple[Leaf | int, ...]:
        """Terms whose sum is the value, in the order of the reference; other parts than leaves are computed first."""
        parts = _summands(value)
        terms: list[Leaf | int] = [part if isinstance(part, Leaf) else self._buffer_of(part) for part in parts]
        for part in parts:
            self._read(part)
        while len(terms) > _MAX_TERMS:  # from left to right, which preserves the order of additions
            target = self._new()  # a new buffer, since a free one may be among the terms
            self.steps.append(Step(None, target, tuple(terms[:_MAX_TERMS]), constant=False))
            terms = [target, *terms[_MAX_TERMS:]]
        return tuple(terms)

    def _buffer_of(self, value: Value) -> int:
        if value not in self.buffers:
            constant = self._is_constant(value)
            terms = self.terms_of(value.source if isinstance(value, Pooled) else value)
            # Constant values need a buffer that no later step writes. Pooling cannot work in place, because it reads
            # neighbours of the pixel that it writes.
            target = next((buffer for buffer in self.free if buffer not in terms and not constant), None)
            if target is None:
                target = self._new()
            else:
                self.free.remove(target)
            self.buffers[value] = target
            self.steps.append(Step(value.operation if isinstance(value, Pooled) else None, target, terms, constant))
        return self.buffers[value]

    def _count_reads(self, parts: tuple[Value, ...], seen: set[Value]) -> None:
        """Count how many times each value is read."""
        for part in parts:
            self.reads[part] += 1
            if part not in seen and not isinstance(part, Leaf):
                seen.add(part)
                self._count_reads(_summands(part.source if isinstance(part, Pooled) else part), seen)

    def _read(self, value: Value) -> None:
        """Record one use of a value; after its last use its buffer is free, unless the value is constant."""
        self.reads[value] -= 1
        if not self.reads[value] and value in self.buffers and not self._is_constant(value):
            self.free.append(self.buffers.pop(value))

    def _new(self) -> int:
        self.n_buffers += 1
        return self.n_buffers - 1

    def _is_constant(self, value: Value) -> bool:
        return self.constant_leaves.issuperset(value.leaves)


def _summands(value: Value) -> tuple[Value, ...]:
    """The terms of a sum from left to right; a sum as the first term is expanded, since (a + b) + c is a + b + c."""
    if not isinstance(value, Added):
        return (value,)
    if value.terms and isinstance(value.terms[0], Added):
        return (*_summands(value.terms[0]), *value.terms[1:])
    return value.terms
