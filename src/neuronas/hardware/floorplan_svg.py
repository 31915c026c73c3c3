"""A floorplan as an SVG picture: one colour per layer; the fuller a crossbar, the stronger its colour."""

from collections import defaultdict
from colorsys import hls_to_rgb
from html import escape
from math import ceil, sqrt

from neuronas.hardware.floorplan import Floorplan, Tile

_CROSSBAR, _PE_GAP, _TILE_GAP = 6.0, 3.0, 6.0  # side and gaps in units of the drawing
_GOLDEN_ANGLE = 0.381966
_FAINTEST = 0.2  # opacity of a crossbar that is almost empty: still to be seen
_MARGIN, _HEADING, _MIN_SIDE, _SHOWN_WIDTH = 24.0, 56.0, 620.0, 1400.0
_LEGEND_WIDTH, _LEGEND_STEP = 400.0, 22.0


def floorplan_svg(plan: Floorplan, title: str) -> str:
    """Draw a floorplan.

    Args:
        plan: the floorplan.
        title: one line above the picture, plain text.
    """
    drawn = [_tile(plan, tile, colour) for tile, colour in _coloured(plan)]
    pitch = _tile_width(plan) + _TILE_GAP, _tile_height(plan) + _TILE_GAP
    n_rows = ceil(len(plan.tiles) / plan.side)
    scale = max(1.0, _MIN_SIDE / (plan.side * pitch[0]))
    chip_width, chip_height = plan.side * pitch[0] * scale, n_rows * pitch[1] * scale
    # A large chip is drawn in more units; text must grow with it to be read when the picture is shown smaller.
    text = max(1.0, chip_width / 1000)
    left, top = _MARGIN * text, _HEADING * text
    legend_left = left + chip_width + _MARGIN * text
    legend = _legend(plan)
    width = legend_left + _LEGEND_WIDTH * text
    height = top + max(chip_height, (len(legend) + 1) * _LEGEND_STEP * text) + _MARGIN * text
    shown = min(1.0, _SHOWN_WIDTH / width)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" '
        f'width="{width * shown:.0f}" height="{height * shown:.0f}" '
        f'font-family="sans-serif" font-size="{13 * text:.1f}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width:.1f}" height="{height:.1f}" fill="#ffffff"/>',
        f'<text x="{left:.1f}" y="{24 * text:.1f}" font-size="{16 * text:.1f}" font-weight="bold">'
        f"{escape(title)}</text>",
        f'<text x="{left:.1f}" y="{44 * text:.1f}" fill="#555555">{_subtitle(plan)}</text>',
        f'<g transform="translate({left:.1f} {top:.1f}) scale({scale:.3f})">',
        *drawn,
        "</g>",
        f'<g transform="translate({legend_left:.1f} {top:.1f}) scale({text:.3f})">',
        *legend,
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _coloured(plan: Floorplan) -> list[tuple[Tile, str]]:
    colours = {name: _colour(number) for number, name in enumerate(plan.layers)}
    return [(tile, colours[tile.layer]) for tile in plan.tiles]


def _colour(number: int) -> str:
    red, green, blue = hls_to_rgb((0.58 + number * _GOLDEN_ANGLE) % 1, 0.42, 0.62)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _columns(n: int) -> int:
    return ceil(sqrt(n))


def _pe_side(plan: Floorplan) -> float:
    return _columns(plan.n_crossbars_per_pe) * _CROSSBAR


def _tile_width(plan: Floorplan) -> float:
    return _columns(plan.n_pes_per_tile) * (_pe_side(plan) + _PE_GAP) + _PE_GAP


def _tile_height(plan: Floorplan) -> float:
    n_rows = ceil(plan.n_pes_per_tile / _columns(plan.n_pes_per_tile))
    return n_rows * (_pe_side(plan) + _PE_GAP) + _PE_GAP


def _tile(plan: Floorplan, tile: Tile, colour: str) -> str:
    """A frame, a grey square for each PE's place, and one path for all crossbars that are equally full."""
    columns, per_row, side = _columns(plan.n_pes_per_tile), _columns(plan.n_crossbars_per_pe), _pe_side(plan)
    frame, places = _tile_width(plan), []
    crossbars: defaultdict[float, list[str]] = defaultdict(list)
    for number in range(plan.n_pes_per_tile):
        x = _PE_GAP + number % columns * (side + _PE_GAP)
        y = _PE_GAP + number // columns * (side + _PE_GAP)
        places.append(_square(x, y, side))
        for index, share in enumerate(tile.pes[number] if number < len(tile.pes) else ()):
            at = x + index % per_row * _CROSSBAR, y + index // per_row * _CROSSBAR
            crossbars[share].append(_square(*at, _CROSSBAR - 1))
    left, top = tile.x * (frame + _TILE_GAP), tile.y * (_tile_height(plan) + _TILE_GAP)
    filled = "".join(
        f'<path fill="{colour}" fill-opacity="{_FAINTEST + (1 - _FAINTEST) * share:.2f}" d="{"".join(squares)}"/>'
        for share, squares in sorted(crossbars.items())
    )
    return (
        f'<g transform="translate({left:g} {top:g})"><title>{escape(tile.layer)}: tile {tile.x},{tile.y}, '
        f"{_number(len(tile.pes), 'PE')}, {_number(tile.n_crossbars, 'crossbar')}</title>"
        f'<rect width="{frame:g}" height="{_tile_height(plan):g}" rx="2" fill="#ffffff" stroke="{colour}"/>'
        f'<path fill="#ececec" d="{"".join(places)}"/>{filled}</g>'
    )


def _square(x: float, y: float, side: float) -> str:
    return f"M{x:g} {y:g}h{side:g}v{side:g}h{-side:g}z"


def _subtitle(plan: Floorplan) -> str:
    n_crossbars = sum(tile.n_crossbars for tile in plan.tiles)
    n_pes = sum(len(tile.pes) for tile in plan.tiles)
    size = plan.crossbar_size
    counts = (_number(len(plan.tiles), "tile"), _number(n_pes, "PE"), _number(n_crossbars, "crossbar"))
    return f"{', '.join(counts)} of {size} x {size}; grey: not in use"


def _number(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _legend(plan: Floorplan) -> list[str]:
    lines = []
    for number, name in enumerate(plan.layers):
        tiles = [tile for tile in plan.tiles if tile.layer == name]
        n_crossbars = sum(tile.n_crossbars for tile in tiles)
        y = number * _LEGEND_STEP
        lines.append(
            f'<rect y="{y:g}" width="14" height="14" fill="{_colour(number)}"/>'
            f'<text x="22" y="{y + 12:g}" font-size="13">{escape(name)}: {_number(len(tiles), "tile")}, '
            f"{_number(n_crossbars, 'crossbar')}, {plan.utilisation(name):.0%} used</text>"
        )
    return lines
