"""Folds scales and shifts into adjacent layers and neurons, so that few of them remain in the graph."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neuronas.snn.bound_graph import WeightArrays
from neuronas.snn.imported import Scaling
from neuronas.space.graph import Link, Node
from neuronas.space.node_operations import Neurons, Weights


@dataclass(frozen=True)
class Folded:
    """The result: nodes in order, arrays of weights, and remaining scalings of sums and neuron inputs, by name."""

    nodes: tuple[Node, ...]
    weights: Mapping[str, WeightArrays]
    scalings: Mapping[str, Scaling]


def needed(nodes: Mapping[str, Node], output: str) -> dict[str, Node]:
    """The nodes that a node depends on, in order, and the node itself, which is last."""
    found, names = dict[str, Node](), {output}
    for node in reversed(list(nodes.values())):
        if node.name in names:
            found[node.name] = node
            names |= {link.source for link in node.links}
    return dict(reversed(list(found.items())))


def fold(nodes: Mapping[str, Node], weights: Mapping[str, WeightArrays], scalings: Mapping[str, Scaling]) -> Folded:
    """Fold scalings into the preceding layer, else into following neurons, else a single factor into following layers.

    Args:
        nodes: nodes in order, by name.
        weights: arrays of the nodes with weights, by name.
        scalings: scalings of the nodes that are a sum of one link and do nothing else, by name.
    """
    return _Folding(nodes, weights, scalings).folded()


class _Folding:
    def __init__(self, nodes: Mapping[str, Node], weights: Mapping[str, WeightArrays], scalings: Mapping[str, Scaling]):
        self.nodes, self.weights, self.scalings = dict(nodes), dict(weights), dict(scalings)
        self.readers: dict[str, set[str]] = {name: set() for name in nodes}
        for node in nodes.values():
            for link in node.links:
                self.readers[link.source].add(node.name)

    def folded(self) -> Folded:
        for name in list(self.scalings):
            self._into_source(name)
        for name in list(self.scalings):
            self._into_readers(name)
        return Folded(tuple(self.nodes.values()), self.weights, self.scalings)

    def _into_source(self, name: str) -> None:
        """Fold into preceding weights or another scaling, if no other node reads them."""
        source, scaling = self.nodes[name].links[0].source, self.scalings[name]
        if len(self.readers[source]) > 1:
            return
        if source in self.scalings:
            self.scalings[source] = scaling.after(self.scalings[source])
        elif source in self.weights and _is_of_channels(scaling, self.nodes[source]):
            self.weights[source] = _scaled(self.weights[source], scaling)
        else:
            return
        self._remove(name)

    def _into_readers(self, name: str) -> None:
        readers, scaling = [self.nodes[one] for one in self.readers[name]], self.scalings[name]
        if not readers or any(len(reader.links) > 1 for reader in readers):
            return
        if all(isinstance(reader.operation, Neurons) for reader in readers):
            for reader in readers:
                self.scalings[reader.name] = scaling
        elif scaling.is_factor and all(isinstance(reader.operation, Weights) for reader in readers):
            for reader in readers:
                arrays = self.weights[reader.name]
                gain = np.ones(len(arrays.values)) if arrays.gain is None else arrays.gain
                self.weights[reader.name] = replace(arrays, gain=gain * float(scaling.gain))
        else:
            return
        self._remove(name)

    def _remove(self, name: str) -> None:
        """Remove a node and connect its readers to its source."""
        (read,) = self.nodes.pop(name).links
        del self.scalings[name]
        readers = self.readers.pop(name)
        self.readers[read.source] = self.readers[read.source] - {name} | readers
        for reader in readers:
            node = self.nodes[reader]
            links = (
                Link(read.source, link.delayed or read.delayed) if link.source == name else link for link in node.links
            )
            self.nodes[reader] = replace(node, links=tuple(links))


def _is_of_channels(scaling: Scaling, node: Node) -> bool:
    """Whether a scaling of a node's value has one factor and one offset, per channel or in total."""
    channels = (node.shape[0], *[1] * (len(node.shape) - 1))
    return all(one.size == 1 or one.shape == channels for one in (scaling.gain, scaling.offset))


def _scaled(arrays: WeightArrays, scaling: Scaling) -> WeightArrays:
    n_out = len(arrays.values)
    gain = np.ones(n_out) if arrays.gain is None else arrays.gain
    offset = np.zeros(n_out) if arrays.offset is None else arrays.offset
    factor, shift = scaling.gain.reshape(-1), scaling.offset.reshape(-1)
    return replace(arrays, gain=factor * gain, offset=factor * offset + shift)
