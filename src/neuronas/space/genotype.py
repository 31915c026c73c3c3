"""A cell as a value: six edges between four nodes; and an architecture: its cells from input to output."""

from dataclasses import dataclass
from functools import lru_cache

from neuronas.errors import ArchitectureError, suggestion
from neuronas.space.operations import OPERATIONS, Operation

N_NODES = 4
NODE_PAIRS: tuple[tuple[int, int], ...] = tuple((low, high) for high in range(1, N_NODES) for low in range(high))
"""The node pair of each edge, in the order of the text notation: 01, 02, 12, 03, 13, 23."""
N_EDGES = len(NODE_PAIRS)
SMALLEST_THRESHOLD, LARGEST_THRESHOLD = 1e-30, 1e15  # as of all settings; float32 holds them


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
        if self.threshold is not None and not self.kind.is_convolution:
            raise ArchitectureError(f"'{self.operation}' has no neurons; a threshold needs a convolution")
        if self.threshold is not None and not SMALLEST_THRESHOLD <= self.threshold <= LARGEST_THRESHOLD:
            raise ArchitectureError(
                f"threshold {self.threshold:g} given; expected a number above 0, {SMALLEST_THRESHOLD:g} to "
                f"{LARGEST_THRESHOLD:g}"
            )
        if self.backward and self.operation == "none":
            raise ArchitectureError("'none' connects nothing, so it has no direction; expected 'none~SOURCE'")

    @property
    def kind(self) -> Operation:
        """The operation's row of the table."""
        return OPERATIONS[self.operation]


NONE = Edge("none")


@dataclass(frozen=True, slots=True)
class Incoming:
    """An edge as its target node sees it; ``number`` is its place in ``NODE_PAIRS``."""

    number: int
    edge: Edge
    source: int

    @property
    def backward(self) -> bool:
        """Whether it brings the source's value of the previous time step."""
        return self.edge.backward


@dataclass(frozen=True, slots=True)
class Genotype:
    """A cell: one edge for each pair in ``NODE_PAIRS``. Node 0 is the input, node 3 the output."""

    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        if len(self.edges) != N_EDGES:
            raise ArchitectureError(f"a cell has {N_EDGES} edges; {len(self.edges)} given")

    @property
    def has_backward(self) -> bool:
        """Whether any edge feeds back to the next time step."""
        return any(edge.backward for edge in self.edges)

    def incoming(self, target: int) -> tuple[Incoming, ...]:
        """The edges that a node adds up, in the order in which it adds them: forward, then backward."""
        return _incoming(self)[target]

    @property
    def cleaned(self) -> "Genotype":
        """The same function without dead edges.

        An edge is dead if its source cannot be reached from the input or its target cannot reach the
        output (SNASNet's cleaning). Nothing dead is ever built, costed or evaluated.
        """
        return _cleaned(self)


# What cells derive is kept for the cells of late, not with each cell: a long search keeps millions of cells.
_N_DERIVED = 1 << 14


@lru_cache(maxsize=_N_DERIVED)
def _incoming(cell: Genotype) -> tuple[tuple[Incoming, ...], ...]:
    found: list[list[Incoming]] = [[] for _ in range(N_NODES)]
    for number, (edge, (low, high)) in enumerate(zip(cell.edges, NODE_PAIRS, strict=True)):
        if edge.operation != "none":
            source, target = (high, low) if edge.backward else (low, high)
            found[target].append(Incoming(number, edge, source))
    return tuple(tuple(sorted(edges, key=lambda incoming: incoming.backward)) for edges in found)


@lru_cache(maxsize=_N_DERIVED)
def _cleaned(cell: Genotype) -> Genotype:
    links = [
        ((high, low) if edge.backward else (low, high))
        for edge, (low, high) in zip(cell.edges, NODE_PAIRS, strict=True)
    ]
    alive = [edge.operation != "none" for edge in cell.edges]
    live_links = [link for link, ok in zip(links, alive, strict=True) if ok]
    from_input = _reachable(0, live_links)
    to_output = _reachable(N_NODES - 1, [(target, source) for source, target in live_links])
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
    """The cells from input to output. Equal cells are kept once, so one cell means "the same everywhere"."""

    cells: tuple[Genotype, ...]

    def __post_init__(self) -> None:
        if not self.cells:
            raise ArchitectureError("an architecture needs at least one cell")
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
    def has_backward(self) -> bool:
        """Whether any cell feeds back to the next time step."""
        return any(cell.has_backward for cell in self.cells)

    @property
    def cleaned(self) -> "Architecture":
        """The same function without dead edges."""
        return Architecture(tuple(cell.cleaned for cell in self.cells))
