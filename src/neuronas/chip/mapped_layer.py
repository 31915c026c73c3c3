"""A layer's weights as integers on crossbars, and how its inputs reach them: the same on every chip."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.chip.chip_model import ChipModel
from neuronas.chip.slicing import Columns, columns_of
from neuronas.errors import ConfigurationError
from neuronas.snn.classifier import Classifier
from neuronas.snn.integer_convolution import serves, spike_convolution
from neuronas.snn.trainable import Convolution, Linear
from neuronas.space.graph import Graph, Image, Neurons, Node, Pool, Weights
from neuronas.space.lowering import lower


@dataclass(frozen=True)
class InputFormat:
    """Inputs ``offset + step * n`` with n of ``n_bits``, read bit by bit; a spike is one bit."""

    n_bits: int = 1
    step: float = 1.0
    offset: float = 0.0

    def planes(self, x: Tensor) -> Iterator[tuple[float, Tensor]]:
        """Each bit's weight and plane, 0 or 1, of x's shape and type."""
        if self.n_bits == 1:
            yield self.step, x
            return
        whole = ((x - self.offset) / self.step).round().clamp(0, 2**self.n_bits - 1)
        for bit in range(self.n_bits):
            yield self.step * 2**bit, (whole / 2**bit).floor().remainder(2)


@dataclass(frozen=True)
class RowBlock:
    """Input channels whose currents add up in a column, at each kernel position, and the outputs of these columns."""

    channels: slice
    outputs: slice


@dataclass(frozen=True)
class MappedLayer:
    """A weighted layer; a linear one is a 1x1 convolution of one pixel.

    One with groups has weights of 0 for the inputs of other groups. Only its ``blocks`` lie on crossbars: as many
    groups as fit on the diagonal of one crossbar hold their weights in it.

    Attributes:
        name: of its node in the layer graph.
        weight: [out, in, k, k] float32, codes times scale: what an ideal chip computes with.
        codes: [out, in, k, k] float32 whole numbers, on the CPU.
        scale: of the codes, broadcast to [out].
        stride: of the convolution.
        inputs: their format.
        model: of the chip.
        groups: see ``space.graph.Weights``.
    """

    name: str
    weight: Tensor
    codes: Tensor
    scale: Tensor
    stride: int
    inputs: InputFormat
    model: ChipModel
    groups: int = 1

    @cached_property
    def factors(self) -> tuple[float, ...]:
        """Digital factor of each of a filter's K columns."""
        return self._columns(self.codes[:1, :1]).factors

    @cached_property
    def has_reference(self) -> bool:
        """Whether a filter's last column stands once for all filters."""
        return self._columns(self.codes[:1, :1]).has_reference

    @cached_property
    def blocks(self) -> tuple[RowBlock, ...]:
        """What is summed in columns of its own."""
        size, (n_out, n_in) = self.model.crossbar_size, self.weight.shape[:2]
        rows, outputs = n_in // self.groups, n_out // self.groups
        n_columns = outputs * (len(self.factors) - self.has_reference)
        together = max(1, min(size // rows, size // n_columns, self.groups))
        parts = ((first, min(first + together, self.groups)) for first in range(0, self.groups, together))
        return tuple(
            RowBlock(slice(row, min(row + size, last * rows)), slice(first * outputs, last * outputs))
            for first, last in parts
            for row in range(first * rows, last * rows, size)
        )

    def levels(self, block: RowBlock) -> Tensor:
        """Levels of a block: [k * k, rows, outputs, K] float64; made anew, since together they are large."""
        return self._columns(self.codes[block.outputs, block.channels]).levels.permute(2, 3, 1, 0, 4).flatten(0, 1)

    def ideal(self, x: Tensor) -> Tensor:
        """What an ideal chip answers: [n, in, H, W] -> [n, out, H', W']."""
        is_convolution = x.shape[-1] > 1  # a linear layer's weights take longer to prepare than to multiply
        if is_convolution and self.inputs.n_bits == 1 and serves(x, self.model.weight_bits):
            return spike_convolution(x, self.weight, self.codes, self.scale.float(), self.stride)
        return convolve(x, self.weight, self.stride)

    def _columns(self, codes: Tensor) -> Columns:
        model = self.model
        return columns_of(codes.double(), model.sign_scheme, model.weight_bits, model.bits_per_cell)


def convolve(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Convolution with same padding, in the layout of the input, as ``snn.trainable.Convolution`` computes it."""
    if x.is_contiguous(memory_format=torch.channels_last):
        weight = weight.contiguous(memory_format=torch.channels_last)
    return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)


def mapped_layers(network: Classifier, model: ChipModel, pixels: InputFormat) -> dict[str, MappedLayer]:
    """All weighted layers of a network.

    Args:
        network: trained, of as many bits as the model.
        model: of the chip.
        pixels: format of the normalised images.

    Raises:
        ConfigurationError: a layer reads what a crossbar cannot read.
    """
    graph = lower(network.architecture, network.shape)
    return {
        name: _mapped(graph, graph.by_name[name], layer, model, pixels)
        for name, layer in network.weighted_layers().items()
    }


def pixel_format(mean: tuple[float, ...], std: tuple[float, ...], n_bits: int) -> InputFormat:
    """Normalised pixels as whole numbers of n_bits that span black to white of every channel."""
    lowest = min(-m / s for m, s in zip(mean, std, strict=True))
    highest = max((1 - m) / s for m, s in zip(mean, std, strict=True))
    return InputFormat(n_bits, (highest - lowest) / (2**n_bits - 1), lowest)


def _mapped(
    graph: Graph, node: Node, layer: Convolution | Linear, model: ChipModel, pixels: InputFormat
) -> MappedLayer:
    stride, groups = (node.operation.stride, node.operation.groups) if isinstance(node.operation, Weights) else (1, 1)
    codes, step = layer.quantiser.codes(layer.kept.detach())
    shape = codes.shape if codes.dim() == 4 else (*codes.shape, 1, 1)
    weight, codes = (ungrouped(one.reshape(shape), groups) for one in (layer.held.detach(), codes))
    scale = step.detach().reshape(-1).double().cpu()
    return MappedLayer(node.name, weight, codes.cpu(), scale, stride, _inputs(graph, node, pixels), model, groups)


def _inputs(graph: Graph, node: Node, pixels: InputFormat) -> InputFormat:
    source = graph.by_name[node.links[0].source]
    match source.operation:
        case Image():
            return pixels
        case Neurons():
            return InputFormat()
        case Pool(kernel, reduce="mean") if isinstance(graph.by_name[source.links[0].source].operation, Neurons):
            n = prod(kernel)  # the mean is a number of spikes, over that of the pixels
            return InputFormat(n.bit_length(), 1 / n)
    raise ConfigurationError(
        f"layer {node.name} given, which reads '{source.name}'; expected one that reads spikes, means of spikes or "
        "pixels, as a crossbar does"
    )


def ungrouped(weights: Tensor, groups: int) -> Tensor:
    """The same convolution with one group, 0 for the inputs of the others.

    Args:
        weights: [out, in / groups, k, k].
        groups: see ``space.graph.Weights``.

    Returns:
        [out, in, k, k], a block-diagonal matrix at each kernel position.
    """
    if groups == 1:
        return weights
    n_out, n_in, *kernel = weights.shape
    whole = weights.new_zeros(groups, n_out // groups, groups, n_in, *kernel)
    own = torch.arange(groups)
    whole[own, :, own] = weights.reshape(groups, n_out // groups, n_in, *kernel)
    return whole.reshape(n_out, groups * n_in, *kernel)
