"""Weight precision by layer of a network: the values given for layers and parts, checked against its layers."""

from neuronas.config import WeightBits, by_layer, distinct_bits
from neuronas.space.genotype import NONE, Architecture, Genotype, node_pairs
from neuronas.space.graph import Graph, Node, Origin
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


def search_bits(weight_bits: WeightBits, shape: NetworkShape, n_nodes: int) -> WeightBits:
    """Bits of the parts that all candidates of a search have, in their order; a single number if all are equal.

    Candidates differ in the layers of their cells, so each cell has one precision.

    Args:
        weight_bits: weight bits as given.
        shape: shape of the network around the cells.
        n_nodes: number of nodes of a cell.

    Raises:
        ConfigurationError: see ``config.by_layer``; also if bits are given for a layer inside a cell.
    """
    if isinstance(weight_bits, int):
        return weight_bits
    empty = lower(Architecture((Genotype((NONE,) * len(node_pairs(n_nodes))),)), shape)
    found = by_layer(weight_bits, dict.fromkeys(filter(None, map(_part_with_bits, empty.nodes))))
    bits = distinct_bits(found)
    return bits[0] if len(bits) == 1 else found


def _layers(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if isinstance(node.operation, Weights)]


def _part_with_bits(node: Node) -> str | None:
    """The cell of a node; outside cells its own name, if it has weights."""
    if node.origin and node.origin.part == "cell":
        return cell_name(node.origin.place)
    return node.name if isinstance(node.operation, Weights) else None


def _part(origin: Origin) -> str:
    return cell_name(origin.place) if origin.part == "cell" else origin.part
