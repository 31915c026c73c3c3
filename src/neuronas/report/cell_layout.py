"""Where the nodes, edges and labels of a drawn cell lie; the page and the figures share it.

Four nodes stand in a row, six edges are cubic Bezier curves above, below and between them. Units are those of the
drawing; y grows downwards.
"""

from dataclasses import dataclass

from neuronas.space.genotype import N_NODES, NODE_PAIRS, Edge

Point = tuple[float, float]

_PITCH, _LEFT, _BASE, RADIUS = 160, 24, 150, 18
_RISE = {(0, 1): 0, (1, 2): 0, (2, 3): 0, (0, 2): -62, (1, 3): 62, (0, 3): -122}
"""How far above (negative) or below the row of nodes the middle of an edge lies."""
LABEL_HEIGHT, _ARROW = 22, 9
_CHARACTER, _MOST = 7.3, 104.0  # width of a character of a label; a label leaves room for the arrow heads beside it
WIDTH, HEIGHT = 2 * _LEFT + (N_NODES - 1) * _PITCH, 236


@dataclass(frozen=True)
class EdgeCurve:
    """One edge between a lower and a higher node.

    Attributes:
        points: start at the lower node, two control points, end at the higher node.
        label: middle of the label.
        to_high, to_low: the corners of the arrow heads, tip first.
    """

    points: tuple[Point, Point, Point, Point]
    label: Point
    to_high: tuple[Point, Point, Point]
    to_low: tuple[Point, Point, Point]


def node_at(number: int) -> Point:
    """Middle of a node."""
    return _LEFT + number * _PITCH, _BASE


def node_name(number: int) -> str:
    """What stands in a node."""
    return {0: "in", N_NODES - 1: "out"}.get(number, str(number))


def edge_label(edge: Edge) -> str:
    """An operation for people: ``conv 3×3 θ0.5``."""
    words = edge.operation.replace("_", " ").split(" ")
    text = " ".join(word.replace("x", "×") if word[0].isdigit() else word for word in words)
    return text if edge.threshold is None else f"{text} θ{edge.threshold:g}"


def label_width(text: str) -> float:
    """Width of the box around a label."""
    return min(_MOST, 16 + _CHARACTER * len(text))


def _curve(low: int, high: int) -> EdgeCurve:
    rise = _RISE[low, high]
    (left, base), (right, _) = node_at(low), node_at(high)
    if rise:
        # Arcs leave and meet the nodes at their upper or lower side, turned towards each other.
        lift = 14 if rise > 0 else -14
        start, end = (left + 12, base + lift), (right - 12, base + lift)
    else:
        start, end = (left + RADIUS, base), (right - RADIUS, base)
    # The middle of a cubic Bezier curve with equal control heights lies at three quarters of them.
    control = start[1] + (base + rise - start[1]) * 4 / 3
    inner = (end[0] - start[0]) * 0.22
    return EdgeCurve(
        (start, (start[0] + inner, control), (end[0] - inner, control), end),
        ((start[0] + end[0]) / 2, base + rise),
        _arrow(end, (inner, end[1] - control)),
        _arrow(start, (-inner, end[1] - control)),
    )


def _arrow(tip: Point, direction: Point) -> tuple[Point, Point, Point]:
    length = (direction[0] ** 2 + direction[1] ** 2) ** 0.5
    along = direction[0] / length * _ARROW, direction[1] / length * _ARROW
    foot = tip[0] - along[0], tip[1] - along[1]
    return (
        tip,
        (foot[0] - along[1] / 2, foot[1] + along[0] / 2),
        (foot[0] + along[1] / 2, foot[1] - along[0] / 2),
    )


CURVES = tuple(_curve(low, high) for low, high in NODE_PAIRS)
"""The edges in the order of ``Genotype.edges``."""
