"""A cell as a graph in SVG: nodes in a row, edges as cubic Bezier curves above, below and between them.

Edges that skip nodes arch over them: above where they begin at an even node, below at an odd one; the more nodes, the
higher. A page can draw other cells from the same parts (``edge_svg``, ``frame_svg``).
"""

from neuronas.report.markup import Html, element, join
from neuronas.report.style import FONT, colour
from neuronas.space.genotype import Edge, Genotype

_Point = tuple[float, float]
_PITCH, _MARGIN, _RADIUS, _RISE = 160, 24, 18, 61
_LABEL_HEIGHT, _CHARACTER, _WIDEST = 22, 7.3, 104.0  # a label leaves room for the arrow heads beside it
_ARROW = 9
_COLOURS = {"weights": "series-0", "linear": "series-2", "function": "series-2", "none": "line"}
_LETTERS = {"font-family": FONT, "font-size": 13, "text-anchor": "middle", "fill": colour("ink")}


def cell_svg(cell: Genotype, title: str) -> Html:
    """Draw a cell.

    Args:
        cell: of 3 to 6 nodes.
        title: begins the description for those who hear the page.
    """
    joined = [
        f"{high} to {low} {edge_label(edge)}" if edge.backward else f"{low} to {high} {edge_label(edge)}"
        for edge, (low, high) in zip(cell.edges, cell.pairs, strict=True)
        if edge.kind.connects
    ]
    start, end = frame_svg(cell.n_nodes, f"{title}: {'; '.join(joined)}")
    return join(start, *(edge_svg(cell, number) for number in range(len(cell.edges))), end)


def cell_size(n_nodes: int) -> tuple[int, int]:
    """Width and height of a cell's drawing."""
    below = max(_RISE * (n_nodes - 3), _RADIUS)
    return 2 * _MARGIN + (n_nodes - 1) * _PITCH, _base(n_nodes) + below + _MARGIN


def frame_svg(n_nodes: int, title: str = "") -> tuple[Html, Html]:
    """What stands before and after the edges of a cell's drawing."""
    width, height = cell_size(n_nodes)
    whole = element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "class": "cell", "viewBox": f"0 0 {width} {height}", "width": width,
         "height": height, "role": "img", "aria-label": title, **_LETTERS},
        *(_node(number, n_nodes) for number in range(n_nodes)),
    )  # fmt: skip
    middle = whole.index(">") + 1
    return Html(whole[:middle]), Html(whole[middle:])


def edge_svg(cell: Genotype, number: int) -> Html:
    """One edge of a cell: its curve, the head of its arrow, and its label; what connects nothing is a faint curve."""
    edge, (low, high) = cell.edges[number], cell.pairs[number]
    stroke = colour(_COLOURS.get(edge.kind.identity, "soft"))
    points = _curve(low, high, cell.n_nodes)
    start, first, second, end = (f"{x:g} {y:g}" for x, y in points)
    line: dict[str, object] = {"d": f"M{start}C{first} {second} {end}", "fill": "none", "stroke": stroke}
    if not edge.kind.connects:
        return element("g", {"class": "edge"}, element("path", line | {"stroke-dasharray": "2 5"}))
    line |= {"stroke-width": 2.6 if edge.kind.identity == "weights" else 1.6} | (
        {"stroke-dasharray": "6 4"} if edge.backward else {}
    )
    (left, _), control, _, (right, y) = points
    x, label = (left + right) / 2, edge_label(edge)
    middle = y + (control[1] - y) * 3 / 4  # where a cubic Bezier curve with two equal controls is highest
    width = min(_WIDEST, 16 + _CHARACTER * len(label))
    box = {"x": x - width / 2, "y": middle - _LABEL_HEIGHT / 2, "width": width, "height": _LABEL_HEIGHT, "rx": 11}
    return element(
        "g",
        {"class": "edge"},
        element("path", line),
        element("polygon", {"points": _arrow(points[::-1] if edge.backward else points), "fill": stroke}),
        element("rect", box | {"fill": colour("card"), "stroke": stroke}),
        element("text", {"x": x, "y": middle + 4.5}, label),
    )


def node_name(number: int, n_nodes: int) -> str:
    """What stands in a node."""
    return {0: "in", n_nodes - 1: "out"}.get(number, str(number))


def edge_label(edge: Edge) -> str:
    """An operation for people: ``conv 3×3 θ0.5``."""
    words = edge.operation.replace("_", " ").split(" ")
    text = " ".join(word.replace("x", "×") if word[0].isdigit() else word for word in words)
    return text if edge.threshold is None else f"{text} θ{edge.threshold:g}"


def _base(n_nodes: int) -> int:
    """How far below the upper edge the nodes stand: room for the highest arch and its label."""
    return _RISE * (n_nodes - 2) + 28


def _node(number: int, n_nodes: int) -> Html:
    x, y = _MARGIN + number * _PITCH, _base(n_nodes)
    disc = {"cx": x, "cy": y, "r": _RADIUS, "fill": colour("card"), "stroke": colour("ink"), "stroke-width": 1.5}
    return element("g", {}, element("circle", disc), element("text", {"x": x, "y": y + 5}, node_name(number, n_nodes)))


def _curve(low: int, high: int, n_nodes: int) -> tuple[_Point, _Point, _Point, _Point]:
    """From the lower node's rim to the higher node's, with two control points between."""
    base, side = _base(n_nodes), 1 if low % 2 else -1
    left, right = _MARGIN + low * _PITCH, _MARGIN + high * _PITCH
    rise = side * _RISE * (high - low - 1)
    # Arcs leave and meet the nodes at their upper or lower side, turned towards each other.
    across, up = (12, side * 14) if rise else (_RADIUS, 0)
    start, end = (left + across, base + up), (right - across, base + up)
    control = base + up + (rise - up) * 4 / 3
    inner = (end[0] - start[0]) * 0.22
    return start, (start[0] + inner, control), (end[0] - inner, control), end


def _arrow(points: tuple[_Point, ...]) -> str:
    """Corners of the head at the curve's last point."""
    (before_x, before_y), (x, y) = points[-2:]
    length = ((x - before_x) ** 2 + (y - before_y) ** 2) ** 0.5
    along_x, along_y = ((x - before_x) / length * _ARROW, (y - before_y) / length * _ARROW)
    foot_x, foot_y = x - along_x, y - along_y
    corners = (x, y), (foot_x - along_y / 2, foot_y + along_x / 2), (foot_x + along_y / 2, foot_y - along_x / 2)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
