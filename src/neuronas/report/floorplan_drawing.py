"""A floorplan in SVG: one colour per layer, stronger in fuller crossbars; a scale in mm and a legend.

This module computes the geometry; ``templates/floorplan.svg`` draws it.
"""

from collections import defaultdict
from collections.abc import Sequence
from colorsys import hls_to_rgb
from dataclasses import dataclass
from math import ceil, floor, log10, sqrt
from typing import TYPE_CHECKING

from neuronas.errors import counted
from neuronas.hardware.floorplan import Floorplan, FloorplanTile
from neuronas.report.rendering import render
from neuronas.report.style import FONT
from neuronas.report.tables import Table, share

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDTH, _LINE = 480, 17  # of the drawing, and of a line below the chip
_CROSSBAR, _PE_GAP, _TILE_GAP = 6.0, 3.0, 6.0  # pitch of crossbars, and distances, before the chip is scaled to fit
_FAINTEST = 0.3  # opacity of an almost empty crossbar, so that it stays visible
_NUMBERED_SIDE = 16  # most tiles in a row with space for a number in each
_GOLDEN_ANGLE = 0.381966


@dataclass(frozen=True)
class PlacedLayer:
    """A layer of the chip in the legend; ``used`` is the mean utilisation of its crossbars, 0 to 1."""

    number: int
    name: str
    colour: str
    n_tiles: int
    n_pes: int
    n_crossbars: int
    used: float

    @property
    def summary(self) -> str:
        """Tiles, crossbars and utilisation of the layer, on one line."""
        counts = f"{counted(self.n_tiles, 'tile')}, {counted(self.n_crossbars, 'crossbar')}"
        return f"{self.name}: {counts}, {self.used:.0%} used"


def floorplan_svg(plan: Floorplan, title: str, *, legend: bool = True) -> "Markup":
    """Draw a floorplan.

    Args:
        plan: the floorplan.
        title: title of the picture, plain text.
        legend: whether to list the layers below the chip.
    """
    # The chip's geometry before it is scaled; y grows downwards.
    pe_side = _columns(plan.n_crossbars_per_pe) * _CROSSBAR
    n_columns, pitch = _columns(plan.n_pes_per_tile), pe_side + _PE_GAP
    width, height = n_columns * pitch + _PE_GAP, ceil(plan.n_pes_per_tile / n_columns) * pitch + _PE_GAP  # of a tile
    pes = [(_PE_GAP + i % n_columns * pitch, _PE_GAP + i // n_columns * pitch) for i in range(plan.n_pes_per_tile)]
    corners = [(tile.x * (width + _TILE_GAP), tile.y * (height + _TILE_GAP)) for tile in plan.tiles]
    scale = _WIDTH / (plan.side * (width + _TILE_GAP))
    bottom = ceil(len(plan.tiles) / plan.side) * (height + _TILE_GAP) * scale
    layers = placed_layers(plan)
    by_name = {one.name: one for one in layers}
    tiles = (
        (x, y, _title(tile), by_name[tile.layer].colour, _crossbars(tile, pes, _columns(plan.n_crossbars_per_pe)))
        for (x, y), tile in zip(corners, plan.tiles, strict=True)
    )
    number_size = max(height / 5, 13 / scale)
    numbers = (
        (by_name[plan.tiles[i].layer].number, x + width / 2, y + height / 2 + number_size / 3)
        for i in _numbered(plan)
        for x, y in [corners[i]]
    )
    # A tile and what surrounds it have the tile's area.
    mm_pixels = scale * sqrt((width + _TILE_GAP) * (height + _TILE_GAP) / plan.tile_mm2)
    return render(
        "floorplan.svg", FONT=FONT, title=title, legend=legend, layers=layers, summary=_summary(plan, layers),
        width=_WIDTH, height=bottom + _LINE * (2 + (1 + len(layers)) * legend), bottom=bottom, line=_LINE, scale=scale,
        tile_width=width, tile_height=height, places="".join(_square(x, y, pe_side) for x, y in pes), tiles=tiles,
        numbers=numbers, number_size=number_size, mm=_round_length(_WIDTH / 4 / mm_pixels), mm_pixels=mm_pixels,
    )  # fmt: skip


def placed_layers(plan: Floorplan) -> tuple[PlacedLayer, ...]:
    """The legend, in network order."""
    found = []
    for number, name in enumerate(plan.layers):
        tiles = [tile for tile in plan.tiles if tile.layer == name]
        counts = len(tiles), sum(len(tile.pes) for tile in tiles), sum(tile.n_crossbars for tile in tiles)
        found.append(PlacedLayer(number + 1, name, _colour(number), *counts, plan.utilisation(name)))
    return tuple(found)


def layers_table(plan: Floorplan) -> Table:
    """The legend as a table."""
    layers = placed_layers(plan)
    rows = tuple(
        (f"{one.number}  {one.name}", f"{one.n_tiles:,}", f"{one.n_pes:,}", f"{one.n_crossbars:,}", share(one.used))
        for one in layers
    )
    titles = ("layer", "tiles", "PEs", "crossbars", "used")
    swatches, bars = [one.colour for one in layers], {4: [one.used for one in layers]}
    return Table("Layers on the chip", titles, rows, swatches=swatches, bars=bars)


def _summary(plan: Floorplan, layers: Sequence[PlacedLayer]) -> str:
    n_pes, n_crossbars = sum(one.n_pes for one in layers), sum(one.n_crossbars for one in layers)
    counts = (counted(len(plan.tiles), "tile"), counted(n_pes, "PE"), counted(n_crossbars, "crossbar"))
    return f"{', '.join(counts)} of {plan.crossbar_size} x {plan.crossbar_size}; grey: not in use"


def _title(tile: FloorplanTile) -> str:
    counts = f"{counted(len(tile.pes), 'PE')}, {counted(tile.n_crossbars, 'crossbar')}"
    return f"{tile.layer}: tile {tile.x},{tile.y}, {counts}"


def _crossbars(tile: FloorplanTile, pes: Sequence[tuple[float, float]], n_columns: int) -> list[tuple[float, str]]:
    """Opacity and path of all crossbars of a tile that are equally full."""
    found: defaultdict[float, list[str]] = defaultdict(list)
    for (x, y), pe in zip(pes, tile.pes, strict=False):
        for number, used in enumerate(pe):
            corner = x + number % n_columns * _CROSSBAR, y + number // n_columns * _CROSSBAR
            found[used].append(_square(*corner, _CROSSBAR - 1))
    return [(_FAINTEST + (1 - _FAINTEST) * used, "".join(squares)) for used, squares in sorted(found.items())]


def _numbered(plan: Floorplan) -> Sequence[int]:
    """The tiles with their layer's number: all if there is space, otherwise the middle one of each layer."""
    if plan.side <= _NUMBERED_SIDE:
        return range(len(plan.tiles))
    places = ([i for i, tile in enumerate(plan.tiles) if tile.layer == name] for name in plan.layers)
    return [numbers[len(numbers) // 2] for numbers in places]


def _round_length(most: float) -> float:
    """The longest round length of the scale."""
    power = 10.0 ** floor(log10(most))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= most)


def _colour(number: int) -> str:
    red, green, blue = hls_to_rgb((0.58 + number * _GOLDEN_ANGLE) % 1, 0.5, 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _square(x: float, y: float, side: float) -> str:
    return f"M{x:g} {y:g}h{side:g}v{side:g}h{-side:g}z"


def _columns(n: int) -> int:
    return ceil(sqrt(n))
