"""Placement of layers on the chip: a square mesh of tiles, with PEs in tiles and crossbars in PEs.

Layers are placed one after the other along a snake through the mesh, so that successive tiles are neighbours. Within a
layer, the row blocks of one column block are placed together, since their results are added.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil, sqrt
from typing import TypeVar

from neuronas.errors import ConfigurationError
from neuronas.hardware.mapped import mapping
from neuronas.hardware.mapped.area import AREA_UM2, global_buffer
from neuronas.hardware.mapped.mapping import MappedWork
from neuronas.space.workload import Layer

Item = TypeVar("Item")
MAX_PARTS, _TILE = 2_500_000, 10
"""Limit on the number of crossbars and PEs, where a tile counts as ten. A larger floorplan would take minutes and
gigabytes; no real chip comes near this limit."""


@dataclass(frozen=True)
class FloorplanTile:
    """One tile at column ``x`` and row ``y`` of the mesh.

    Attributes:
        layer: name of the layer on the tile; a tile holds one layer only.
        pes: for each PE in use, the utilisation (0 to 1) of each crossbar that it holds.
    """

    x: int
    y: int
    layer: str
    pes: tuple[tuple[float, ...], ...]

    @property
    def n_crossbars(self) -> int:
        """Crossbars in use."""
        return sum(map(len, self.pes))


@dataclass(frozen=True)
class Floorplan:
    """The smallest square mesh of tiles for a network: ``side`` x ``side`` positions, of which ``tiles`` are in use.

    ``tile_mm2``: area of the chip, including neurons, adders, routers and buffers, divided by the number of tiles.
    """

    side: int
    n_pes_per_tile: int
    n_crossbars_per_pe: int
    crossbar_size: int
    tile_mm2: float
    tiles: tuple[FloorplanTile, ...]

    def utilisation(self, layer: str) -> float:
        """Mean utilisation of a layer's crossbars, 0 to 1."""
        used = [share for tile in self.tiles if tile.layer == layer for pe in tile.pes for share in pe]
        return sum(used) / len(used)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers on the chip, in network order."""
        return tuple(dict.fromkeys(tile.layer for tile in self.tiles))


def floorplan(rows: Sequence[Layer], work: MappedWork) -> Floorplan:
    """Place all layers with weights.

    Args:
        rows: rows of work (``space.workload``).
        work: the same rows, mapped (``hardware.mapped.mapping``).

    Raises:
        ConfigurationError: they need more than ``MAX_PARTS``.
    """
    size, n_per_pe = int(work.accelerator.crossbar.size), int(work.accelerator.crossbar.n_per_pe)
    n_per_tile, n_tiles, n_crossbars = (
        int(n) for n in (work.accelerator.pe.n_per_tile, work.n_tiles.sum(), work.n_crossbars.sum())
    )
    if n_crossbars + n_tiles * (_TILE + n_per_tile) > MAX_PARTS:
        raise ConfigurationError(
            f"the network needs {n_crossbars:,} crossbars of {size}x{size} in {n_tiles:,} tiles of {n_per_tile:,} "
            "PEs, too many for a floorplan; expected larger crossbars, or a smaller --replication, --channels, "
            "head_width or n_classes"
        )
    contents: list[tuple[str, tuple[tuple[float, ...], ...]]] = []
    for index, row in enumerate(rows):
        pes = _batched(_utilisations(work, index), n_per_pe)
        contents += [(row.name, tile) for tile in _batched(pes, n_per_tile)]
    side = ceil(sqrt(len(contents)))
    tiles = tuple(FloorplanTile(*_snake(number, side), name, pes) for number, (name, pes) in enumerate(contents))
    area_um2 = sum(float(part(work).sum()) for part in AREA_UM2.values()) + global_buffer(work.accelerator)
    return Floorplan(side, n_per_tile, n_per_pe, size, area_um2 * 1e-6 / len(tiles), tiles)


@dataclass(frozen=True)
class Block:
    """The weights of a layer on one crossbar; channels start at wordline 0, columns at bitline 0.

    If several groups share a crossbar (``hardware.diagonal``), cells between a channel and the columns of another group
    store no weight.

    Attributes:
        replica: number of the copy of the layer's weights.
        kernel_position: row * k + column in the kernel.
        first_channel: first input channel, of ``n_channels``.
        first_column: first of the layer's bitline columns (``mapping.columns``), of ``n_columns``.
    """

    replica: int
    kernel_position: int
    first_channel: int
    n_channels: int
    first_column: int
    n_columns: int


def blocks(work: MappedWork, index: int) -> Iterator[Block]:
    """The blocks of one row of work in the order of placement: by copy, then by column block, then by row block."""
    size, n_groups = int(work.accelerator.crossbar.size), int(work.groups[index])
    n_rows, n_columns = (int(n[index]) // n_groups for n in (work.c_in, mapping.columns(work)))  # of a group
    for replica in range(int(mapping.replicas(work)[index])):
        for first, n in _parts(n_groups, int(work.diagonal.n_together[index])):
            for column, width in _parts(n * n_columns, size):
                for position in range(int(work.kernel_area[index])):
                    for row, height in _parts(n * n_rows, size):
                        yield Block(replica, position, first * n_rows + row, height, first * n_columns + column, width)


def _utilisations(work: MappedWork, index: int) -> Iterator[float]:
    """Share of used cells of each crossbar of one row of work; each group uses its own rows and columns."""
    size, n_together = int(work.accelerator.crossbar.size), int(work.diagonal.n_together[index])
    n_columns = int(mapping.columns(work)[index]) // int(work.groups[index])
    for block in blocks(work, index):
        n_groups = block.n_columns // n_columns if n_together > 1 else 1
        yield block.n_channels * block.n_columns / n_groups / size**2


def _batched(items: Iterable[Item], n: int) -> Iterator[tuple[Item, ...]]:
    """Consecutive groups of ``n`` items; the last one may be smaller."""
    remaining = iter(items)
    while group := tuple(islice(remaining, n)):
        yield group


def _parts(n: int, size: int) -> list[tuple[int, int]]:
    """Split ``n`` into parts of ``size``, each as (start, length); the last one may be shorter."""
    return [(start, min(size, n - start)) for start in range(0, n, size)]


def _snake(number: int, side: int) -> tuple[int, int]:
    y, x = divmod(number, side)
    return (side - 1 - x if y % 2 else x), y
