"""The crossbars of a mapped network and the weights on each."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import Annotated

from pydantic import Field

from neuronas.hardware.floorplan import blocks, floorplan
from neuronas.hardware.mapped.mapping import MappedWork, columns_per_output
from neuronas.runs.document import Document
from neuronas.space.workload import Layer

Size = Annotated[int, Field(ge=1)]
Index = Annotated[int, Field(ge=0)]


class CrossbarDocument(Document):
    """The weights on one crossbar, from wordline 0 and bitline 0.

    Wordlines are input channels at one kernel position (row * k + column), or the inputs of a fully connected layer.
    Bitline columns are numbered over the whole layer, with ``columns_per_output`` per output. ``replica`` is the number
    of the copy of the layer's weights, from 0; there are at most ``replication`` equal copies.
    """

    replica: Index
    kernel_position: Index
    first_channel: Index
    n_channels: Size
    first_column: Index
    n_columns: Size


class ProcessingElementDocument(Document):
    """One PE and its crossbars in use."""

    crossbars: tuple[CrossbarDocument, ...]


class TileDocument(Document):
    """One tile at column x and row y of the mesh, with weights of one layer."""

    x: Index
    y: Index
    layer: str
    pes: tuple[ProcessingElementDocument, ...]


class CrossbarsDocument(Document):
    """Placement of a network on an accelerator. An output has one column per bit slice and sign column.

    Attributes:
        columns_per_output: number of columns of each output; by layer if layers differ.
    """

    hardware: str
    crossbar_size: Size
    n_crossbars_per_pe: Size
    n_pes_per_tile: Size
    mesh_side: Size
    bits_per_cell: Size
    n_sign_columns: Size
    columns_per_output: Size | dict[str, Size]
    replication: Size
    tiles: tuple[TileDocument, ...]

    def columns_of(self, layer: str) -> int:
        """Number of columns of each output of a layer."""
        columns = self.columns_per_output
        return columns if isinstance(columns, int) else columns[layer]


def crossbars_document(rows: Sequence[Layer], work: MappedWork, hardware: str) -> CrossbarsDocument:
    """Describe the weights on each crossbar.

    Args:
        rows: rows of work (``space.workload``).
        work: the same rows, mapped (``hardware.mapped.mapping``).
        hardware: name of the accelerator.
    """
    plan, crossbar = floorplan(rows, work), work.accelerator.crossbar
    counts = columns_per_output(work.weight_bits, crossbar)
    columns = {row.name: int(n) for row, n in zip(rows, counts, strict=True) if row.has_weights}
    contents = chain.from_iterable(blocks(work, index) for index in range(len(rows)))  # in the floorplan's order
    tiles = []
    for tile in plan.tiles:
        held = [[CrossbarDocument(**vars(block)) for block in islice(contents, len(pe))] for pe in tile.pes]
        pes = tuple(ProcessingElementDocument(crossbars=tuple(crossbars)) for crossbars in held)
        tiles.append(TileDocument(x=tile.x, y=tile.y, layer=tile.layer, pes=pes))
    return CrossbarsDocument(
        hardware=hardware,
        crossbar_size=plan.crossbar_size,
        n_crossbars_per_pe=plan.n_crossbars_per_pe,
        n_pes_per_tile=plan.n_pes_per_tile,
        mesh_side=plan.side,
        bits_per_cell=int(crossbar.bits_per_cell),
        n_sign_columns=int(crossbar.n_sign_columns),
        columns_per_output=next(iter(columns.values())) if len(set(columns.values())) == 1 else columns,
        replication=int(work.replication),
        tiles=tuple(tiles),
    )
