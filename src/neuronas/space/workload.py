"""All work of a network as rows: its layers, the pooling between them, and the additions at the nodes.

``space.layers`` lists what has weights and the pooling inside cells. A chip must also pool behind a reduction and in
front of the head, and add up what meets at a node. Those rows are derived here; like the layer table they can be had
for one architecture (``rows``) or as arrays for many (``places`` and ``occupancy``), in the same order.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neuronas.space.genotype import N_EDGES, N_NODES, NODE_PAIRS, Architecture, Genotype
from neuronas.space.layers import Kernels, Layer, NetworkShape, cell_name, edge_name, head_layers, slots

_PER_CELL = 2 * N_EDGES + N_NODES


def places(shape: NetworkShape) -> tuple[Layer, ...]:
    """Every place where work may stand, in network order; see ``at`` for what may stand there.

    An edge has two places, one for a convolution and one for pooling; a node has one for its addition, a row of
    kind ``add`` with as many times the channels going in as it has summands.
    """
    table: list[Layer] = []
    fixed = slots(shape)
    per_cell = 1 + N_EDGES  # what leads into the cell, then its edges
    for place in range(shape.n_cells):
        lead, *edges = fixed[place * per_cell : (place + 1) * per_cell]
        table.append(lead)
        side, channels = shape.cell_side(place), shape.cell_channels(place)
        if side < lead.out_side:
            kernel = lead.out_side // side
            table.append(
                Layer(f"{lead.name}.pool", "avg_pool", channels, channels, kernel, kernel, lead.out_side, side)
            )
        for edge in edges:
            table += [edge, replace(edge, kind="avg_pool", kernel=0)]
        table += [Layer(f"{cell_name(place)}.{node}", "add", 0, channels, 0, 1, side, side) for node in range(N_NODES)]
    return (*table, *_head(shape))


def at(place: Layer, size: int) -> Layer:
    """What stands at a place: a kernel of this side or, at a node, an addition of so many summands.

    A row that is complete, such as the head's, stays as it is.
    """
    if place.kind == "add":
        return place if place.in_channels else replace(place, in_channels=size * place.out_channels)
    if place.kind == "conv" or (place.kind == "avg_pool" and not place.kernel):
        return replace(place, kernel=size)
    return place


def size_of(row: Layer) -> int:
    """Return what ``at`` needs to give this very row: its kernel's side if it is a convolution, otherwise 1."""
    return row.kernel if row.kind == "conv" else 1


def occupancy(architectures: Sequence[Architecture], shape: NetworkShape) -> Kernels:
    """[n, n_places] size of what stands at each place (see ``at``), 0 where nothing does."""
    columns = [
        cell_occupancy([architecture.expanded(shape.n_cells)[place] for architecture in architectures])
        for place in range(shape.n_cells)
    ]
    return _with_fixed_places(columns, shape)


def pair_occupancy(cells: Sequence[Genotype], shape: NetworkShape) -> Kernels:
    """[n * n, n_places] for every pair (A, B) of cells; row ``i * n + j`` is A = cells[i], B = cells[j]."""
    found = cell_occupancy(cells)
    return _with_fixed_places([np.repeat(found, len(cells), axis=0), np.tile(found, (len(cells), 1))], shape)


def rows(architecture: Architecture, shape: NetworkShape) -> tuple[Layer, ...]:
    """All work of one architecture, dead edges removed."""
    sizes = occupancy([architecture.cleaned], shape)[0]
    return tuple(at(place, int(size)) for place, size in zip(places(shape), sizes, strict=True) if size)


def cell_occupancy(cells: Sequence[Genotype]) -> Kernels:
    """[n, 16] of each cell: convolution and pooling of each edge, then the summands of each node."""
    found = [_cell_row(cell.cleaned) for cell in cells]
    return np.array(found, dtype=np.uint8).reshape(-1, _PER_CELL)


def _cell_row(cell: Genotype) -> list[int]:
    row = []
    for edge in cell.edges:
        kind = edge.kind
        row += [kind.kernel if kind.is_convolution else 0, kind.kernel if kind.kind == "pool" else 0]
    for node in range(N_NODES):
        summands = len(cell.incoming(node)) + (node == 0)  # node 0 receives the cell's input as well
        row.append(summands if summands > 1 else 0)
    return row


def _with_fixed_places(cells: Sequence[Kernels], shape: NetworkShape) -> Kernels:
    table = places(shape)
    sizes = np.empty((len(cells[0]), len(table)), dtype=np.uint8)
    edges = {edge_name(place, low, high) for place in range(shape.n_cells) for low, high in NODE_PAIRS}
    free = [index for index, place in enumerate(table) if place.kind == "add" or place.name in edges]
    sizes[:] = [size_of(place) for place in table]
    sizes[:, free] = np.hstack(cells)
    return sizes


def _head(shape: NetworkShape) -> tuple[Layer, ...]:
    """The head's layers behind its pooling."""
    last = shape.n_cells - 1
    side, channels = shape.cell_side(last), shape.cell_channels(last)
    kernel = side if shape.head == "gap" else 2
    pool = Layer("head.pool", "avg_pool", channels, channels, kernel, kernel, side, side // kernel)
    return (pool, *head_layers(shape))
