"""Memory plan of an integer network: one array per width, whose places layers share, and arrays of delayed values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from neuronas.errors import ConfigurationError
from neuronas.export.integer_network import IntegerNetwork, Range
from neuronas.export.ranges import received_unit
from neuronas.space.graph import Node
from neuronas.space.node_operations import Sum

WIDTHS = (8, 16, 32)
"""Bits of the integers in which values are stored."""


@dataclass(frozen=True)
class Place:
    """Place of a value in the array of its width.

    Attributes:
        bits: width of the array's integers.
        offset: index of the first element.
        size: number of elements.
    """

    bits: int
    offset: int
    size: int


@dataclass(frozen=True)
class Storage:
    """Places of all values.

    Attributes:
        nodes: nodes to compute, in order; nodes that are the same at all time steps come first. Nodes that never have
            a value and copies of other nodes are left out.
        values: place of the value of each node, in the array of its width; copies have the place of their source.
        sizes: size of the array of each width in ``WIDTHS``.
        delays: place of the value of each delayed link, by source, in separate arrays.
        delay_sizes: size of these arrays, by width.
    """

    nodes: tuple[Node, ...]
    values: Mapping[str, Place]
    sizes: Mapping[int, int]
    delays: Mapping[str, Place]
    delay_sizes: Mapping[int, int]


def storage(network: IntegerNetwork) -> Storage:
    """Plan the memory of a network.

    A value that is the same at all time steps and is read by a node that is not keeps its place. Any other value may
    reuse the place of a value whose last read is earlier.

    Raises:
        ConfigurationError: a node other than a sum adds several values, or reads spikes of the previous time step.
    """
    graph, copies, used = network.graph, dict[str, str](), list[Node]()
    for node in graph.nodes:
        if node.name not in network.first_steps:
            continue
        if len(node.links) > 1 and not isinstance(node.operation, Sum):
            raise ConfigurationError(f"node {node.name} adds {len(node.links)} values itself; expected a sum in front")
        delayed = not isinstance(node.operation, Sum) and node.links and node.links[0].delayed
        if delayed and network.units[node.links[0].source] != network.unit:
            raise ConfigurationError(f"node {node.name} reads spikes of the time step before; expected a sum in front")
        if is_copy(network, node):
            copies[node.name] = copies.get(node.links[0].source, node.links[0].source)
        else:
            used.append(node)
    used.sort(key=lambda node: node.name not in graph.static)
    order = {node.name: number for number, node in enumerate(used)}
    last_read = dict(order)
    for node in graph.nodes:
        if node.name in order:
            for link in node.links:
                source = copies.get(link.source, link.source)
                lasts = link.delayed or (source in graph.static and node.name not in graph.static)
                if source in order:
                    last_read[source] = len(used) if lasts else max(last_read[source], order[node.name])
    last_read[copies.get(graph.nodes[-1].name, graph.nodes[-1].name)] = len(used)
    kept = {name for name, last in last_read.items() if last == len(used) and name in graph.static}
    values, sizes = _shared(network, used, last_read, kept)
    back = {link.source for node in used for link in node.links if link.delayed and link.source in network.first_steps}
    delays, delay_sizes = dict[str, Place](), dict.fromkeys(WIDTHS, 0)
    for source in sorted(back, key=list(graph.by_name).index):
        bits, size = width(network.ranges[source]), prod(graph.by_name[source].shape)
        delays[source] = Place(bits, delay_sizes[bits], size)
        delay_sizes[bits] += size
    return Storage(tuple(used), values | {copy: values[of] for copy, of in copies.items()}, sizes, delays, delay_sizes)


def is_copy(network: IntegerNetwork, node: Node) -> bool:
    """Whether a node's value equals that of its only source."""
    if not isinstance(node.operation, Sum) or len(node.links) != 1 or node.links[0].delayed:
        return False
    source = node.links[0].source
    same_unit = received_unit(network.units, node, network.unit) == network.units[source]
    return same_unit and network.first_steps.get(source) == 0


def width(found: Range) -> int:
    """Bits of the narrowest signed integers that contain a range."""
    low, high = int(found.low.min(initial=0)), int(found.high.max(initial=0))
    return next(bits for bits in WIDTHS if -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1))


def _shared(
    network: IntegerNetwork, used: Iterable[Node], last_read: Mapping[str, int], kept: set[str]
) -> tuple[dict[str, Place], dict[int, int]]:
    """Places of all values: each takes the first sufficiently large gap between values that are still needed."""
    placed: dict[str, Place] = {}
    sizes = dict.fromkeys(WIDTHS, 0)
    for number, node in enumerate(used):
        bits, size = width(network.ranges[node.name]), prod(node.shape)
        taken = [
            (place.offset, place.offset + place.size)
            for name, place in placed.items()
            if place.bits == bits and (last_read[name] >= number or node.name in kept or name in kept)
        ]
        offset = 0
        for first, end in sorted(taken):
            if offset + size <= first:
                break
            offset = max(offset, end)
        placed[node.name] = Place(bits, offset, size)
        sizes[bits] = max(sizes[bits], offset + size)
    return placed, sizes
