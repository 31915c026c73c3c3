"""Genotype of a cell: one edge for each pair of its 3 to 6 nodes; and architecture: cells in network order."""

from dataclasses import dataclass
from functools import cache, lru_cache

from neuronas.config.registry import OPERATIONS
from neuronas.errors import ArchitectureError, suggestion
from neuronas.space.node_operations import Pair
from neuronas.space.operations import Operation

FEWEST_NODES, MOST_NODES = 3, 6


@cache
def node_pairs(n_nodes: int) -> tuple[Pair, ...]:
    """The node pair of each edge, in the order of the text notation: 01, 02, 12, 03, 13, 23, ..."""
    return tuple((low, high) for high in range(1, n_nodes) for low in range(high))


_N_NODES = {len(node_pairs(n)): n for n in range(FEWEST_NODES, MOST_NODES + 1)}
"""Number of nodes by number of edges."""
SMALLEST_THRESHOLD, LARGEST_THRESHOLD = 1e-30, 1e15  # as for all settings; representable in float32


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of a cell.

    Attributes:
        operation: a name from ``OPERATIONS``.
        threshold: firing threshold of the LIF neurons in front of a convolution; ``None`` means the
            network's ``v_threshold``. Only convolutions have one.
        backward: the edge carries the later node's value to the earlier node at the next time step
            (SNASNet's backward connections, arXiv 2201.10355).
    """

    operation: str
    threshold: float | None = None
    backward: bool = False

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise ArchitectureError(
                f"unknown operation '{self.operation}'{suggestion(self.operation, OPERATIONS)} "
                f"(known: {', '.join(OPERATIONS)})"
            )
        if self.threshold is not None and not self.kind.has_neurons:
            raise ArchitectureError(f"'{self.operation}' has no neurons; a threshold needs an operation with neurons")
        if self.threshold is not None and not SMALLEST_THRESHOLD <= self.threshold <= LARGEST_THRESHOLD:
            raise ArchitectureError(
                f"threshold {self.threshold:g} given; expected a number above 0, {SMALLEST_THRESHOLD:g} to "
                f"{LARGEST_THRESHOLD:g}"
            )
        if self.backward and not self.kind.connects:
            raise ArchitectureError(
                f"'{self.operation}' connects nothing, so it has no direction; expected '{self.operation}~SOURCE'"
            )

    @property
    def kind(self) -> Operation:
        """The operation."""
        operation: Operation = OPERATIONS[self.operation]
        return operation


NONE = Edge("none")


@dataclass(frozen=True, slots=True)
class Incoming:
    """An incoming edge of a node; ``number`` is its index in ``node_pairs``."""

    number: int
    edge: Edge
    source: int

    @property
    def backward(self) -> bool:
        """Whether the edge carries the source's value of the previous time step."""
        return self.edge.backward


@dataclass(frozen=True, slots=True)
class Genotype:
    """A cell: one edge for each of its ``pairs`` of nodes. The first node is the input, the last the output."""

    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        if len(self.edges) not in _N_NODES:
            raise ArchitectureError(
                f"a cell of {len(self.edges)} edges given; expected {', '.join(map(str, _N_NODES))}, one for each pair "
                f"of {FEWEST_NODES} to {MOST_NODES} nodes"
            )

    @property
    def n_nodes(self) -> int:
        """Number of nodes, 3 to 6."""
        return _N_NODES[len(self.edges)]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The two nodes of each edge, the earlier one first."""
        return node_pairs(self.n_nodes)

    @property
    def has_backward(self) -> bool:
        """Whether any edge feeds back to the next time step."""
        return any(edge.backward for edge in self.edges)

    def incoming(self, target: int) -> tuple[Incoming, ...]:
        """The edges whose values a node sums, in the order of summation: forward, then backward."""
        return _incoming(self)[target]

    @property
    def cleaned(self) -> "Genotype":
        """The cell without dead edges; it computes the same function.

        An edge is dead if its source cannot be reached from the input or its target cannot reach the
        output (SNASNet's cleaning). Dead edges are never built, costed or evaluated.
        """
        return _cleaned(self)

    @property
    def depth(self) -> int:
        """Largest number of edges with neurons on a forward path from input to output; 0 if there is no path."""
        deepest = {0: 0}
        for target in range(1, self.n_nodes):
            depths = [
                deepest[one.source] + one.edge.kind.has_neurons
                for one in self.incoming(target)
                if not one.backward and one.source in deepest
            ]
            if depths:
                deepest[target] = max(depths)
        return deepest.get(self.n_nodes - 1, 0)


# Derived values are cached for recent cells instead of being stored with each: a long search has millions of cells.
_N_DERIVED = 1 << 14


@lru_cache(maxsize=_N_DERIVED)
def _incoming(cell: Genotype) -> tuple[tuple[Incoming, ...], ...]:
    found: list[list[Incoming]] = [[] for _ in range(cell.n_nodes)]
    for number, (edge, (low, high)) in enumerate(zip(cell.edges, cell.pairs, strict=True)):
        if edge.kind.connects:
            source, target = (high, low) if edge.backward else (low, high)
            found[target].append(Incoming(number, edge, source))
    return tuple(tuple(sorted(edges, key=lambda incoming: incoming.backward)) for edges in found)


@lru_cache(maxsize=_N_DERIVED)
def _cleaned(cell: Genotype) -> Genotype:
    links = [
        ((high, low) if edge.backward else (low, high))
        for edge, (low, high) in zip(cell.edges, cell.pairs, strict=True)
    ]
    alive = [edge.kind.connects for edge in cell.edges]
    live_links = [link for link, ok in zip(links, alive, strict=True) if ok]
    from_input = _reachable(0, live_links)
    to_output = _reachable(cell.n_nodes - 1, [(target, source) for source, target in live_links])
    edges = tuple(
        edge if ok and source in from_input and target in to_output else NONE
        for edge, ok, (source, target) in zip(cell.edges, alive, links, strict=True)
    )
    return cell if edges == cell.edges else Genotype(edges)


def _reachable(start: int, links: list[tuple[int, int]]) -> set[int]:
    found = {start}
    while True:
        more = {target for source, target in links if source in found} - found
        if not more:
            return found
        found |= more


@dataclass(frozen=True, slots=True)
class Architecture:
    """The cells from input to output. Equal cells are stored once: a single cell is used at all places."""

    cells: tuple[Genotype, ...]

    def __post_init__(self) -> None:
        if not self.cells:
            raise ArchitectureError("an architecture needs at least one cell")
        if len(sizes := {cell.n_nodes for cell in self.cells}) > 1:
            raise ArchitectureError(
                f"cells of {' and '.join(map(str, sorted(sizes)))} nodes given; expected as many in each"
            )
        if len(set(self.cells)) == 1:
            object.__setattr__(self, "cells", self.cells[:1])

    def expanded(self, n_cells: int) -> tuple[Genotype, ...]:
        """The cell at each of the network's ``n_cells`` places.

        Raises:
            ArchitectureError: if the architecture has another number of different cells.
        """
        if len(self.cells) == 1:
            return self.cells * n_cells
        if len(self.cells) != n_cells:
            raise ArchitectureError(f"{len(self.cells)} cells given; this network has {n_cells} places for one")
        return self.cells

    @property
    def n_nodes(self) -> int:
        """Number of nodes of each cell."""
        return self.cells[0].n_nodes

    @property
    def has_backward(self) -> bool:
        """Whether any cell feeds back to the next time step."""
        return any(cell.has_backward for cell in self.cells)

    @property
    def cleaned(self) -> "Architecture":
        """The architecture without dead edges; it computes the same function."""
        return Architecture(tuple(cell.cleaned for cell in self.cells))

    @property
    def operations(self) -> frozenset[str]:
        """Names of the operations in use, without those of dead edges."""
        return frozenset(edge.operation for cell in self.cleaned.cells for edge in cell.edges if edge.kind.connects)


EdgeKey = tuple[str, float, bool]


def edge_order(architecture: Architecture, n_cells: int) -> tuple[EdgeKey, ...]:
    """Sort key so that neighbours share the longest prefix: all edges from input to output, without dead ones.

    The value of an edge depends only on earlier edges, so two architectures are equal up to where their keys differ.
    """
    return tuple(
        (edge.operation, edge.threshold or 0.0, edge.backward)
        for cell in architecture.cleaned.expanded(n_cells)
        for edge in cell.edges
    )
