"""What candidates compute, as a graph in which equal things are one object.

A *leaf* is an array that is stored once computed: the stem's output, a convolution's integer sums, a
reduction, the output of a cell with feedback. A *value* is what a cell's node holds: leaves, pooled and added in the
reference's order, never stored. A *firing* is one LIF layer on a value; its spikes feed convolutions, and its
kernel feeds the fitness. Two candidates share whatever is the same object here.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from neuronas.snn.network import edge_place, reduction_place
from neuronas.space.genotype import N_NODES, Architecture, Genotype
from neuronas.space.shape import NetworkShape


@dataclass(frozen=True, eq=False)
class Value:
    """A node's value. Compared by identity: ``Graph`` makes each value once."""

    leaves: tuple["Leaf", ...]


@dataclass(frozen=True, eq=False)
class Leaf(Value):
    """A value that is stored. ``side`` in pixels."""

    leaves: tuple["Leaf", ...] = field(init=False)
    channels: int
    side: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "leaves", (self,))


@dataclass(frozen=True, eq=False)
class Stem(Leaf):
    """The stem's normalised output, the same at every time step."""


@dataclass(frozen=True, eq=False)
class Convolved(Leaf):
    """A convolution of spikes, with the batch normalisation that follows it.

    Attributes:
        weights: name of the weights (``snn.network.edge_place``).
    """

    firing: "Firing"
    weights: str
    in_channels: int
    kernel: int


@dataclass(frozen=True, eq=False)
class Reduced(Leaf):
    """A reduction's convolution, normalised and averaged over 2x2 blocks: the input of the next cell."""

    convolved: Convolved


@dataclass(frozen=True, eq=False)
class Looped(Leaf):
    """The output of a cell with backward edges, computed step by step; nothing inside it is shared."""

    cell: Genotype
    place: int
    source: Value


@dataclass(frozen=True, eq=False)
class Pooled(Value):
    """3x3 average of a value."""

    source: Value


@dataclass(frozen=True, eq=False)
class Sum(Value):
    """Values added from left to right; none of them: zero."""

    terms: tuple[Value, ...]

    @classmethod
    def of(cls, terms: Sequence[Value]) -> "Sum":
        """Make the sum of some values."""
        return cls(tuple(dict.fromkeys(leaf for term in terms for leaf in term.leaves)), tuple(terms))


@dataclass(frozen=True, eq=False)
class Firing:
    """One LIF layer.

    Attributes:
        threshold: None for the network's own.
        normalised: batch normalisation stands between the value and the neurons.
    """

    value: Value
    threshold: float | None
    normalised: bool
    channels: int
    side: int


Made = TypeVar("Made")


class Graph:
    """Turns architectures into values; what two of them have in common is the same object.

    Args:
        shape: the network around the cells.
    """

    def __init__(self, shape: NetworkShape):
        self.shape = shape
        self._made: dict[Hashable, object] = {}
        self.stem = Stem(shape.channels, shape.cell_side(0))

    def terms(self, architecture: Architecture) -> list[Firing | Looped]:
        """Return what an architecture's fitness averages over, one entry for each LIF layer (or looped cell)."""
        found: list[Firing | Looped] = []
        value: Value = self.stem
        for place, cell in enumerate(architecture.cleaned.expanded(self.shape.n_cells)):
            channels, side = self.shape.cell_channels(place), self.shape.cell_side(place)
            if place:
                firing = self._firing(value, None, True, channels // 2, self.shape.cell_side(place - 1))
                found.append(firing)
                value = self._reduced(firing, place)
            if cell.has_backward:
                value = self._make(("loop", cell, place, value), Looped, channels, side, cell, place, value)
                if any(edge.kind.is_convolution for edge in cell.edges):
                    found.append(value)
            else:
                value = self._cell(cell, place, value, found)
        last = self.shape.n_cells - 1
        found.append(self._firing(value, None, True, self.shape.cell_channels(last), self.shape.cell_side(last)))
        return found

    def _cell(self, cell: Genotype, place: int, source: Value, found: list[Firing | Looped]) -> Value:
        nodes = [source]
        for high in range(1, N_NODES):
            terms: list[Value] = []
            for incoming in cell.incoming(high):
                edge, value = incoming.edge, nodes[incoming.source]
                if edge.kind.is_convolution:
                    channels, side = self.shape.cell_channels(place), self.shape.cell_side(place)
                    firing = self._firing(value, edge.threshold, False, channels, side)
                    found.append(firing)
                    name = edge_place(place, incoming.number, edge.operation)
                    terms.append(self._convolved(firing, name, channels, edge.kind.kernel))
                else:
                    terms.append(value if edge.operation == "skip" else self._pooled(value))
            nodes.append(self._sum(terms))
        return nodes[-1]

    def _pooled(self, source: Value) -> Value:
        return self._make(("pool", source), Pooled, source.leaves, source)

    def _sum(self, terms: list[Value]) -> Value:
        if len(terms) == 1:
            return terms[0]
        return self._make(("sum", *terms), Sum.of, terms)

    def _firing(self, value: Value, threshold: float | None, normalised: bool, channels: int, side: int) -> Firing:
        key = ("fire", value, threshold, normalised, channels)
        return self._make(key, Firing, value, threshold, normalised, channels, side)

    def _convolved(self, firing: Firing, weights: str, channels: int, kernel: int) -> Convolved:
        key = ("conv", firing, weights)
        return self._make(key, Convolved, channels, firing.side, firing, weights, firing.channels, kernel)

    def _reduced(self, firing: Firing, place: int) -> Reduced:
        channels, side = self.shape.cell_channels(place), self.shape.cell_side(place)
        convolved = self._convolved(firing, reduction_place(place), channels, 3)
        return self._make(("reduce", convolved), Reduced, channels, side, convolved)

    def _make(self, key: Hashable, build: Callable[..., Made], *arguments: object) -> Made:
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = build(*arguments)
        return made  # type: ignore[return-value]  # a key holds what its own builder made
