"""The crossbars of a mapped network, each with the weights that it holds."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import Annotated

from pydantic import Field

from neuronas.config import Section
from neuronas.hardware.floorplan import blocks, floorplan
from neuronas.hardware.mapped.mapping import Work, columns_per_output
from neuronas.space.workload import Layer

Size = Annotated[int, Field(ge=1)]
Index = Annotated[int, Field(ge=0)]


class CrossbarDocument(Section):
    """Which weights one crossbar holds, from wordline 0 and bitline 0.

    Wordlines: input channels at one kernel position (row * k + column; of a fully connected layer, its inputs).
    Bitline columns: ``columns_per_output`` for each output, counted over the whole layer. ``replica``: which copy of
    the layer's weights, from 0; all hold the same, and there are at most ``replication``.
    """

    replica: Index
    kernel_position: Index
    first_channel: Index
    n_channels: Size
    first_column: Index
    n_columns: Size


class ProcessingElementDocument(Section):
    """One PE: its crossbars in use."""

    crossbars: tuple[CrossbarDocument, ...]


class TileDocument(Section):
    """One tile at column x and row y of the mesh; it holds weights of one layer."""

    x: Index
    y: Index
    layer: str
    pes: tuple[ProcessingElementDocument, ...]


class CrossbarsDocument(Section):
    """What lies where on the accelerator. The columns of an output are its bit slices, times ``n_sign_columns``."""

    hardware: str
    crossbar_size: Size
    n_crossbars_per_pe: Size
    n_pes_per_tile: Size
    mesh_side: Size
    bits_per_cell: Size
    n_sign_columns: Size
    columns_per_output: Size
    replication: Size
    tiles: tuple[TileDocument, ...]


def crossbars_document(rows: Sequence[Layer], work: Work, hardware: str) -> CrossbarsDocument:
    """Say what each crossbar holds.

    Args:
        rows: rows of work (``space.workload``).
        work: the same rows, mapped (``hardware.mapped.mapping``).
        hardware: the accelerator's name.
    """
    plan, crossbar = floorplan(rows, work), work.accelerator.crossbar
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
        columns_per_output=columns_per_output(work.weight_bits, crossbar),
        replication=work.replication,
        tiles=tuple(tiles),
    )
