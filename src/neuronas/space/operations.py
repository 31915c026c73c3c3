"""The operations of a cell's edges: each is defined by the graph nodes that it creates."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal

from neuronas.errors import ConfigurationError
from neuronas.space.build import EdgeBuilder, GraphBuilder
from neuronas.space.graph import Link, Node, Origin
from neuronas.space.node_operations import Neurons, Weights

_NAME = re.compile(r"[a-z]\w*")

Identity = Literal["none", "copy", "linear", "function", "weights"]


class Operation(ABC):
    """The operation that an edge applies to the value x of its source node. The result has the shape of x.

    Cost, networks, fitness and exports use the nodes that ``lower`` creates.

    Attributes:
        name: name in the text notation.
        equation: the result as a function of x.
        identity: whether two edges give the same value for the same x; determines which architectures are equivalent
            (``space.canonical``). ``weights``: never, since each edge draws its own. ``copy`` of x, ``linear`` map,
            other ``function``: always. ``none``: the edge connects nothing.
    """

    equation: ClassVar[str]
    identity: ClassVar[Identity]

    def __init__(self, name: str):
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"operation '{name}' given; expected a lower-case letter, then letters, digits and _"
            )
        self.name = name

    @abstractmethod
    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """Create the nodes of the operation on an edge and return a link to the result.

        Args:
            edge: builder of nodes.
            value: value of the edge's source node.
        """

    @property
    def connects(self) -> bool:
        """Whether the edge connects its nodes."""
        return self.identity != "none"

    @property
    def has_work(self) -> bool:
        """Whether the edge causes any work on a chip."""
        return self.identity not in ("none", "copy")

    @cached_property
    def n_neuron_layers(self) -> int:
        """Number of LIF layers on the edge."""
        return sum(isinstance(node.operation, Neurons) for node in self._nodes)

    @cached_property
    def largest_kernel(self) -> int:
        """Side of the largest kernel of weights on the edge; 0 if there are none."""
        return max((node.operation.kernel for node in self._nodes if isinstance(node.operation, Weights)), default=0)

    @property
    def has_neurons(self) -> bool:
        """Whether the edge has neurons, and so can have a threshold."""
        return self.n_neuron_layers > 0

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        if not self.connects:
            return ()
        graph, value = GraphBuilder({"x": (1, 1, 1)}), Link("x")
        self.lower(EdgeBuilder(graph, "edge", Origin("cell"), 0, value, None), value)
        return tuple(graph.nodes.values())


class NoConnection(Operation):
    """No connection between the nodes."""

    equation = "0"
    identity = "none"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``; never called, since such an edge has no nodes."""
        raise TypeError(f"operation '{self.name}' connects nothing; expected another one")


class Skip(Operation):
    """The identity."""

    equation = "x"
    identity = "copy"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        return value


class Windowed(Operation):
    """An operation with a square window.

    Args:
        name: see ``Operation``.
        kernel: side of the window, odd.
    """

    def __init__(self, name: str, kernel: int):
        super().__init__(name)
        if kernel < 1 or kernel % 2 == 0:
            raise ConfigurationError(f"kernel {kernel} given for operation '{name}'; expected an odd number from 1")
        self.kernel = kernel


class Convolution(Windowed):
    """LIF neurons, convolution, batch normalisation."""

    equation = "norm(W * LIF(x))"
    identity = "weights"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        return edge.convolve(edge.fire(value), self.kernel)


class AveragePool(Windowed):
    """Mean over the window; pixels beyond the edge of the image count as 0."""

    equation = "mean(x)"
    identity = "linear"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        return edge.pool(value, self.kernel, "mean")


class DepthwiseSeparable(Windowed):
    """Depthwise convolution, then 1x1 convolution; LIF neurons before both.

    Crossbars read spikes, so the output of the depthwise part also passes batch normalisation and neurons.
    """

    equation = "norm(P * LIF(norm(D * LIF(x))))"
    identity = "weights"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        spikes = edge.fire(value)
        depthwise = edge.convolve(spikes, self.kernel, "depthwise", groups=edge.n_channels(spikes))
        return edge.convolve(edge.fire(depthwise), 1, "pointwise")


class MaxPool(Windowed):
    """Maximum over the window; pixels beyond the edge of the image do not count."""

    equation = "max(x)"
    identity = "function"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        return edge.pool(value, self.kernel, "max")


BUILTIN: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        NoConnection("none"),
        Skip("skip"),
        Convolution("conv_1x1", 1),
        Convolution("conv_3x3", 3),
        Convolution("conv_5x5", 5),
        Convolution("conv_7x7", 7),
        AveragePool("avg_pool_3x3", 3),
        MaxPool("max_pool_3x3", 3),
        DepthwiseSeparable("dwconv_3x3", 3),
    )
}
"""The operations that come with neuronas (see ``config.registry.OPERATIONS``)."""
