"""A floorplan in SVG: one colour for each layer, stronger in fuller crossbars; a scale in mm and the layers below."""

from collections import defaultdict
from collections.abc import Iterator
from colorsys import hls_to_rgb
from dataclasses import dataclass
from math import ceil, floor, log10, sqrt

from neuronas.hardware.floorplan import Floorplan, FloorplanTile
from neuronas.report.markup import Html, element, join
from neuronas.report.style import FONT, colour

_WIDTH = 480.0  # of the drawing; the chip fills it
_LINE, _TEXT = 17.0, 13.0  # height of a line below the chip, and of its letters
_CROSSBAR, _PE_GAP, _TILE_GAP = 6.0, 3.0, 6.0  # pitch of crossbars, and distances, before the chip is scaled to fit
_FAINTEST = 0.2  # opacity of a crossbar that is almost empty: still to be seen
_NUMBERED_SIDE = 16  # tiles in a row that still have room for a number each
_GOLDEN_ANGLE = 0.381966


def floorplan_svg(plan: Floorplan, title: str) -> Html:
    """Draw a floorplan.

    Args:
        plan: the floorplan.
        title: of the picture, plain text.
    """
    chip = _Chip(plan)
    scale = _WIDTH / chip.width
    bottom = chip.height * scale
    lines = [_scale(chip, scale), element("text", {"x": 0, "y": 2 * _LINE, "fill": colour("soft")}, summary(plan))]
    lines += [_layer(plan, number, (number + 3) * _LINE) for number in range(len(plan.layers))]
    height = bottom + _LINE * (len(lines) + 1)
    return element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "class": "floorplan", "viewBox": f"0 0 {_WIDTH:g} {height:.1f}",
         "width": _WIDTH, "height": f"{height:.1f}", "role": "img",
         "font-family": FONT, "font-size": _TEXT, "fill": colour("ink")},
        element("title", {}, title),
        element("g", {"transform": f"scale({scale:.4f}) translate(1 1)"}, *_tiles(chip)),
        element("g", {"transform": f"translate(0 {bottom + 4:.1f})"}, *lines),
    )  # fmt: skip


def summary(plan: Floorplan) -> str:
    """What lies on the chip, in one line."""
    n_crossbars = sum(tile.n_crossbars for tile in plan.tiles)
    n_pes = sum(len(tile.pes) for tile in plan.tiles)
    counts = (_counted(len(plan.tiles), "tile"), _counted(n_pes, "PE"), _counted(n_crossbars, "crossbar"))
    return f"{', '.join(counts)} of {plan.crossbar_size} x {plan.crossbar_size}; grey: not in use"


def layer_summary(plan: Floorplan, layer: str) -> str:
    """What a layer takes of the chip, in one line."""
    tiles = [tile for tile in plan.tiles if tile.layer == layer]
    n_crossbars = _counted(sum(tile.n_crossbars for tile in tiles), "crossbar")
    return f"{layer}: {_counted(len(tiles), 'tile')}, {n_crossbars}, {plan.utilisation(layer):.0%} used"


@dataclass(frozen=True)
class _Chip:
    """The geometry of a floorplan before it is scaled; y grows downwards."""

    plan: Floorplan

    @property
    def pe_side(self) -> float:
        return _columns(self.plan.n_crossbars_per_pe) * _CROSSBAR

    @property
    def tile(self) -> tuple[float, float]:
        """Width and height of a tile."""
        n_columns = _columns(self.plan.n_pes_per_tile)
        n_rows = ceil(self.plan.n_pes_per_tile / n_columns)
        return n_columns * (self.pe_side + _PE_GAP) + _PE_GAP, n_rows * (self.pe_side + _PE_GAP) + _PE_GAP

    @property
    def width(self) -> float:
        return self.plan.side * (self.tile[0] + _TILE_GAP)

    @property
    def height(self) -> float:
        """Of the rows of the mesh that hold a tile."""
        return ceil(len(self.plan.tiles) / self.plan.side) * (self.tile[1] + _TILE_GAP)

    @property
    def mm(self) -> float:
        """Length of a millimetre: a tile and what surrounds it have the tile's area."""
        return sqrt((self.tile[0] + _TILE_GAP) * (self.tile[1] + _TILE_GAP) / self.plan.tile_mm2)

    def at(self, tile: FloorplanTile) -> tuple[float, float]:
        """Upper left corner of a tile."""
        return tile.x * (self.tile[0] + _TILE_GAP), tile.y * (self.tile[1] + _TILE_GAP)

    def pes(self) -> Iterator[tuple[float, float]]:
        """Upper left corners of the places for PEs in a tile."""
        n_columns, pitch = _columns(self.plan.n_pes_per_tile), self.pe_side + _PE_GAP
        for number in range(self.plan.n_pes_per_tile):
            yield _PE_GAP + number % n_columns * pitch, _PE_GAP + number // n_columns * pitch

    def numbered(self) -> Iterator[FloorplanTile]:
        """The tiles that bear their layer's number: all where there is room, otherwise the middle one of each layer."""
        if self.plan.side <= _NUMBERED_SIDE:
            yield from self.plan.tiles
            return
        for name in self.plan.layers:
            tiles = [tile for tile in self.plan.tiles if tile.layer == name]
            yield tiles[len(tiles) // 2]


def _tiles(chip: _Chip) -> Iterator[Html]:
    """All tiles, then the layers' numbers over them."""
    numbers = {name: number for number, name in enumerate(chip.plan.layers)}
    for tile in chip.plan.tiles:
        yield _tile(chip, tile, _colour(numbers[tile.layer]))
    width, height = chip.tile
    size = max(height / 5, _TEXT * chip.width / _WIDTH)
    for tile in chip.numbered():
        left, top = chip.at(tile)
        place = {"x": f"{left + width / 2:g}", "y": f"{top + height / 2 + size / 3:g}", "font-size": f"{size:g}"}
        halo = {"stroke": colour("card"), "stroke-width": f"{size / 4:g}", "stroke-linejoin": "round",
                "paint-order": "stroke"}  # fmt: skip
        yield element("text", place | halo | {"text-anchor": "middle"}, str(numbers[tile.layer] + 1))


def _tile(chip: _Chip, tile: FloorplanTile, shade: str) -> Html:
    """A frame, a grey square for each PE's place, and one path for all crossbars that are equally full."""
    n_columns = _columns(chip.plan.n_crossbars_per_pe)
    crossbars: defaultdict[float, list[str]] = defaultdict(list)
    for (x, y), pe in zip(chip.pes(), tile.pes, strict=False):
        for number, share in enumerate(pe):
            corner = x + number % n_columns * _CROSSBAR, y + number // n_columns * _CROSSBAR
            crossbars[share].append(_square(*corner, _CROSSBAR - 1))
    (left, top), (width, height) = chip.at(tile), chip.tile
    what = f"{tile.layer}: tile {tile.x},{tile.y}, {_counted(len(tile.pes), 'PE')}"
    frame = {"width": f"{width:g}", "height": f"{height:g}", "rx": 2, "fill": colour("card"), "stroke": shade}
    places = "".join(_square(x, y, chip.pe_side) for x, y in chip.pes())
    filled = (
        element("path", {"fill": shade, "fill-opacity": f"{_FAINTEST + (1 - _FAINTEST) * share:.2f}", "d": "".join(d)})
        for share, d in sorted(crossbars.items())
    )
    return element(
        "g",
        {"transform": f"translate({left:g} {top:g})"},
        element("title", {}, f"{what}, {_counted(tile.n_crossbars, 'crossbar')}"),
        element("rect", frame),
        element("path", {"fill": colour("line"), "d": places}),
        *filled,
    )


def _scale(chip: _Chip, scale: float) -> Html:
    """A bar of a round length in mm, a quarter of the chip at most."""
    most = _WIDTH / 4 / (chip.mm * scale)
    power = 10.0 ** floor(log10(most))
    length = next(factor * power for factor in (5, 2, 1) if factor * power <= most)
    x = length * chip.mm * scale
    bar = {"d": f"M.5 6v8m0-4h{x:.1f}m0-4v8", "stroke": colour("ink"), "fill": "none"}
    text = element("text", {"x": f"{x + 8:.1f}", "y": 14}, f"{length:g} mm")
    return join(element("path", bar), text)


def _layer(plan: Floorplan, number: int, y: float) -> Html:
    swatch = {"x": 24, "y": f"{y - 10:g}", "width": 12, "height": 12, "fill": _colour(number)}
    return join(
        element("text", {"x": 18, "y": f"{y:g}", "text-anchor": "end"}, str(number + 1)),
        element("rect", swatch),
        element("text", {"x": 42, "y": f"{y:g}"}, layer_summary(plan, plan.layers[number])),
    )


def _colour(number: int) -> str:
    red, green, blue = hls_to_rgb((0.58 + number * _GOLDEN_ANGLE) % 1, 0.45, 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _square(x: float, y: float, side: float) -> str:
    return f"M{x:g} {y:g}h{side:g}v{side:g}h{-side:g}z"


def _counted(n: int, what: str) -> str:
    """``1 tile``, ``2 tiles``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _columns(n: int) -> int:
    return ceil(sqrt(n))
