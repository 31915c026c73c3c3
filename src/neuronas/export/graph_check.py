"""Whether the nodes of a layer graph that was read fit together: links to what is there, shapes that follow."""

from collections.abc import Mapping
from math import prod

import numpy as np

from neuronas.export.graph import Graph, Image, Link, Neurons, Node, Pool, Sum, Votes, Weights

Shape = tuple[int, ...]


def check_graph(graph: Graph) -> None:
    """Check that every node can be computed from the ones that it is linked to, and gives the shape that it says.

    Raises:
        ValueError: names the first node that does not fit.
    """
    shapes = {node.name: node.shape for node in graph.nodes}
    if len(shapes) < len(graph.nodes):
        raise ValueError("two nodes have the same name")
    if not graph.nodes or not isinstance(graph.nodes[0].operation, Image):
        raise ValueError("the first node is not the image")
    known: dict[str, Shape] = {}
    for node in graph.nodes:
        found = _shape(node, _given(node.links, shapes, known))
        if found != node.shape:
            raise ValueError(f"node '{node.name}' gives the shape {list(found)}, not {list(node.shape)}")
        known[node.name] = node.shape


def _given(links: tuple[Link, ...], shapes: Mapping[str, Shape], known: Mapping[str, Shape]) -> Shape | None:
    """Shape of what the links bring; None where there are none."""
    for link in links:
        if link.source not in (shapes if link.delayed else known):
            raise ValueError(f"a link leads to '{link.source}', which is not there or comes later")
    given = {shapes[link.source] for link in links}
    if len(given) > 1:
        raise ValueError(f"links bring the shapes {' and '.join(str(list(one)) for one in sorted(given))} to one node")
    return given.pop() if given else None


def _shape(node: Node, given: Shape | None) -> Shape:
    match node.operation:
        case Image() if given is None and len(node.shape) == 3:
            return node.shape
        case Sum():
            return node.shape if given is None else given
    if given is None or isinstance(node.operation, Image):
        raise ValueError(f"node '{node.name}' has links or a shape that its operation cannot have")
    match node.operation:
        case Weights() as weights:
            n_out, n_in, *kernel = weights.values.shape
            if not _fits(weights.gain, n_out) or not _fits(weights.offset, n_out):
                raise ValueError(f"node '{node.name}' has {n_out} outputs, but not as many gains or offsets")
            if n_in != (given[0] if kernel else prod(given)) or (kernel and len(given) != 3):
                raise ValueError(f"node '{node.name}' has weights for {n_in} inputs, and is given {list(given)}")
            side = weights.kernel
            return (n_out, *_sides(given, side, weights.stride, side // 2)) if kernel else (n_out,)
        case Neurons() as neurons:
            if not all(_fits(one, given[0], 1) for one in (neurons.threshold, neurons.v_reset)) or not _fits(
                neurons.gain, given[0]
            ):
                raise ValueError(f"node '{node.name}' has {given[0]} channels, but not as many thresholds or gains")
            return given
        case Pool(kernel, stride, padding) if len(given) == 3:
            return (given[0], *_sides(given, kernel, stride, padding))
        case Votes(size) if prod(given) % size == 0:
            return (prod(given) // size,)
    raise ValueError(f"node '{node.name}' cannot be computed from {list(given)}")


def _fits(values: np.ndarray | None, *sizes: int) -> bool:
    return values is None or values.size in sizes


def _sides(given: Shape, kernel: int, stride: int, padding: int) -> Shape:
    return tuple((side + 2 * padding - kernel) // stride + 1 for side in given[1:])
