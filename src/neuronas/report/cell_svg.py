"""A cell as a graph in SVG.

The page's script shows other cells by giving the edges of a copy other classes and labels. An edge's arrow heads are
both drawn; the style sheet shows the one of its direction.
"""

from neuronas.report.cell_layout import (
    CURVES,
    HEIGHT,
    LABEL_HEIGHT,
    RADIUS,
    WIDTH,
    EdgeCurve,
    Point,
    edge_label,
    label_width,
    node_at,
    node_name,
)
from neuronas.report.markup import Html, element
from neuronas.space.genotype import N_NODES, NODE_PAIRS, Edge, Genotype


def edge_classes(edge: Edge) -> str:
    """What the style sheet needs to know of an edge."""
    return f"edge {edge.kind.kind}" + (" back" if edge.backward else "")


def cell_svg(cell: Genotype, title: str) -> Html:
    """Draw a cell."""
    described = "; ".join(
        f"{high} to {low} {edge_label(edge)}" if edge.backward else f"{low} to {high} {edge_label(edge)}"
        for edge, (low, high) in zip(cell.edges, NODE_PAIRS, strict=True)
        if edge.operation != "none"
    )
    return element(
        "svg",
        {"class": "cell", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": f"{title}: {described}"},
        *(_edge(edge, curve) for edge, curve in zip(cell.edges, CURVES, strict=True)),
        *(_node(number) for number in range(N_NODES)),
    )


def _node(number: int) -> Html:
    x, y = node_at(number)
    text = element("text", {"x": x, "y": y + 5}, node_name(number))
    return element("g", {"class": "node"}, element("circle", {"cx": x, "cy": y, "r": RADIUS}), text)


def _edge(edge: Edge, curve: EdgeCurve) -> Html:
    start, first, second, end = (f"{x:g} {y:g}" for x, y in curve.points)
    x, y = curve.label
    width = label_width(edge_label(edge))
    box = {
        "x": x - width / 2,
        "y": y - LABEL_HEIGHT / 2,
        "width": width,
        "height": LABEL_HEIGHT,
        "rx": LABEL_HEIGHT / 2,
    }
    return element(
        "g",
        {"class": edge_classes(edge)},
        element("path", {"d": f"M{start}C{first} {second} {end}"}),
        _arrow("to-high", curve.to_high),
        _arrow("to-low", curve.to_low),
        element("rect", box),
        element("text", {"x": x, "y": y + 4.5}, edge_label(edge)),
    )


def _arrow(name: str, corners: tuple[Point, ...]) -> Html:
    return element("polygon", {"class": name, "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)})
