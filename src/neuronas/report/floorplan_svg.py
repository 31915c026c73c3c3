"""A floorplan as an SVG picture: one colour per layer; the fuller a crossbar, the stronger its colour."""

from collections import defaultdict
from colorsys import hls_to_rgb
from html import escape

from neuronas.hardware.floorplan import Floorplan, Tile
from neuronas.report.floorplan_layout import CROSSBAR, Layout, counted, layer_summary, opacity, summary

_GOLDEN_ANGLE = 0.381966
_MARGIN, _HEADING, _MIN_SIDE, _SHOWN_WIDTH = 24.0, 56.0, 620.0, 1400.0
_LEGEND_WIDTH, _LEGEND_STEP = 400.0, 22.0
_NUMBERED_SIDE = 24  # tiles in a row that still have room for a number each


def floorplan_svg(plan: Floorplan, title: str) -> str:
    """Draw a floorplan.

    Args:
        plan: the floorplan.
        title: one line above the picture, plain text.
    """
    layout = Layout(plan)
    scale = max(1.0, _MIN_SIDE / layout.width)
    chip_width, chip_height = layout.width * scale, layout.height * scale
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
        f'<text x="{left:.1f}" y="{44 * text:.1f}" fill="#555555">{summary(plan)}</text>',
        f'<g transform="translate({left:.1f} {top:.1f}) scale({scale:.3f})">',
        *_tiles(layout),
        "</g>",
        f'<g transform="translate({legend_left:.1f} {top:.1f}) scale({text:.3f})">',
        *legend,
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def tiles_svg(plan: Floorplan, title: str) -> str:
    """Draw the tiles alone, with the numbers of their layers from 1; for a page that lists the layers itself."""
    layout = Layout(plan)
    shown = min(max(1.0, _MIN_SIDE / layout.width), _SHOWN_WIDTH / layout.width)
    return (
        f'<svg viewBox="-1 -1 {layout.width:g} {layout.height:g}" width="{layout.width * shown:.0f}" '
        f'height="{layout.height * shown:.0f}" font-family="sans-serif"><title>{escape(title)}</title>'
        f"{''.join(_tiles(layout))}</svg>"
    )


def swatch_svg(number: int) -> str:
    """The colour of a layer, by its place in ``Floorplan.layers``."""
    square = 'width="14" height="14"'
    return f'<svg {square} aria-hidden="true"><rect {square} fill="{_colour(number)}"/></svg>'


def _tiles(layout: Layout) -> list[str]:
    """All tiles, then the layers' numbers over them: on every tile, or on one of each layer where tiles are many."""
    numbers = {name: number for number, name in enumerate(layout.plan.layers)}
    drawn = [_tile(layout, tile, _colour(numbers[tile.layer])) for tile in layout.plan.tiles]
    size = layout.tile_height / 5
    for tile in layout.numbered(_NUMBERED_SIDE):
        left, top = layout.at(tile)
        drawn.append(
            f'<text x="{left + layout.tile_width / 2:g}" y="{top + layout.tile_height / 2 + size / 3:g}" '
            f'font-size="{size:g}" font-weight="bold" text-anchor="middle" '
            f'stroke="#ffffff" stroke-width="{size / 4:g}" stroke-linejoin="round" '
            f'paint-order="stroke">{numbers[tile.layer] + 1}</text>'
        )
    return drawn


def _colour(number: int) -> str:
    red, green, blue = hls_to_rgb((0.58 + number * _GOLDEN_ANGLE) % 1, 0.42, 0.62)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _tile(layout: Layout, tile: Tile, colour: str) -> str:
    """A frame, a grey square for each PE's place, and one path for all crossbars that are equally full."""
    places = (_square(x, y, layout.pe_side) for x, y in layout.pes())
    crossbars: defaultdict[float, list[str]] = defaultdict(list)
    for x, y, share in layout.crossbars(tile):
        crossbars[share].append(_square(x, y, CROSSBAR - 1))
    left, top = layout.at(tile)
    filled = "".join(
        f'<path fill="{colour}" fill-opacity="{opacity(share):.2f}" d="{"".join(squares)}"/>'
        for share, squares in sorted(crossbars.items())
    )
    return (
        f'<g transform="translate({left:g} {top:g})"><title>{escape(tile.layer)}: tile {tile.x},{tile.y}, '
        f"{counted(len(tile.pes), 'PE')}, {counted(tile.n_crossbars, 'crossbar')}</title>"
        f'<rect width="{layout.tile_width:g}" height="{layout.tile_height:g}" rx="2" fill="#ffffff" stroke="{colour}"/>'
        f'<path fill="#ececec" d="{"".join(places)}"/>{filled}</g>'
    )


def _square(x: float, y: float, side: float) -> str:
    return f"M{x:g} {y:g}h{side:g}v{side:g}h{-side:g}z"


def _legend(plan: Floorplan) -> list[str]:
    lines = []
    for number, name in enumerate(plan.layers):
        y = number * _LEGEND_STEP
        lines.append(
            f'<rect y="{y:g}" width="14" height="14" fill="{_colour(number)}"/>'
            f'<text x="22" y="{y + 12:g}" font-size="13">{number + 1} {escape(layer_summary(plan, name))}</text>'
        )
    return lines
