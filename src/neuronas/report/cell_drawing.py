"""A cell as a graph in SVG: nodes in a row, edges as cubic Bezier curves above, below and between them.

Edges that skip nodes are arches: above if they begin at an even node, below if at an odd one, and higher the more nodes
they skip. This module computes the geometry; ``templates/cell.svg`` draws it.
"""

from dataclasses import dataclass
from typing import ClassVar

from neuronas.report.style import colour
from neuronas.space.genotype import Edge, Genotype

_Point = tuple[float, float]
_PITCH, _MARGIN, _RADIUS, _RISE = 160, 24, 18, 61
_CHARACTER, _WIDEST = 7.3, 104.0  # a label leaves space for the arrow heads beside it
_ARROW = 9
_COLOURS = {"weights": "series-0", "linear": "series-2", "function": "series-2", "none": "line"}


@dataclass(frozen=True)
class EdgeDrawing:
    """An edge as the template draws it; an edge without operation has neither arrow nor label."""

    path: str
    stroke: str
    width: float = 1.0
    dashes: str = "2 5"
    arrow: str = ""
    label: str = ""
    label_at: _Point = (0, 0)
    label_width: float = 0.0


@dataclass(frozen=True)
class CellDrawing:
    """A cell as the template draws it.

    Attributes:
        nodes: name, x and y of each node.
        description: text for screen readers.
    """

    width: int
    height: int
    nodes: tuple[tuple[str, int, int], ...]
    edges: tuple[EdgeDrawing, ...]
    description: str
    RADIUS: ClassVar = _RADIUS


def cell_drawing(cell: Genotype, title: str = "") -> CellDrawing:
    """Lay out a cell of 3 to 6 nodes."""
    n = cell.n_nodes
    joined = [
        f"{high} to {low} {edge_label(edge)}" if edge.backward else f"{low} to {high} {edge_label(edge)}"
        for edge, (low, high) in zip(cell.edges, cell.pairs, strict=True)
        if edge.kind.connects
    ]
    return CellDrawing(
        2 * _MARGIN + (n - 1) * _PITCH,
        _base(n) + max(_RISE * (n - 3), _RADIUS) + _MARGIN,
        tuple(({0: "in", n - 1: "out"}.get(i, str(i)), _MARGIN + i * _PITCH, _base(n)) for i in range(n)),
        tuple(edge_drawing(cell, number) for number in range(len(cell.edges))),
        f"{title}: {'; '.join(joined)}",
    )


def edge_drawing(cell: Genotype, number: int) -> EdgeDrawing:
    """One edge: its curve, arrow head and label."""
    edge, (low, high) = cell.edges[number], cell.pairs[number]
    points = _curve(low, high, cell.n_nodes)
    start, first, second, end = (f"{x:g} {y:g}" for x, y in points)
    path, stroke = f"M{start}C{first} {second} {end}", colour(_COLOURS.get(edge.kind.identity, "soft"))
    if not edge.kind.connects:
        return EdgeDrawing(path, stroke)
    (left, _), control, _, (right, y) = points
    label = edge_label(edge)
    return EdgeDrawing(
        path,
        stroke,
        width=2.6 if edge.kind.identity == "weights" else 1.6,
        dashes="6 4" if edge.backward else "none",
        arrow=_arrow(points[::-1] if edge.backward else points),
        label=label,
        label_at=((left + right) / 2, y + (control[1] - y) * 3 / 4),  # top of a curve with equal control points
        label_width=min(_WIDEST, 16 + _CHARACTER * len(label)),
    )


def edge_label(edge: Edge) -> str:
    """Readable form of an operation: ``conv 3×3 θ0.5``."""
    words = edge.operation.replace("_", " ").split(" ")
    text = " ".join(word.replace("x", "×") if word[0].isdigit() else word for word in words)
    return text if edge.threshold is None else f"{text} θ{edge.threshold:g}"


def _base(n_nodes: int) -> int:
    """Distance of the nodes from the upper edge, which leaves space for the highest arch and its label."""
    return _RISE * (n_nodes - 2) + 28


def _curve(low: int, high: int, n_nodes: int) -> tuple[_Point, _Point, _Point, _Point]:
    """Cubic Bezier curve from the rim of the lower node to that of the higher node."""
    base, side = _base(n_nodes), 1 if low % 2 else -1
    left, right = _MARGIN + low * _PITCH, _MARGIN + high * _PITCH
    rise = side * _RISE * (high - low - 1)
    # Arches start and end at the upper or lower sides of the nodes, on the sides that face each other.
    across, up = (12, side * 14) if rise else (_RADIUS, 0)
    start, end = (left + across, base + up), (right - across, base + up)
    control = base + up + (rise - up) * 4 / 3
    inner = (end[0] - start[0]) * 0.22
    return start, (start[0] + inner, control), (end[0] - inner, control), end


def _arrow(points: tuple[_Point, ...]) -> str:
    """Corners of the arrow head at the curve's last point."""
    (before_x, before_y), (x, y) = points[-2:]
    length = ((x - before_x) ** 2 + (y - before_y) ** 2) ** 0.5
    along_x, along_y = ((x - before_x) / length * _ARROW, (y - before_y) / length * _ARROW)
    foot_x, foot_y = x - along_x, y - along_y
    corners = (x, y), (foot_x - along_y / 2, foot_y + along_x / 2), (foot_x + along_y / 2, foot_y - along_x / 2)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
