"""All work of a network as rows: layers with weights, pooling, and the additions at nodes.

Every row corresponds to a node of the layer graph. For the vectorised costs of a search, ``Workload.slots`` lists every
place for work with the rows of each choice, and ``Workload.occupancy`` has the number of the choice at each place of
each architecture. ``rows`` gives the rows of one architecture, in the same order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuronas.config.registry import OPERATIONS
from neuronas.space.genotype import NONE, Architecture, Edge, Genotype, node_pairs
from neuronas.space.graph import Graph, Node
from neuronas.space.lowering import lower, lower_cell
from neuronas.space.node_operations import Image, Neurons, Pair, Pool, Sum, Weights
from neuronas.space.shape import NetworkShape, Side, cell_name, side_of, size_of

Reads = Literal["image", "sequence", "spikes", "values"]
_POOLS = {"mean": "avg_pool", "max": "max_pool"}


@dataclass(frozen=True)
class Layer:
    """One row of work. Sides are in pixels; 1 for fully connected layers.

    Attributes:
        name: name of its node in the graph: ``stem``, ``A.01`` (cell A, edge 0->1), ``reduction``, ``head.1``, ...
        kind: ``conv``, ``linear``, ``avg_pool``, ``max_pool``, ``add`` (a sum, such as at a node of a cell), or ``lif``
            (neurons that do not belong to another row).
        in_channels: input channels, or inputs; for a sum, the total over all summands.
        out_channels: output channels, or outputs.
        kernel: side of the window; 1 for fully connected layers, 0 for sums.
        stride: stride of the window; 1 for fully connected layers and sums.
        in_side: side of the input.
        out_side: side of the output, before any pooling that follows.
        groups: see ``node_operations.Weights``.
        reads: kind of the inputs: the image (the same at every time step), a sequence (an image for each time step),
            spikes (of neurons that belong to this row), or other values.
        n_pooled: number of spikes of which each input is the mean or sum.
        is_fired: False if a pool or a sum is between the row and its neurons.
    """

    name: str
    kind: str
    in_channels: int
    out_channels: int
    kernel: Side
    stride: Side
    in_side: Side
    out_side: Side
    groups: int = 1
    reads: Reads = "spikes"
    n_pooled: int = 1
    is_fired: bool = True

    @property
    def has_weights(self) -> bool:
        """Whether the row is mapped to crossbars."""
        return self.kind in ("conv", "linear")

    @property
    def has_neurons(self) -> bool:
        """Whether neurons before the layer belong to the row."""
        return self.reads == "spikes" and self.n_pooled == 1 and self.is_fired

    @property
    def is_pool(self) -> bool:
        """Whether the row is a pooling operation."""
        return self.kind.endswith("_pool")

    @property
    def n_weights(self) -> int:
        """Number of weights, without bias and batch normalisation."""
        return self.has_weights * self.in_channels // self.groups * self.out_channels * prod(size_of(self.kernel))


@dataclass(frozen=True)
class Slot:
    """A place for work.

    Attributes:
        choices: rows of each choice, by number. Choice 0 is no work. Other choices are, for an edge, the operations in
            the order of the registry; for a node of a cell, the number of summands; otherwise only choice 1.
    """

    choices: tuple[tuple[Layer, ...], ...]


Occupancy = NDArray[np.uint8]
"""[n, n_slots] number of the choice at each slot."""


@dataclass(frozen=True)
class Column:
    """At most one row in each architecture: the first rows of the choices at a slot, or the second ones, ...

    Attributes:
        slot: number of the slot.
        rows: the row of each choice; None if the choice has no such row.
    """

    slot: int
    rows: Mapping[int, Layer]

    @property
    def is_static(self) -> bool:
        """Whether the rows read the same image at every time step, and so run only once."""
        return all(row.reads == "image" for row in self.rows.values())


def columns(slots: Sequence[Slot], occupancy: Occupancy) -> list[Column]:
    """All rows that occur in the architectures of an occupancy, as columns in network order."""
    occurs = np.zeros(np.iinfo(np.uint8).max + 1, dtype=bool)
    occurs[occupancy] = True
    found = []
    for number, slot in enumerate(slots):
        choices = {choice: rows for choice, rows in enumerate(slot.choices) if occurs[choice]}
        for part in range(max(map(len, choices.values()), default=0)):
            rows = {choice: rows[part] for choice, rows in choices.items() if part < len(rows)}
            found.append(Column(number, rows))
    return found


def always(rows: Sequence[Layer]) -> tuple[tuple[Slot, ...], Occupancy]:
    """Slots that contain exactly these rows, and the occupancy of the single architecture that they form."""
    return tuple(Slot(((), (row,))) for row in rows), np.ones((1, len(rows)), dtype=np.uint8)


class Workload:
    """The work of any architecture of a space.

    Args:
        shape: shape of the network around the cells.
        n_nodes: number of nodes of a cell.

    Attributes:
        slots: all places for work, in network order; within a cell its edges, then its nodes.
    """

    def __init__(self, shape: NetworkShape, n_nodes: int):
        self._n_places, self._n_nodes = shape.n_cells, n_nodes
        self.slots, self._in_cells = _slots(shape, n_nodes, tuple(OPERATIONS))

    def occupancy(self, architectures: Sequence[Architecture]) -> Occupancy:
        """The choice at each slot for each architecture, without dead edges."""
        cells = [architecture.expanded(self._n_places) for architecture in architectures]
        return self._whole([cell_occupancy([one[place] for one in cells], self._n_nodes) for place in self._places])

    def pair_occupancy(self, cells: Sequence[Genotype]) -> Occupancy:
        """Occupancy of every pair (A, B) of cells; row ``i * n + j`` is A = cells[i], B = cells[j]."""
        found = cell_occupancy(cells, self._n_nodes)
        return self._whole([np.repeat(found, len(cells), axis=0), np.tile(found, (len(cells), 1))])

    @property
    def _places(self) -> range:
        return range(self._n_places)

    def _whole(self, cells: Sequence[Occupancy]) -> Occupancy:
        whole = np.ones((len(cells[0]), len(self.slots)), dtype=np.uint8)
        whole[:, self._in_cells] = np.hstack(cells)
        return whole


def rows(architecture: Architecture, shape: NetworkShape) -> tuple[Layer, ...]:
    """All work of one architecture without dead edges, in network order."""
    work = Workload(shape, architecture.n_nodes)
    choices = zip(work.slots, work.occupancy([architecture])[0], strict=True)
    return tuple(row for slot, choice in choices for row in slot.choices[choice])


def graph_rows(graph: Graph) -> tuple[Layer, ...]:
    """All work of a layer graph, in its order. For the graph of an architecture this equals ``rows``."""
    found, fired = [], set[str]()
    for node in graph.nodes:
        if row := _row(node, graph.by_name):
            found.append(row)
            fired.add(node.links[0].source)
        elif isinstance(node.operation, Sum) and len(node.links) > 1:
            found.append(_sum(node, len(node.links)))
        elif isinstance(node.operation, Neurons):
            found.append(replace(_sum(node, 1), kind="lif", reads="spikes"))
    return tuple(row for row in found if row.kind != "lif" or row.name not in fired)


def cell_occupancy(cells: Sequence[Genotype], n_nodes: int) -> Occupancy:
    """[n, n_edges + n_nodes] for each cell: the operation on each edge, then the number of summands of each node."""
    numbers = {name: number for number, name in enumerate(OPERATIONS) if OPERATIONS[name].has_work}
    found = []
    for cell in (cell.cleaned for cell in cells):
        # node 0 receives the cell's input as well
        summands = [len(cell.incoming(node)) + (node == 0) for node in range(n_nodes)]
        found.append([numbers.get(edge.operation, 0) for edge in cell.edges] + [n if n > 1 else 0 for n in summands])
    return np.array(found, dtype=np.uint8).reshape(-1, len(node_pairs(n_nodes)) + n_nodes)


@lru_cache(64)
def _slots(shape: NetworkShape, n_nodes: int, operations: tuple[str, ...]) -> tuple[tuple[Slot, ...], list[int]]:
    """The slots, and the indices of those in cells."""
    found: list[Slot] = []
    in_cells: list[int] = []
    graph = lower(Architecture((_cell({}, n_nodes),)), shape)
    for node in graph.nodes:
        if node.origin and node.origin.part == "cell":
            slots = _cell_slots(node, n_nodes, operations) if node.origin.number == 0 else []
            in_cells += range(len(found), len(found) + len(slots))
            found += slots
        elif row := _row(node, graph.by_name):
            found.append(Slot(((), (row,))))
    return tuple(found), in_cells


def _cell_slots(first: Node, n_nodes: int, operations: tuple[str, ...]) -> list[Slot]:
    place = first.origin.place if first.origin else 0
    nodes = [replace(first, name=f"{cell_name(place)}.{number}") for number in range(n_nodes)]
    known = {node.name: node for node in nodes}
    edges = []
    for pair in node_pairs(n_nodes):
        choices = []
        for operation in operations:
            lowered = lower_cell(_cell({pair: Edge(operation)}, n_nodes), place, nodes[0])
            made = {node.name: node for node in lowered}
            found = (_row(node, made | known) for node in lowered if node.origin and node.origin.edge)
            choices.append(tuple(row for row in found if row))
        edges.append(Slot(tuple(choices)))
    return edges + [Slot(tuple((_sum(node, n),) if n > 1 else () for n in range(n_nodes + 1))) for node in nodes]


def _cell(edges: Mapping[Pair, Edge], n_nodes: int) -> Genotype:
    return Genotype(tuple(edges.get(pair, NONE) for pair in node_pairs(n_nodes)))


def _row(node: Node, known: Mapping[str, Node]) -> Layer | None:
    """The row of a node; None if the node is not work of its own."""
    if not isinstance(node.operation, Weights | Pool):
        return None
    source = known[node.links[0].source]
    inputs = *_inputs(source, known), isinstance(source.operation, Neurons)
    if isinstance(node.operation, Weights) and not node.operation.kernel:
        return Layer(node.name, "linear", prod(source.shape), node.shape[0], 1, 1, 1, 1, 1, *inputs)
    (c_in, *i_size), (c_out, *o_size) = source.shape, node.shape
    row = Layer(node.name, "conv", c_in, c_out, 0, 1, side_of(i_size), side_of(o_size), 1, *inputs)
    match node.operation:
        case Weights(_, kernel, stride, groups):
            return replace(row, kernel=kernel, stride=stride, groups=groups)
        case Pool(window, step, _, reduce):
            return replace(row, kind=_POOLS[reduce], kernel=side_of(window), stride=side_of(step))


def _inputs(source: Node, known: Mapping[str, Node]) -> tuple[Reads, int]:
    match source.operation:
        case Image(sequence):
            return "sequence" if sequence else "image", 1
        case Neurons():
            return "spikes", 1
        case Pool(kernel, _, _, reduce):
            reads, n = _inputs(known[source.links[0].source], known)
            if reads == "spikes":
                return reads, n if reduce == "max" else n * prod(kernel)
        case Sum() if source.origin is None and source.links and not any(link.delayed for link in source.links):
            parts = [_inputs(known[link.source], known) for link in source.links]
            if all(reads == "spikes" for reads, _ in parts):
                return "spikes", sum(n for _, n in parts)
    return "values", 1


def _sum(node: Node, n_summands: int) -> Layer:
    channels, *size = node.shape
    side = side_of(size) if size else 1
    return Layer(node.name, "add", n_summands * channels, channels, 0, 1, side, side, reads="values")
