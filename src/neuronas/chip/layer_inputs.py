"""Input formats of layers, bit by bit: pixels, spikes, or counts of spikes."""

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm, prod

from neuronas.errors import ConfigurationError
from neuronas.snn.weighted import InputFormat, WeightedNetwork
from neuronas.space.graph import Node
from neuronas.space.node_operations import Image, Neurons, Pool, Sum, Votes, Weights

_MAX_BITS = 16
"""Counts with more bits are treated like other values."""


@dataclass(frozen=True)
class _InputCounts:
    """Values ``step * n`` with whole n from 0 to ``largest``."""

    step: Fraction
    largest: int

    def over(self, n: int) -> "_InputCounts":
        """Format of the mean of n such values."""
        return _InputCounts(self.step / n, self.largest * n)


def input_format(network: WeightedNetwork, node: Node, pixels: InputFormat) -> InputFormat:
    """Format of the inputs of a node with weights.

    A mean or a sum of spikes is a whole number of steps; other formats are given by the network.

    Args:
        network: the network.
        node: node of the layer.
        pixels: format of the normalised images.

    Raises:
        ConfigurationError: the inputs are neither pixels, spikes nor means or sums of spikes, and the network gives no
            format for them.
    """
    given = network.input_formats().get(node.name)
    if given is not None:
        return given
    if reads_image(network, node):
        return pixels
    counts = _sum_of_links(network, node)
    if counts is None or counts.largest.bit_length() > _MAX_BITS:
        raise ConfigurationError(
            f"layer {node.name} given, which reads values; expected pixels, spikes, or means or sums of spikes"
        )
    return InputFormat(counts.largest.bit_length(), float(counts.step))


def reads_image(network: WeightedNetwork, node: Node) -> bool:
    """Whether a node with weights reads the image directly, or maxima of its pixels."""
    if len(node.links) != 1:
        return False
    source = network.graph.by_name[node.links[0].source]
    match source.operation:
        case Image():
            return True
        case Pool(_, _, _, "max"):
            return reads_image(network, source)
    return False


def is_counted(network: WeightedNetwork, node: Node) -> bool:
    """Whether the format of a node's inputs follows from the graph: pixels, spikes or counts of spikes."""
    counts = _sum_of_links(network, node)
    return reads_image(network, node) or (counts is not None and counts.largest.bit_length() <= _MAX_BITS)


def _counts(network: WeightedNetwork, node: Node) -> _InputCounts | None:
    match node.operation:
        case Neurons():
            return _InputCounts(Fraction(1), 1) if network.is_spiking(node) else None
        case Pool(kernel, _, _, reduce):
            found = _sum_of_links(network, node)
            return found if found is None or reduce == "max" else found.over(prod(kernel))
        case Votes(size):
            found = _sum_of_links(network, node)
            return found and found.over(size)
        case Sum() if network.is_plain(node):
            return _sum_of_links(network, node)
        case Image() | Weights() | Sum():
            return None


def _sum_of_links(network: WeightedNetwork, node: Node) -> _InputCounts | None:
    if not node.links or any(link.delayed for link in node.links):
        return None
    parts = [_counts(network, network.graph.by_name[link.source]) for link in node.links]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    step = Fraction(gcd(*(_scaled(known))), lcm(*(part.step.denominator for part in known)))
    return _InputCounts(step, sum(int(part.largest * part.step / step) for part in known))


def _scaled(parts: list[_InputCounts]) -> list[int]:
    """Steps as whole numbers of their common denominator."""
    common = lcm(*(part.step.denominator for part in parts))
    return [int(part.step * common) for part in parts]
