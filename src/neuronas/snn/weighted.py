"""Interface of networks for chip simulation: layers whose weights are integers times a step."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from neuronas.snn.fake_quantisation import Codes
from neuronas.snn.graph_network import GraphNetwork
from neuronas.space.graph import Node
from neuronas.space.node_operations import Sum


@dataclass(frozen=True)
class InputFormat:
    """Format of inputs ``offset + step * n`` with integers n of ``n_bits`` bits, which are read bit by bit.

    The default is a spike: one bit.
    """

    n_bits: int = 1
    step: float = 1.0
    offset: float = 0.0

    def planes(self, x: Tensor) -> Iterator[tuple[float, Tensor]]:
        """Yield the weight of each bit, and its bit plane (0 or 1) with the shape and type of x."""
        if self == InputFormat():
            yield self.step, x
            return
        whole = self._whole(x)
        for bit in range(self.n_bits):
            yield self.step * 2**bit, (whole / 2**bit).floor().remainder(2)

    def rounded(self, x: Tensor) -> Tensor:
        """The nearest values in this format."""
        return self.offset + self.step * self._whole(x)

    def _whole(self, x: Tensor) -> Tensor:
        return ((x - self.offset) / self.step).round().clamp(0, 2**self.n_bits - 1)


class WeightedLayer(nn.Module, ABC):
    """A convolution [n, in, H, W] -> [n, out, H', W'], or a fully connected layer [..., in] -> [..., out].

    Attributes:
        stride: stride of the convolution.
        padding: number of zeros on each side of the image.
    """

    stride: int = 1
    padding: int = 0

    @property
    @abstractmethod
    def held(self) -> Tensor:
        """The weights used in the forward pass, [out, in / groups, k, k] or [out, in]."""

    @property
    @abstractmethod
    def integers(self) -> Codes:
        """The same weights as integers and a step."""


class WeightedNetwork(GraphNetwork, ABC):
    """A layer graph whose weights can be stored in crossbars."""

    def weighted_layers(self) -> Mapping[str, WeightedLayer]:
        """All layers with weights, by the names of their nodes, in network order."""
        return self.layers_of(WeightedLayer)  # type: ignore[type-abstract]

    @abstractmethod
    def is_spiking(self, node: Node) -> bool:
        """Whether the outputs of a node of neurons are spikes, 0 or 1."""

    def is_plain(self, node: Node) -> bool:
        """Whether the value of a sum is the sum of its links, without scaling."""
        return isinstance(node.operation, Sum)

    def input_formats(self) -> Mapping[str, InputFormat]:
        """Formats of layer inputs, by name, that follow from images rather than from the graph."""
        return {}
