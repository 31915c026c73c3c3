"""Lowers an architecture to its layer graph: the only module that interprets a cell.

    image -> stem -> cell -> reduction -> cell -> ... -> head -> class scores

The stem is a 3x3 convolution; a reduction is a 3x3 convolution of spikes that doubles the channels, and a 2x2 mean
pool. Head ``linear``, the papers': neurons, 2x2 mean pool, linear to ``head_width``, neurons, linear to ``n_voters``
outputs per class, whose mean is the class score. Head ``gap``: neurons, mean over all pixels, linear to the classes.

Names: ``stem``; ``A.01`` the output of the edge from node 0 to node 1 of cell A (parts of an edge:
``A.01.depthwise``); ``A.1`` node 1; ``reduction`` and ``reduction.pool`` (``reduction.2`` before the cell at place 2 if
there are several); ``head.pool``; ``head``, or ``head.1`` and ``head.2``; ``scores``; ``NAME.lif`` the neurons that
read NAME.
"""

from functools import lru_cache

from neuronas.space.build import EdgeBuilder, GraphBuilder
from neuronas.space.genotype import Architecture, Genotype, Incoming
from neuronas.space.graph import Graph, Link, Node, Origin
from neuronas.space.node_operations import Image, Neurons, Pool, Sum, Votes, Weights
from neuronas.space.shape import NetworkShape, cell_name, edge_name, reduction_name

_N_KEPT = 1 << 14  # lowered parts; a search meets the same cells repeatedly


def lower(architecture: Architecture, shape: NetworkShape) -> Graph:
    """Lower an architecture, dead edges removed.

    Raises:
        ArchitectureError: it has another number of cells than the network has places.
    """
    nodes = _body(architecture, shape)
    return Graph((*nodes, *_head(shape, nodes[-1])))


def lower_features(architecture: Architecture, shape: NetworkShape, *, with_hidden: bool = False) -> Graph:
    """Lower an architecture up to the neurons after its last cell; the rest is the same for every candidate.

    Args:
        architecture: the architecture; dead edges are removed.
        shape: shape of the network around the cells.
        with_hidden: whether to include pool, linear layer and neurons of the head; head ``gap`` has none.

    Raises:
        ArchitectureError: it has another number of cells than the network has places.
    """
    nodes = _body(architecture, shape)
    head = _head(shape, nodes[-1])
    last = max((number for number, node in enumerate(head) if isinstance(node.operation, Neurons)), default=0)
    return Graph((*nodes, *head[: last + 1 if with_hidden else 1]))


def lower_as_written(architecture: Architecture, shape: NetworkShape) -> tuple[Node, ...]:
    """The nodes of an architecture including dead edges, to analyse networks that were trained with them.

    They do not form a ``Graph``: dead edges may link to missing nodes.

    Raises:
        ArchitectureError: see ``lower``.
    """
    nodes = _bodies(architecture, shape)
    return (*nodes, *_head(shape, nodes[-1]))


def _body(architecture: Architecture, shape: NetworkShape) -> list[Node]:
    return _bodies(architecture.cleaned, shape)


def _bodies(architecture: Architecture, shape: NetworkShape) -> list[Node]:
    nodes = [*_stem(shape)]
    for place, cell in enumerate(architecture.expanded(shape.n_cells)):
        if place:
            nodes += _reduction(shape, place, nodes[-1])
        nodes += lower_cell(cell, place, nodes[-1])
    return nodes


@lru_cache(_N_KEPT)
def lower_cell(cell: Genotype, place: int, source: Node) -> tuple[Node, ...]:
    """Lower a single cell.

    Args:
        cell: the cell without dead edges.
        place: place of the cell, from 0.
        source: node that the cell reads; all values of the cell have its shape.

    Returns:
        nodes of the cell; the last is its output.
    """
    names = [f"{cell_name(place)}.{number}" for number in range(cell.n_nodes)]
    graph = GraphBuilder(dict.fromkeys((source.name, *names), source.shape))
    for target, name in enumerate(names):
        links = [] if target else [Link(source.name)]
        links += [_edge(graph, cell, place, incoming) for incoming in cell.incoming(target)]
        if links or target == cell.n_nodes - 1:  # a node without inputs has no outgoing edges
            graph.add(name, Sum(), *links, origin=Origin("cell", place, target), given=source.shape)
    return tuple(graph.nodes.values())


def _edge(graph: GraphBuilder, cell: Genotype, place: int, incoming: Incoming) -> Link:
    edge, pair = incoming.edge, cell.pairs[incoming.number]
    value = Link(f"{cell_name(place)}.{incoming.source}", incoming.backward)
    origin = Origin("cell", place, edge=pair, operation=edge.operation)
    builder = EdgeBuilder(graph, edge_name(place, *pair), origin, incoming.source, value, edge.threshold)
    return edge.kind.lower(builder, value)


@lru_cache(_N_KEPT)
def _stem(shape: NetworkShape) -> tuple[Node, ...]:
    graph = GraphBuilder()
    image = graph.add("image", Image(shape.sequence), given=(shape.image_channels, *shape.image_size))
    graph.add("stem", Weights(shape.channels, 3, shape.stem_stride), image, origin=Origin("stem"))
    return tuple(graph.nodes.values())


@lru_cache(_N_KEPT)
def _reduction(shape: NetworkShape, place: int, source: Node) -> tuple[Node, ...]:
    graph, name, origin = GraphBuilder.behind(source), reduction_name(place, shape.n_cells), Origin("reduction", place)
    spikes = graph.add(f"{name}.lif", Neurons(normalised=True), Link(source.name), origin=origin)
    value = graph.add(name, Weights(shape.cell_channels(place), 3), spikes, origin=origin)
    graph.add(f"{name}.pool", Pool((2, 2), (2, 2)), value, origin=origin)
    return tuple(graph.nodes.values())


@lru_cache(_N_KEPT)
def _head(shape: NetworkShape, source: Node) -> tuple[Node, ...]:
    graph, origin = GraphBuilder.behind(source), Origin("head", shape.n_cells - 1)
    spikes = graph.add("head.lif", Neurons(normalised=True), Link(source.name), origin=origin)
    size = shape.cell_size(shape.n_cells - 1) if shape.head == "gap" else (2, 2)
    pooled = graph.add("head.pool", Pool(size, size), spikes, origin=origin)
    if shape.head == "gap":
        graph.add("head", Weights(shape.n_classes, normalised=False), pooled, origin=origin)
    else:
        hidden = graph.add("head.1", Weights(shape.head_width, normalised=False), pooled, origin=origin)
        spikes = graph.add("head.1.lif", Neurons(), hidden, origin=origin)
        voters = graph.add("head.2", Weights(shape.n_voters * shape.n_classes, normalised=False), spikes, origin=origin)
        graph.add("scores", Votes(shape.n_voters), voters, origin=origin)
    return tuple(graph.nodes.values())
