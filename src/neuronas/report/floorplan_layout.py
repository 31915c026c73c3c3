"""Where the parts of a drawn floorplan lie, in units of the drawing; the SVG picture and the figures share it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, sqrt

from neuronas.hardware.floorplan import Floorplan, Tile

CROSSBAR = 6.0
"""Pitch of the crossbars in a PE; they are drawn one unit smaller."""
_PE_GAP, _TILE_GAP = 3.0, 6.0
_FAINTEST = 0.2  # opacity of a crossbar that is almost empty: still to be seen


@dataclass(frozen=True)
class Layout:
    """The geometry of one floorplan; y grows downwards."""

    plan: Floorplan

    @property
    def pe_side(self) -> float:
        """Side of the square of a PE."""
        return _columns(self.plan.n_crossbars_per_pe) * CROSSBAR

    @property
    def tile_width(self) -> float:
        """Width of a tile's frame."""
        return _columns(self.plan.n_pes_per_tile) * (self.pe_side + _PE_GAP) + _PE_GAP

    @property
    def tile_height(self) -> float:
        """Height of a tile's frame."""
        n_rows = ceil(self.plan.n_pes_per_tile / _columns(self.plan.n_pes_per_tile))
        return n_rows * (self.pe_side + _PE_GAP) + _PE_GAP

    @property
    def width(self) -> float:
        """Width of the chip."""
        return self.plan.side * (self.tile_width + _TILE_GAP)

    @property
    def height(self) -> float:
        """Height of the rows of the mesh that hold a tile."""
        return ceil(len(self.plan.tiles) / self.plan.side) * (self.tile_height + _TILE_GAP)

    def at(self, tile: Tile) -> tuple[float, float]:
        """Upper left corner of a tile's frame."""
        return tile.x * (self.tile_width + _TILE_GAP), tile.y * (self.tile_height + _TILE_GAP)

    def pes(self) -> Iterator[tuple[float, float]]:
        """Upper left corners of the places for PEs, from the tile's corner."""
        columns, side = _columns(self.plan.n_pes_per_tile), self.pe_side
        for number in range(self.plan.n_pes_per_tile):
            yield (
                _PE_GAP + number % columns * (side + _PE_GAP),
                _PE_GAP + number // columns * (side + _PE_GAP),
            )

    def crossbars(self, tile: Tile) -> Iterator[tuple[float, float, float]]:
        """Upper left corner of each crossbar in use, from the tile's corner, and its utilisation."""
        per_row = _columns(self.plan.n_crossbars_per_pe)
        for (x, y), crossbars in zip(self.pes(), tile.pes, strict=False):
            for index, share in enumerate(crossbars):
                yield x + index % per_row * CROSSBAR, y + index // per_row * CROSSBAR, share

    def numbered(self, most_in_a_row: int) -> list[Tile]:
        """The tiles that bear their layer's number: all where there is room, otherwise the middle one of each layer."""
        if self.plan.side <= most_in_a_row:
            return list(self.plan.tiles)
        found = []
        for name in self.plan.layers:
            tiles = [tile for tile in self.plan.tiles if tile.layer == name]
            found.append(tiles[len(tiles) // 2])
        return found


def opacity(share: float) -> float:
    """How strong the colour of a crossbar of this utilisation is, 0 to 1."""
    return _FAINTEST + (1 - _FAINTEST) * share


def summary(plan: Floorplan) -> str:
    """What lies on the chip, in one line."""
    n_crossbars = sum(tile.n_crossbars for tile in plan.tiles)
    n_pes = sum(len(tile.pes) for tile in plan.tiles)
    size = plan.crossbar_size
    counts = (counted(len(plan.tiles), "tile"), counted(n_pes, "PE"), counted(n_crossbars, "crossbar"))
    return f"{', '.join(counts)} of {size} x {size}; grey: not in use"


def layer_summary(plan: Floorplan, layer: str) -> str:
    """What a layer takes of the chip, in one line."""
    tiles = [tile for tile in plan.tiles if tile.layer == layer]
    n_crossbars = counted(sum(tile.n_crossbars for tile in tiles), "crossbar")
    return f"{layer}: {counted(len(tiles), 'tile')}, {n_crossbars}, {plan.utilisation(layer):.0%} used"


def counted(n: int, what: str) -> str:
    """``1 tile``, ``2 tiles``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _columns(n: int) -> int:
    return ceil(sqrt(n))
