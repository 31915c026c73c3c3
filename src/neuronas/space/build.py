"""Builds a layer graph node by node; every node's shape follows from its operation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from neuronas.space.graph import Link, Node, Origin
from neuronas.space.node_operations import Neurons, NodeOperation, Pool, Shape, Weights


class GraphBuilder:
    """Collects nodes in order.

    Args:
        known: shapes of values that are defined elsewhere, or later in case of delayed links.
    """

    def __init__(self, known: Mapping[str, Shape] | None = None):
        self.nodes: dict[str, Node] = {}
        self._shapes = dict(known or {})

    @classmethod
    def behind(cls, source: Node) -> "GraphBuilder":
        """A builder for nodes that read an existing node."""
        return cls({source.name: source.shape})

    def add(
        self,
        name: str,
        operation: NodeOperation,
        *links: Link,
        origin: Origin | None = None,
        given: Shape | None = None,
    ) -> Link:
        """Add a node and return a link to it.

        Args:
            name: unique name.
            operation: operation of the node.
            links: links whose sum the node reads.
            origin: the part of the network that the node belongs to.
            given: shape of the input; None: that of the first link.
        """
        shape = operation.output(self._shapes[links[0].source] if given is None else given)
        self.nodes[name] = Node(name, operation, links, shape, origin)
        self._shapes[name] = shape
        return Link(name)

    def shape(self, link: Link) -> Shape:
        """Shape of the value of a link."""
        return self._shapes[link.source]


@dataclass(frozen=True)
class EdgeBuilder:
    """Builds the nodes of an operation on an edge.

    Attributes:
        graph: builder that receives the nodes.
        name: name of the edge, as in ``A.01``.
        origin: origin of the nodes on the edge.
        source: number of the cell's node at which the edge starts.
        value: value of that node.
        threshold: firing threshold of the edge's neurons; None: that of the network.
    """

    graph: GraphBuilder
    name: str
    origin: Origin
    source: int
    value: Link
    threshold: float | None

    def fire(self, value: Link) -> Link:
        """Add LIF neurons. Edges from one node with the same threshold share them, since their spikes are equal."""
        threshold = "" if self.threshold is None else f"@{self.threshold!r}"
        name = f"{value.source}.lif{threshold}{'.delayed' if value.delayed else ''}"
        if name in self.graph.nodes:
            return Link(name)
        origin = self.origin
        if value == self.value:
            origin = replace(origin, number=self.source, edge=None, operation="")
        return self.graph.add(name, Neurons(self.threshold), value, origin=origin)

    def convolve(self, spikes: Link, kernel: int, part: str = "", *, n_out: int | None = None, groups: int = 1) -> Link:
        """Add a convolution and batch normalisation.

        Args:
            spikes: input; it must come from neurons, since crossbars read one bit per input.
            kernel: side of the kernel, odd.
            part: name of the convolution, if the edge has several.
            n_out: output channels; None: as many as input channels.
            groups: see ``node_operations.Weights``.
        """
        weights = Weights(n_out or self.n_channels(spikes), kernel, groups=groups)
        return self.graph.add(f"{self.name}.{part}" if part else self.name, weights, spikes, origin=self.origin)

    def pool(self, value: Link, kernel: int, reduce: Literal["mean", "max"]) -> Link:
        """Add pooling with stride 1 and same padding."""
        pool = Pool((kernel, kernel), (1, 1), kernel // 2, reduce)
        return self.graph.add(self.name, pool, value, origin=self.origin)

    def n_channels(self, value: Link) -> int:
        """Number of channels of a value."""
        return self.graph.shape(value)[0]
