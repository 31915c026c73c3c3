"""Turns a node's value into the short program that the kernels run (``Program`` of kernels/nodes.cpp)."""

from collections import Counter
from dataclasses import dataclass, field

from neuronas.fitness.engine.values import Added, Leaf, Pooled, Value
from neuronas.space.graph import Pool

_MAX_TERMS = 4
"""Terms that a kernel adds in one go (``kMaxTerms``)."""


@dataclass(frozen=True)
class Step:
    """Write the sum of ``terms``, pooled or not (``pool`` None), to the buffer ``target``.

    A term is a leaf, or the number of a buffer. ``constant``: the same at every time step.
    """

    pool: Pool | None
    target: int
    terms: tuple[Leaf | int, ...]
    constant: bool


@dataclass(frozen=True)
class Program:
    """What computes a value: ``steps`` in order, then the sum of ``terms``; ``leaves`` by their numbers."""

    leaves: tuple[Leaf, ...]
    steps: tuple[Step, ...]
    terms: tuple[Leaf | int, ...]
    n_buffers: int


def compile_value(value: Value, constant_leaves: frozenset[Leaf]) -> Program:
    """Compile a value. Pooled parts and sums inside sums get a buffer; each is computed once for all who read it.

    Args:
        value: leaves, pooled and added.
        constant_leaves: leaves that are the same at every time step; what needs no others is computed at the first.
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
        """What a kernel adds to get a value, in the reference's order; parts that are no leaves get buffers first."""
        parts = _summands(value)
        terms: list[Leaf | int] = [part if isinstance(part, Leaf) else self._buffer_of(part) for part in parts]
        for part in parts:
            self._read(part)
        while len(terms) > _MAX_TERMS:  # from left to right, so that the order of additions stays
            target = self._new()  # a free one may be among the terms
            self.steps.append(Step(None, target, tuple(terms[:_MAX_TERMS]), constant=False))
            terms = [target, *terms[_MAX_TERMS:]]
        return tuple(terms)

    def _buffer_of(self, value: Value) -> int:
        if value not in self.buffers:
            constant = self._is_constant(value)
            terms = self.terms_of(value.source if isinstance(value, Pooled) else value)
            # What lasts for all time steps gets a buffer of its own, that no step writes later. And a pool reads
            # neighbours of what it writes: never into a buffer that it reads, even if this is the last time.
            target = next((buffer for buffer in self.free if buffer not in terms and not constant), None)
            if target is None:
                target = self._new()
            else:
                self.free.remove(target)
            self.buffers[value] = target
            self.steps.append(Step(value.operation if isinstance(value, Pooled) else None, target, terms, constant))
        return self.buffers[value]

    def _count_reads(self, parts: tuple[Value, ...], seen: set[Value]) -> None:
        """Count how often each value is read from its buffer."""
        for part in parts:
            self.reads[part] += 1
            if part not in seen and not isinstance(part, Leaf):
                seen.add(part)
                self._count_reads(_summands(part.source if isinstance(part, Pooled) else part), seen)

    def _read(self, value: Value) -> None:
        """One use is done; after the last one the buffer is free, unless it must last for all time steps."""
        self.reads[value] -= 1
        if not self.reads[value] and value in self.buffers and not self._is_constant(value):
            self.free.append(self.buffers.pop(value))

    def _new(self) -> int:
        self.n_buffers += 1
        return self.n_buffers - 1

    def _is_constant(self, value: Value) -> bool:
        return self.constant_leaves.issuperset(value.leaves)


def _summands(value: Value) -> tuple[Value, ...]:
    """The terms of a sum, from left to right; a sum in front is opened, since (a + b) + c is a + b + c."""
    if not isinstance(value, Added):
        return (value,)
    if value.terms and isinstance(value.terms[0], Added):
        return (*_summands(value.terms[0]), *value.terms[1:])
    return value.terms
