"""The answer's cells as graphs with their operations."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from neuronas.report.cell_layout import (
    CURVES,
    HEIGHT,
    LABEL_HEIGHT,
    RADIUS,
    WIDTH,
    EdgeCurve,
    edge_label,
    label_width,
    node_at,
    node_name,
)
from neuronas.report.facts import Answer
from neuronas.report.figures.style import BLUE, COLUMN_INCHES, INK, SOFT, VERMILION, new_figure
from neuronas.space.genotype import N_NODES, Edge, Genotype

_COLOURS = {"conv": BLUE, "pool": VERMILION}
_CURVE = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
_TITLE_INCHES = 0.18


def cells_figure(answer: Answer) -> Figure:
    """Each different cell, one below the other."""
    titles = answer.cell_titles
    figure = new_figure(len(titles) * (COLUMN_INCHES * HEIGHT / WIDTH + _TITLE_INCHES))
    for axes, title, cell in zip(
        figure.subplots(len(titles), squeeze=False)[:, 0], titles, answer.architecture.cells, strict=True
    ):
        axes.set_title(title, loc="left", pad=1)
        _draw(axes, cell)
    return figure


def _draw(axes: Axes, cell: Genotype) -> None:
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(HEIGHT, 0)
    axes.set_aspect("equal")
    axes.set_axis_off()
    for edge, curve in zip(cell.edges, CURVES, strict=True):
        if edge.operation != "none":
            _edge(axes, edge, curve)
    for number in range(N_NODES):
        axes.add_patch(Circle(node_at(number), RADIUS, facecolor="white", edgecolor=INK, linewidth=0.8, zorder=3))
        axes.text(*node_at(number), node_name(number), ha="center", va="center_baseline", zorder=4)


def _edge(axes: Axes, edge: Edge, curve: EdgeCurve) -> None:
    kind = edge.kind.kind
    colour, width = _COLOURS.get(kind, SOFT), 1.4 if kind == "conv" else 0.9
    line = "--" if edge.backward else "-"
    path = Path(curve.points, _CURVE)
    axes.add_patch(PathPatch(path, facecolor="none", edgecolor=colour, linewidth=width, linestyle=line))
    head = curve.to_low if edge.backward else curve.to_high
    axes.add_patch(Polygon(head, facecolor=colour, edgecolor="none", zorder=2))
    x, y = curve.label
    text = edge_label(edge)
    across = label_width(text)
    corner = x - across / 2, y - LABEL_HEIGHT / 2
    box = f"round,pad=0,rounding_size={LABEL_HEIGHT / 2}"
    axes.add_patch(
        FancyBboxPatch(corner, across, LABEL_HEIGHT, box, facecolor="white", edgecolor=colour, linewidth=0.6, zorder=3)
    )
    axes.text(x, y, text, ha="center", va="center_baseline", fontsize=6, zorder=4)
