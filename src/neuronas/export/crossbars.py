"""The crossbars of a mapped network, each with the weights that it holds."""

from collections.abc import Sequence
from itertools import chain, islice

from neuronas.export.document import CrossbarDocument, CrossbarsDocument, ProcessingElementDocument, TileDocument
from neuronas.hardware.floorplan import Block, blocks, floorplan
from neuronas.hardware.mapped.mapping import Work, columns_per_output
from neuronas.space.workload import Layer


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
        pes = [ProcessingElementDocument(crossbars=tuple(map(_crossbar, islice(contents, len(pe))))) for pe in tile.pes]
        tiles.append(TileDocument(x=tile.x, y=tile.y, layer=tile.layer, pes=tuple(pes)))
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


def _crossbar(block: Block) -> CrossbarDocument:
    return CrossbarDocument(
        replica=block.replica,
        kernel_position=block.kernel_position,
        first_channel=block.first_channel,
        n_channels=block.n_channels,
        first_column=block.first_column,
        n_columns=block.n_columns,
    )
