"""Weight precision by layer of a network: the values given for layers and parts, checked against its layers."""

from neuronas.config import LayerBits, WeightBits, by_layer
from neuronas.space.genotype import NONE, Architecture, Genotype, node_pairs
from neuronas.space.graph import Graph, Origin
from neuronas.space.lowering import lower
from neuronas.space.node_operations import Weights
from neuronas.space.shape import NetworkShape, cell_name


def graph_bits(weight_bits: WeightBits, graph: Graph) -> WeightBits:
    """Bits of each layer with weights of a network, by the name of its node; a single number is returned unchanged.

    Args:
        weight_bits: weight bits as given. A part of an architecture (``stem``, ``A``, ``reduction``, ``B``, ``head``)
            may be named even if it has no weights.
        graph: the network.

    Raises:
        ConfigurationError: see ``config.by_layer``.
    """
    return by_layer(weight_bits, _layers(graph), {_part(node.origin) for node in graph.nodes if node.origin})


def check_search_bits(weight_bits: WeightBits, shape: NetworkShape, n_nodes: int) -> None:
    """Check bits for a search, whose candidates differ in the layers of their cells: each cell has one precision.

    Args:
        weight_bits: weight bits as given.
        shape: shape of the network around the cells.
        n_nodes: number of nodes of a cell.

    Raises:
        ConfigurationError: see ``config.by_layer``; also if bits are given for a layer inside a cell.
    """
    if isinstance(weight_bits, LayerBits):
        empty = lower(Architecture((Genotype((NONE,) * len(node_pairs(n_nodes))),)), shape)
        cells = [cell_name(place) for place in range(shape.n_cells)]
        by_layer(weight_bits, [*_layers(empty), *cells])


def _layers(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if isinstance(node.operation, Weights)]


def _part(origin: Origin) -> str:
    return cell_name(origin.place) if origin.part == "cell" else origin.part
