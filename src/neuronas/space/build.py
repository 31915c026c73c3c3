"""Making a layer graph node by node; every node's shape follows from its operation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from neuronas.space.graph import Link, Node, Origin
from neuronas.space.node_operations import Neurons, NodeOperation, Pool, Shape, Weights


class GraphBuilder:
    """Collects nodes in order.

    Args:
        known: shapes of values that are made elsewhere, or later in case of delayed links.
    """

    def __init__(self, known: Mapping[str, Shape] | None = None):
        self.nodes: dict[str, Node] = {}
        self._shapes = dict(known or {})

    @classmethod
    def behind(cls, source: Node) -> "GraphBuilder":
        """For what reads a node that is made already."""
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
            name: unique.
            operation: what it computes.
            links: whose sum it reads.
            origin: the part of the network that it belongs to.
            given: shape of what it reads; None: that of the first link.
        """
        shape = operation.output(self._shapes[links[0].source] if given is None else given)
        self.nodes[name] = Node(name, operation, links, shape, origin)
        self._shapes[name] = shape
        return Link(name)

    def shape(self, link: Link) -> Shape:
        """Shape of what a link brings."""
        return self._shapes[link.source]


@dataclass(frozen=True)
class EdgeBuilder:
    """What an operation can put on its edge.

    Attributes:
        graph: receives the nodes.
        name: of the edge, as in ``A.01``.
        origin: of what is put on the edge.
        source: the number of the cell's node that the edge leaves.
        value: that node's value.
        threshold: of the edge's neurons; None: the network's.
    """

    graph: GraphBuilder
    name: str
    origin: Origin
    source: int
    value: Link
    threshold: float | None

    def fire(self, value: Link) -> Link:
        """LIF neurons. Edges that leave the same node with the same threshold share them: they spike alike."""
        threshold = "" if self.threshold is None else f"@{self.threshold!r}"
        name = f"{value.source}.lif{threshold}{'.delayed' if value.delayed else ''}"
        if name in self.graph.nodes:
            return Link(name)
        origin = self.origin
        if value == self.value:
            origin = replace(origin, number=self.source, edge=None, operation="")
        return self.graph.add(name, Neurons(self.threshold), value, origin=origin)

    def convolve(self, spikes: Link, kernel: int, part: str = "", *, n_out: int | None = None, groups: int = 1) -> Link:
        """Weights and batch normalisation.

        Args:
            spikes: what is convolved; crossbars read one bit for each input, so that it must come from neurons.
            kernel: side, odd.
            part: tells the convolutions of an edge with several of them apart.
            n_out: output channels; None: as many as come in.
            groups: see ``node_operations.Weights``.
        """
        weights = Weights(n_out or self.n_channels(spikes), kernel, groups=groups)
        return self.graph.add(f"{self.name}.{part}" if part else self.name, weights, spikes, origin=self.origin)

    def pool(self, value: Link, kernel: int, reduce: Literal["mean", "max"]) -> Link:
        """Pooling that keeps the sides."""
        pool = Pool((kernel, kernel), (1, 1), kernel // 2, reduce)
        return self.graph.add(self.name, pool, value, origin=self.origin)

    def n_channels(self, value: Link) -> int:
        """Channels of a value."""
        return self.graph.shape(value)[0]
