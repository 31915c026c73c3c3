"""Where each layer lies on the chip."""

from collections import defaultdict

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from neuronas.hardware.floorplan import Floorplan
from neuronas.report.figures.style import COLOURS, COLUMN_INCHES, FAINT, INK, SOFT, new_figure
from neuronas.report.floorplan_layout import CROSSBAR, Layout, layer_summary, opacity, summary

_RASTER_FROM = 20_000  # crossbars
_LINE_INCHES = 0.125
_NUMBER_INCHES = 0.2  # a tile this wide has room for a number
_COLOURS = COLOURS[:-1]  # no yellow: faint crossbars could not be seen


def floorplan_figure(plan: Floorplan) -> Figure:
    """The tiles, each with the number of its layer; the layers by number below. Neighbours differ in colour."""
    layout = Layout(plan)
    chip = COLUMN_INCHES * layout.height / layout.width
    n_lines = len(plan.layers) + 1
    figure = new_figure(chip + n_lines * _LINE_INCHES + 0.15)
    axes, text = figure.subplots(2, height_ratios=(chip, n_lines * _LINE_INCHES))
    axes.set_xlim(-1, layout.width)
    axes.set_ylim(layout.height, -1)
    axes.set_aspect("equal")
    _draw(axes, layout)
    for one in (axes, text):
        one.set_axis_off()
    text.set_xlim(0, 1)
    text.set_ylim(n_lines, 0)
    text.text(0, 0.5, summary(plan), va="center", fontsize=6.5, color=SOFT)
    for number, name in enumerate(plan.layers):
        y = number + 1.5
        text.text(0.03, y, str(number + 1), va="center", ha="right", fontsize=6.5, fontweight="bold")
        text.add_patch(Rectangle((0.045, y - 0.3), 0.02, 0.6, facecolor=_colour(number), edgecolor="none"))
        text.text(0.08, y, layer_summary(plan, name), va="center", fontsize=6.5)
    return figure


def _draw(axes: Axes, layout: Layout) -> None:
    plan = layout.plan
    numbers = {name: number for number, name in enumerate(plan.layers)}
    squares: defaultdict[tuple[int, float], list[Path]] = defaultdict(list)
    places = []
    for tile in plan.tiles:
        left, top = layout.at(tile)
        number = numbers[tile.layer]
        axes.add_patch(Rectangle((left, top), layout.tile_width, layout.tile_height, facecolor="white",
                                 edgecolor=_colour(number), linewidth=0.8))  # fmt: skip
        places += [_square(left + x, top + y, layout.pe_side) for x, y in layout.pes()]
        for x, y, share in layout.crossbars(tile):
            squares[number, share].append(_square(left + x, top + y, CROSSBAR - 1))
    raster = sum(map(len, squares.values())) > _RASTER_FROM
    axes.add_collection(PathCollection([Path.make_compound_path(*places)], facecolors=FAINT, rasterized=raster))
    for (number, share), paths in sorted(squares.items()):
        axes.add_collection(
            PathCollection(
                [Path.make_compound_path(*paths)],
                facecolors=_colour(number),
                alpha=opacity(share),
                linewidths=0,
                rasterized=raster,
            )
        )
    for tile in layout.numbered(int(COLUMN_INCHES / _NUMBER_INCHES)):
        left, top = layout.at(tile)
        middle = left + layout.tile_width / 2, top + layout.tile_height / 2
        axes.text(*middle, str(numbers[tile.layer] + 1), ha="center", va="center", fontsize=7, fontweight="bold",
                  color=INK, path_effects=[withStroke(linewidth=2, foreground="white")])  # fmt: skip


def _square(x: float, y: float, side: float) -> Path:
    return Path([(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)], closed=True)


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]
