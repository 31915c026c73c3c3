"""Layers mapped to crossbars: integer weights and input formats, which are the same on all chips of a design."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.chip.chip_model import ChipModel
from neuronas.chip.layer_inputs import input_format
from neuronas.chip.slicing import Columns, columns_of
from neuronas.config import bits_of
from neuronas.hardware.diagonal import Diagonal
from neuronas.hardware.sensor import AT_ONCE, BYTE, Sensor
from neuronas.snn.fake_quantisation import Codes
from neuronas.snn.quantisation import ungrouped
from neuronas.snn.spike_convolution import SpikeWeights, has_kernel, spike_convolution
from neuronas.snn.weighted import InputFormat, WeightedLayer, WeightedNetwork


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
        groups: see ``space.node_operations.Weights``.
        padding: see ``space.node_operations.Weights``.
    """

    name: str
    weight: Tensor
    codes: Tensor
    scale: Tensor
    stride: int
    inputs: InputFormat
    model: ChipModel
    groups: int = 1
    padding: int | None = None

    @property
    def weight_bits(self) -> int:
        """Bits of its weights."""
        return bits_of(self.model.weight_bits, self.name)

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

    def reads(self, block: RowBlock) -> Iterator[slice]:
        """The sets of rows of a block that are read and converted at once, in order."""
        n_rows, at_once = block.channels.stop - block.channels.start, self.model.rows_read
        return (slice(first, min(first + at_once, n_rows)) for first in range(0, n_rows, at_once))

    def levels(self, block: RowBlock) -> Tensor:
        """Levels of the cells of a block, [k * k, rows, outputs, K] float64; not cached, since all blocks are large."""
        return self._columns(self.codes[block.outputs, block.channels]).levels.permute(2, 3, 1, 0, 4).flatten(0, 1)

    @property
    def n_padded(self) -> int:
        """Zeros on each side of the image."""
        return self.weight.shape[-1] // 2 if self.padding is None else self.padding

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """Convolution with other weights of this layer, in the memory layout of the input."""
        if x.is_contiguous(memory_format=torch.channels_last):
            weight = weight.contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, weight, stride=self.stride, padding=self.n_padded)

    def ideal(self, x: Tensor) -> Tensor:
        """Output of an ideal chip: [n, in, H, W] -> [n, out, H', W']."""
        kernel = self.weight.shape[-1]
        keeps_sides = self.stride == 1 and self.n_padded == kernel // 2 and kernel % 2 == 1
        if keeps_sides and self.inputs.n_bits == 1 and has_kernel(x, self.weight):
            return spike_convolution(x, SpikeWeights(self.weight, Codes(self.codes, self.scale)))
        return self.convolve(x, self.weight)

    def _columns(self, codes: Tensor) -> Columns:
        model = self.model
        return columns_of(codes.double(), model.sign_scheme, self.weight_bits, model.bits_per_cell)


def mapped_layers(network: WeightedNetwork, model: ChipModel, pixels: InputFormat) -> dict[str, MappedLayer]:
    """Map all layers with weights of a network, by name.

    Args:
        network: trained network with the weight precision of ``model``.
        model: parameters of the chip.
        pixels: input format of the normalised images.

    Raises:
        ConfigurationError: see ``input_format``.
    """
    nodes, found = network.graph.by_name, {}
    for name, layer in network.weighted_layers().items():
        inputs = input_format(network, nodes[name], pixels)
        found[name] = _mapped(name, layer, network.graph.groups(nodes[name]), inputs, model)
    return found


def pixel_format(
    mean: tuple[float, ...], std: tuple[float, ...], image_bits: int, sensor: Sensor = AT_ONCE
) -> InputFormat:
    """Input format of normalised pixels: integers from black to the maximum, the same for all channels.

    Args:
        mean: see ``DataConfig``.
        std: see ``DataConfig``.
        image_bits: the accelerator's ``digital.image_bits``; see ``Sensor.bits_read``.
        sensor: sensor that provides the pixels; its maximum pixel has all bits set and stands for 255 of a byte.
    """
    n_bits, brightest = sensor.bits_read(image_bits), (2**sensor.pixel_bits - 1) / (2**BYTE - 1)
    lowest = min(-m / s for m, s in zip(mean, std, strict=True))
    highest = max((brightest - m) / s for m, s in zip(mean, std, strict=True))
    return InputFormat(n_bits, (highest - lowest) / (2**n_bits - 1), lowest)


def _mapped(name: str, layer: WeightedLayer, groups: int, inputs: InputFormat, model: ChipModel) -> MappedLayer:
    codes, step = layer.integers
    weight = _whole(layer.held, groups).to(layer.held.device)
    scale = step.detach().reshape(-1).double().cpu()
    return MappedLayer(name, weight, _whole(codes, groups), scale, layer.stride, inputs, model, groups, layer.padding)


def _whole(weights: Tensor, groups: int) -> Tensor:
    """Weights [out, in, k, k], on the CPU."""
    values = weights.detach().cpu().numpy()
    return torch.from_numpy(ungrouped(values if values.ndim == 4 else values[:, :, None, None], groups))
