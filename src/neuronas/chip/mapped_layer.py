"""Layers mapped to crossbars: integer weights and input formats, which are the same on all chips of a design."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.chip.chip_model import ChipModel
from neuronas.chip.slicing import Columns, columns_of
from neuronas.errors import ConfigurationError
from neuronas.hardware.diagonal import Diagonal
from neuronas.snn.classifier import Classifier
from neuronas.snn.integer_convolution import serves, spike_convolution
from neuronas.snn.quantisation import ungrouped
from neuronas.snn.trainable import QuantisedConvolution, QuantisedLinear
from neuronas.space.workload import Layer, rows


@dataclass(frozen=True)
class InputFormat:
    """Format of inputs ``offset + step * n``, where n is an integer of ``n_bits`` bits that is read bit by bit.

    The default is a spike: one bit.
    """

    n_bits: int = 1
    step: float = 1.0
    offset: float = 0.0

    def planes(self, x: Tensor) -> Iterator[tuple[float, Tensor]]:
        """Yield the weight of each bit and its bit plane, 0 or 1, of the shape and type of x."""
        if self.n_bits == 1:
            yield self.step, x
            return
        whole = ((x - self.offset) / self.step).round().clamp(0, 2**self.n_bits - 1)
        for bit in range(self.n_bits):
            yield self.step * 2**bit, (whole / 2**bit).floor().remainder(2)


@dataclass(frozen=True)
class RowBlock:
    """A block: input channels whose currents add up in one column per kernel position, and the outputs they feed."""

    channels: slice
    outputs: slice


@dataclass(frozen=True)
class MappedLayer:
    """A layer with weights; a fully connected layer is a 1x1 convolution of one pixel.

    In a layer with groups, weights for the inputs of other groups are 0. Only its ``blocks`` are on crossbars: as many
    groups as fit on the diagonal of one crossbar share it (``hardware.diagonal``).

    Attributes:
        name: name of its node in the layer graph.
        weight: [out, in, k, k] float32, codes times scale: the weights of an ideal chip.
        codes: [out, in, k, k] float32 integers, on the CPU.
        scale: step of the codes, one value or one per output.
        stride: stride of the convolution.
        inputs: format of the inputs.
        model: parameters of the chip.
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
        """Digital factor of each of the K columns of a filter."""
        return self._columns(self.codes[:1, :1]).factors

    @cached_property
    def has_reference(self) -> bool:
        """Whether the last column of a filter is a reference column, which all filters share."""
        return self._columns(self.codes[:1, :1]).has_reference

    @cached_property
    def blocks(self) -> tuple[RowBlock, ...]:
        """The blocks of the layer; each has columns of its own."""
        size, (n_out, n_in) = self.model.crossbar_size, self.weight.shape[:2]
        n_columns = n_out * (len(self.factors) - self.has_reference)
        matrix = np.array([[n_in], [n_columns], [self.groups]], np.float64)
        together = int(Diagonal.of(matrix[0], matrix[1], matrix[2], size).n_together[0])
        n_rows, n_outputs = n_in // self.groups, n_out // self.groups
        parts = ((first, min(first + together, self.groups)) for first in range(0, self.groups, together))
        return tuple(
            RowBlock(slice(row, min(row + size, last * n_rows)), slice(first * n_outputs, last * n_outputs))
            for first, last in parts
            for row in range(first * n_rows, last * n_rows, size)
        )

    def levels(self, block: RowBlock) -> Tensor:
        """Levels of the cells of a block, [k * k, rows, outputs, K] float64; not cached, since all blocks are large."""
        return self._columns(self.codes[block.outputs, block.channels]).levels.permute(2, 3, 1, 0, 4).flatten(0, 1)

    def ideal(self, x: Tensor) -> Tensor:
        """Output of an ideal chip: [n, in, H, W] -> [n, out, H', W']."""
        is_convolution = x.shape[-1] > 1  # preparing integer weights does not pay off for a fully connected layer
        if is_convolution and self.inputs.n_bits == 1 and serves(x, self.model.weight_bits):
            return spike_convolution(x, self.weight, self.codes, self.scale.float(), self.stride)
        return convolve(x, self.weight, self.stride)

    def _columns(self, codes: Tensor) -> Columns:
        model = self.model
        return columns_of(codes.double(), model.sign_scheme, model.weight_bits, model.bits_per_cell)


def convolve(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Convolution with same padding, in the memory layout of the input, as in ``snn.trainable``."""
    if x.is_contiguous(memory_format=torch.channels_last):
        weight = weight.contiguous(memory_format=torch.channels_last)
    return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)


def mapped_layers(network: Classifier, model: ChipModel, pixels: InputFormat) -> dict[str, MappedLayer]:
    """Map all layers with weights of a network, by name.

    Args:
        network: trained network with the weight precision of ``model``.
        model: parameters of the chip.
        pixels: input format of the normalised images.

    Raises:
        ConfigurationError: the inputs of a layer are neither pixels, spikes nor means of spikes.
    """
    work = {row.name: row for row in rows(network.architecture, network.shape)}
    return {name: _mapped(work[name], layer, model, pixels) for name, layer in network.weighted_layers().items()}


def pixel_format(mean: tuple[float, ...], std: tuple[float, ...], n_bits: int) -> InputFormat:
    """Input format of normalised pixels: integers of ``n_bits`` bits from black to white, for all channels."""
    lowest = min(-m / s for m, s in zip(mean, std, strict=True))
    highest = max((1 - m) / s for m, s in zip(mean, std, strict=True))
    return InputFormat(n_bits, (highest - lowest) / (2**n_bits - 1), lowest)


def _mapped(
    row: Layer, layer: QuantisedConvolution | QuantisedLinear, model: ChipModel, pixels: InputFormat
) -> MappedLayer:
    codes, step = layer.quantiser.codes(layer.kept.detach())
    weight, codes = (_whole(one, row.groups) for one in (layer.held.detach(), codes))
    scale, stride = (
        step.detach().reshape(-1).double().cpu(),
        layer.stride if isinstance(layer, QuantisedConvolution) else 1,
    )
    weight = weight.to(layer.weight.device)
    return MappedLayer(row.name, weight, codes, scale, stride, _inputs(row, pixels), model, row.groups)


def _whole(weights: Tensor, groups: int) -> Tensor:
    """Weights [out, in, k, k], on the CPU."""
    values = weights.cpu().numpy()
    return torch.from_numpy(ungrouped(values if values.ndim == 4 else values[:, :, None, None], groups))


def _inputs(row: Layer, pixels: InputFormat) -> InputFormat:
    if row.reads == "image":
        return pixels
    if row.reads == "spikes":
        n = row.n_pooled  # a mean of n spikes is their count divided by n
        return InputFormat(n.bit_length(), 1 / n)
    raise ConfigurationError(
        f"layer {row.name} given, which reads {row.reads}; expected pixels, spikes or means of spikes"
    )
