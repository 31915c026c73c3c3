"""A cell as a graph: four nodes in a row, six edges with their operations.

The page's script shows other cells by giving the edges of a copy other classes and labels, so that the geometry
stands only here. An edge's arrow heads are both drawn; the style sheet shows the one of its direction.
"""

from neuronas.report.markup import Html, element
from neuronas.space.genotype import N_NODES, NODE_PAIRS, Edge, Genotype

_PITCH, _LEFT, _BASE, _RADIUS = 152, 28, 150, 18
_RISE = {(0, 1): 0, (1, 2): 0, (2, 3): 0, (0, 2): -62, (1, 3): 62, (0, 3): -122}
"""How far above (negative) or below the row of nodes the middle of an edge lies."""
_LABEL_WIDTH, _LABEL_HEIGHT, _ARROW = 104, 22, 9


def edge_label(edge: Edge) -> str:
    """An operation for people: ``conv 3×3 θ0.5``."""
    words = edge.operation.replace("_", " ").split(" ")
    text = " ".join(word.replace("x", "×") if word[0].isdigit() else word for word in words)
    return text if edge.threshold is None else f"{text} θ{edge.threshold:g}"


def edge_classes(edge: Edge) -> str:
    """What the style sheet needs to know of an edge."""
    return f"edge {edge.kind.kind}" + (" back" if edge.backward else "")


def cell_svg(cell: Genotype, title: str) -> Html:
    """Draw a cell."""
    width, height = 2 * _LEFT + (N_NODES - 1) * _PITCH, 236
    described = "; ".join(
        f"{high} to {low} {edge_label(edge)}" if edge.backward else f"{low} to {high} {edge_label(edge)}"
        for edge, (low, high) in zip(cell.edges, NODE_PAIRS, strict=True)
        if edge.operation != "none"
    )
    edges = [_edge(edge, low, high) for edge, (low, high) in zip(cell.edges, NODE_PAIRS, strict=True)]
    return element(
        "svg",
        {"class": "cell", "viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": f"{title}: {described}"},
        *edges,
        *(_node(number) for number in range(N_NODES)),
    )


def _x(node: int) -> int:
    return _LEFT + node * _PITCH


def _node(number: int) -> Html:
    name = {0: "in", N_NODES - 1: "out"}.get(number, str(number))
    at = {"cx": _x(number), "cy": _BASE, "r": _RADIUS}
    text = element("text", {"x": _x(number), "y": _BASE + 5}, name)
    return element("g", {"class": "node"}, element("circle", at), text)


def _edge(edge: Edge, low: int, high: int) -> Html:
    rise = _RISE[low, high]
    start, end = (_x(low), _BASE), (_x(high), _BASE)
    if rise:
        # Arcs leave and meet the nodes at their upper or lower side, turned towards each other.
        lift = 14 if rise > 0 else -14
        start, end = (_x(low) + 12, _BASE + lift), (_x(high) - 12, _BASE + lift)
    else:
        start, end = (_x(low) + _RADIUS, _BASE), (_x(high) - _RADIUS, _BASE)
    middle = (start[0] + end[0]) / 2
    # The middle of a cubic Bezier curve with equal control heights lies at three quarters of them.
    control = start[1] + (_BASE + rise - start[1]) * 4 / 3
    inner = (end[0] - start[0]) * 0.22
    path = f"M{start[0]} {start[1]}C{start[0] + inner:g} {control:g} {end[0] - inner:g} {control:g} {end[0]} {end[1]}"
    direction = (inner, end[1] - control)
    return element(
        "g",
        {"class": edge_classes(edge)},
        element("path", {"d": path}),
        _arrow("to-high", end, direction),
        _arrow("to-low", start, (-direction[0], direction[1])),
        element(
            "rect",
            {
                "x": middle - _LABEL_WIDTH / 2,
                "y": _BASE + rise - _LABEL_HEIGHT / 2,
                "width": _LABEL_WIDTH,
                "height": _LABEL_HEIGHT,
                "rx": _LABEL_HEIGHT / 2,
            },
        ),
        element("text", {"x": middle, "y": _BASE + rise + 4.5}, edge_label(edge)),
    )


def _arrow(name: str, tip: tuple[float, float], direction: tuple[float, float]) -> Html:
    length = (direction[0] ** 2 + direction[1] ** 2) ** 0.5
    along = direction[0] / length * _ARROW, direction[1] / length * _ARROW
    foot = tip[0] - along[0], tip[1] - along[1]
    wings = (
        tip,
        (foot[0] - along[1] / 2, foot[1] + along[0] / 2),
        (foot[0] + along[1] / 2, foot[1] - along[0] / 2),
    )
    return element("polygon", {"class": name, "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in wings)})
