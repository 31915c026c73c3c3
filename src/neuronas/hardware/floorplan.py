"""Where each layer lies on the chip: tiles in a square mesh, PEs in them, crossbars in those, as data.

Layers follow one another in a snake through the mesh, so that successive tiles are neighbours. Within a layer the row
blocks of one column block come first: what is added up lies together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil, sqrt
from typing import TypeVar

from neuronas.errors import ConfigurationError
from neuronas.hardware.mapped import mapping
from neuronas.hardware.mapped.area import AREA_UM2, global_buffer
from neuronas.hardware.mapped.mapping import Work
from neuronas.space.workload import Layer

Item = TypeVar("Item")
MAX_PARTS, _TILE = 2_500_000, 10
"""Crossbars and places for PEs, and a tile, which takes as long to place and draw as ten of them. More take minutes and
gigabytes, and no chip is near it."""


@dataclass(frozen=True)
class FloorplanTile:
    """One tile at column ``x`` and row ``y`` of the mesh.

    Attributes:
        layer: name of the one layer that it holds.
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
    """A chip just large enough for a network: ``side`` x ``side`` places for tiles, of which ``tiles`` are in use.

    ``tile_mm2`` is the chip's area divided by its tiles in use, which neurons, adders, routers and buffers share.
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


def floorplan(rows: Sequence[Layer], work: Work) -> Floorplan:
    """Place all layers that lie on crossbars.

    Args:
        rows: rows of work (``space.workload``).
        work: the same rows, mapped (``hardware.mapped.mapping``).

    Raises:
        ConfigurationError: they take more than ``MAX_PARTS``.
    """
    size, n_per_pe = int(work.accelerator.crossbar.size), int(work.accelerator.crossbar.n_per_pe)
    n_per_tile, n_tiles, n_crossbars = (
        int(n) for n in (work.accelerator.pe.n_per_tile, work.n_tiles.sum(), work.n_crossbars.sum())
    )
    if n_crossbars + n_tiles * (_TILE + n_per_tile) > MAX_PARTS:
        raise ConfigurationError(
            f"the network lies on {n_crossbars:,} crossbars of {size}x{size} in {n_tiles:,} tiles of {n_per_tile:,} "
            "PEs, too many to place one by one; expected larger crossbars, or a smaller --replication, --channels, "
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
    """The part of a layer's weights that one crossbar holds; channels from wordline 0, columns from bitline 0.

    Of several groups (``hardware.diagonal``) those whose columns do not read a channel hold no weight for it.

    Attributes:
        replica: which copy of the layer's weights.
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


def blocks(work: Work, index: int) -> Iterator[Block]:
    """The contents of the crossbars of one row in the order in which they lie: copies, column blocks, row blocks."""
    size, n_groups = int(work.accelerator.crossbar.size), int(work.groups[index])
    n_rows, n_columns = (int(n[index]) // n_groups for n in (work.c_in, mapping.columns(work)))  # of a group
    for replica in range(int(mapping.replicas(work)[index])):
        for first, n in _parts(n_groups, int(work.diagonal.n_together[index])):
            for column, width in _parts(n * n_columns, size):
                for position in range(int(work.kernel_area[index])):
                    for row, height in _parts(n * n_rows, size):
                        yield Block(replica, position, first * n_rows + row, height, first * n_columns + column, width)


def _utilisations(work: Work, index: int) -> Iterator[float]:
    """Share of cells in use of each crossbar of one row; of several groups, each uses its own rows and columns."""
    size, n_together = int(work.accelerator.crossbar.size), int(work.diagonal.n_together[index])
    n_columns = int(mapping.columns(work)[index]) // int(work.groups[index])
    for block in blocks(work, index):
        n_groups = block.n_columns // n_columns if n_together > 1 else 1
        yield block.n_channels * block.n_columns / n_groups / size**2


def _batched(items: Iterable[Item], n: int) -> Iterator[tuple[Item, ...]]:
    """Consecutive groups of ``n`` items, the last one smaller if it does not come out even."""
    remaining = iter(items)
    while group := tuple(islice(remaining, n)):
        yield group


def _parts(n: int, size: int) -> list[tuple[int, int]]:
    """``n`` in parts of ``size``, each as start and length, the last one shorter if it does not come out even."""
    return [(start, min(size, n - start)) for start in range(0, n, size)]


def _snake(number: int, side: int) -> tuple[int, int]:
    y, x = divmod(number, side)
    return (side - 1 - x if y % 2 else x), y
