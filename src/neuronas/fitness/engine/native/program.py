"""Turns a node's value into the short program of buffer operations that the kernels run (see kernels.cpp)."""

from collections import Counter
from dataclasses import dataclass, field

from neuronas.fitness.engine.values import Leaf, Pooled, Sum, Value

_LOAD, _ADD_LEAF, _ADD, _POOL, _ZERO, _COPY = range(6)


@dataclass(frozen=True)
class Op:
    """One operation: buffers ``target`` and ``source``, or a ``leaf`` by its number."""

    code: int
    target: int
    source: int
    leaf: int
    constant: bool


@dataclass(frozen=True)
class Program:
    """What computes a value: ``leaves`` in the order of their numbers, and the buffer that holds the result."""

    leaves: tuple[Leaf, ...]
    ops: tuple[Op, ...]
    n_buffers: int
    result: int


def compile_value(value: Value, constant_leaves: frozenset[Leaf]) -> Program:
    """Compile a value. Parts that occur twice are computed once; parts that do not change in time, at the first step.

    Args:
        value: leaves, pooled and added.
        constant_leaves: leaves that are the same at every time step.
    """
    compiler = _Compiler(value, constant_leaves)
    result = compiler.buffer_of(value)
    return Program(value.leaves, tuple(compiler.ops), compiler.n_buffers, result)


@dataclass
class _Compiler:
    value: Value
    constant_leaves: frozenset[Leaf]
    ops: list[Op] = field(default_factory=list)
    n_buffers: int = 0

    def __post_init__(self) -> None:
        self.leaves = {leaf: number for number, leaf in enumerate(self.value.leaves)}
        self.free: list[int] = []
        self.buffers: dict[Value, int] = {}
        self.uses = Counter({self.value: 1})
        self._count(self.value, set())

    def buffer_of(self, value: Value) -> int:
        """The buffer that holds a value; computed now if it is not there yet."""
        if value not in self.buffers:
            self.buffers[value] = self._compute(value)
        return self.buffers[value]

    def _count(self, value: Value, seen: set[Value]) -> None:
        """Count how often each value is read from a buffer."""
        if value in seen:
            return
        seen.add(value)
        for part in _parts(value):
            if isinstance(value, Pooled) or not isinstance(part, Leaf):
                self.uses[part] += 1
            self._count(part, seen)

    def _compute(self, value: Value) -> int:
        constant = self._is_constant(value)
        if isinstance(value, Leaf):
            target = self._take(constant)
            self._emit(_LOAD, target, target, value, constant)
        elif isinstance(value, Pooled):
            source = self.buffer_of(value.source)
            target = self._take(constant)
            self._emit(_POOL, target, source, None, constant)
            self._read(value.source)
        elif isinstance(value, Sum):
            target = self._add(value, constant)
        else:
            raise TypeError(f"no kernel for {type(value).__name__}")
        return target

    def _add(self, value: Sum, constant: bool) -> int:
        for term in value.terms:  # before the sum takes a buffer, so that they may use any
            if not isinstance(term, Leaf):
                self.buffer_of(term)
        target = self._take(constant)
        for number, term in enumerate(value.terms):
            if isinstance(term, Leaf):
                self._emit(_ADD_LEAF if number else _LOAD, target, target, term, constant)
            else:
                self._emit(_ADD if number else _COPY, target, self.buffers[term], None, constant)
                self._read(term)
        if not value.terms:
            self._emit(_ZERO, target, target, None, constant)
        return target

    def _read(self, value: Value) -> None:
        """One use is done; after the last one the buffer is free, unless it must last for all time steps."""
        self.uses[value] -= 1
        if not self.uses[value] and not self._is_constant(value):
            self.free.append(self.buffers.pop(value))

    def _take(self, constant: bool) -> int:
        # What lasts for all time steps gets a buffer of its own, that no operation of a later step writes.
        if self.free and not constant:
            return self.free.pop()
        self.n_buffers += 1
        return self.n_buffers - 1

    def _emit(self, code: int, target: int, source: int, leaf: Leaf | None, constant: bool) -> None:
        self.ops.append(Op(code, target, source, 0 if leaf is None else self.leaves[leaf], constant))

    def _is_constant(self, value: Value) -> bool:
        return self.constant_leaves.issuperset(value.leaves)


def _parts(value: Value) -> tuple[Value, ...]:
    if isinstance(value, Pooled):
        return (value.source,)
    return value.terms if isinstance(value, Sum) else ()
