"""A network as a graph of layers: the computation of one time step.

Nodes are listed in the order of computation. A node's value is a function of the sum of its links. A delayed link
carries its source's value of the previous time step, and no value at the first. A node without any input has no value;
only an empty sum is 0. The graph contains no weights; they are bound to nodes by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Literal

from neuronas.space.node_operations import Image, Neurons, NodeOperation, Pair, Shape, Sum, Weights


@dataclass(frozen=True)
class Link:
    """Input of a node: the name of the source node, and whether the value is delayed by one time step."""

    source: str
    delayed: bool = False


@dataclass(frozen=True)
class Origin:
    """The part of the network that a node belongs to.

    Attributes:
        part: name of the part.
        place: place of the cell, from 0; a reduction has that of the cell after it.
        number: number of the cell's node, if the graph's node is its sum or reads it for several edges.
        edge: the two nodes of the cell's edge, the earlier one first.
        operation: name of the edge's operation.
    """

    part: Literal["stem", "reduction", "cell", "head"]
    place: int = 0
    number: int | None = None
    edge: Pair | None = None
    operation: str = ""

    @property
    def section(self) -> "Origin":
        """The origin reduced to part and place."""
        return Origin(self.part, self.place)


@dataclass(frozen=True)
class Node:
    """One value of the network.

    Attributes:
        name: unique name, also used in cost tables, firing rates and exported files.
        shape: shape of the value.
        origin: part of the network; None for the image, and in graphs not made from an architecture.
    """

    name: str
    operation: NodeOperation
    links: tuple[Link, ...]
    shape: Shape
    origin: Origin | None = None


@dataclass(frozen=True)
class GraphSection:
    """Successive nodes of one part of the network: the stem, a cell, a reduction or the head.

    Attributes:
        origin: the part; None if the graph was not made from an architecture.
        nodes: nodes in order; the last one gives the section's value.
        source: name of the node before the section, the only one outside that it reads.
    """

    origin: Origin | None
    nodes: tuple[Node, ...]
    source: str

    @cached_property
    def has_delays(self) -> bool:
        """Whether the section feeds back to the next time step."""
        return _feeds_back(self.nodes)


@dataclass(frozen=True)
class Graph:
    """A network: ``nodes`` in order; the first is the image, the last gives the class scores."""

    nodes: tuple[Node, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by name, in order."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def sections(self) -> tuple[GraphSection, ...]:
        """The nodes after the image, in sections. No delayed link leads from one section to another."""
        found, source = [], self.nodes[0].name
        for origin, nodes in groupby(self.nodes[1:], key=lambda node: node.origin and node.origin.section):
            found.append(GraphSection(origin, tuple(nodes), source))
            source = found[-1].nodes[-1].name
        return tuple(found)

    @cached_property
    def has_delays(self) -> bool:
        """Whether any cell feeds back to the next time step."""
        return _feeds_back(self.nodes)

    @cached_property
    def is_sequence(self) -> bool:
        """Whether each time step has an image of its own."""
        return any(isinstance(node.operation, Image) and node.operation.sequence for node in self.nodes)

    def of_sequences(self) -> "Graph":
        """The same graph for a network that reads an image for each time step."""
        nodes = (
            replace(node, operation=Image(sequence=True)) if isinstance(node.operation, Image) else node
            for node in self.nodes
        )
        return Graph(tuple(nodes))

    @cached_property
    def static(self) -> frozenset[str]:
        """Names of the nodes whose values are equal at every time step: those ``in_front`` if the image is static."""
        return frozenset() if self.is_sequence else self.in_front

    @cached_property
    def in_front(self) -> frozenset[str]:
        """Names of the nodes before any neurons: their values are not computed from spikes."""
        found: set[str] = set()
        for node in self.nodes:
            is_static = all(link.source in found and not link.delayed for link in node.links)
            if is_static and not isinstance(node.operation, Neurons):
                found.add(node.name)
        return frozenset(found)

    def input_shape(self, node: Node) -> Shape:
        """Shape of the sum of a node's links; the node's own shape if it has no links."""
        return self.by_name[node.links[0].source].shape if node.links else node.shape

    def weight_shape(self, node: Node) -> Shape:
        """Shape of the weights of a node with weights."""
        if not isinstance(node.operation, Weights):
            raise TypeError(f"node '{node.name}' is {node.operation}; expected weights")
        return node.operation.weight_shape(self.input_shape(node))

    def groups(self, node: Node) -> int:
        """Number of groups of a node with weights."""
        if not isinstance(node.operation, Weights):
            raise TypeError(f"node '{node.name}' is {node.operation}; expected weights")
        return node.operation.groups

    def check(self) -> None:
        """Check that every node can be computed from its links and has the resulting shape.

        Raises:
            ValueError: a node is invalid; the message names the first one.
        """
        if len(self.by_name) < len(self.nodes):
            raise ValueError("two nodes have the same name")
        if not self.nodes or not isinstance(self.nodes[0].operation, Image):
            raise ValueError("the first node is not the image")
        earlier: set[str] = set()
        for node in self.nodes:
            self._check_links(node, earlier)
            try:
                found = node.operation.output(self.input_shape(node))
            except ValueError as error:
                raise ValueError(f"node '{node.name}': {error}") from None
            if found != node.shape:
                raise ValueError(f"node '{node.name}' gives the shape {list(found)}, not {list(node.shape)}")
            earlier.add(node.name)

    def _check_links(self, node: Node, earlier: set[str]) -> None:
        for link in node.links:
            if link.source not in (self.by_name if link.delayed else earlier):
                raise ValueError(f"a link of node '{node.name}' leads to '{link.source}', which is missing or later")
        shapes = {self.by_name[link.source].shape for link in node.links}
        if len(shapes) > 1:
            both = " and ".join(str(list(shape)) for shape in sorted(shapes))
            raise ValueError(f"links bring the shapes {both} to node '{node.name}'")
        if bool(shapes) == isinstance(node.operation, Image) and not isinstance(node.operation, Sum):
            raise ValueError(f"node '{node.name}' has links or a shape that its operation cannot have")


def _feeds_back(nodes: tuple[Node, ...]) -> bool:
    return any(link.delayed for node in nodes for link in node.links)
