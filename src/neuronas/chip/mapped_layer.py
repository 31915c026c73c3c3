"""A layer's weights as integers on crossbars, and how its inputs reach them: the same on every chip."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.chip.model import ChipModel
from neuronas.chip.slicing import Columns, columns_of
from neuronas.snn.classifier import Classifier
from neuronas.snn.integer_convolution import serves, spike_convolution
from neuronas.snn.trainable import Convolution, Linear


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
class MappedLayer:
    """A weighted layer; a linear one is a 1x1 convolution of one pixel.

    Attributes:
        name: as in ``space.layers``.
        weight: [out, in, k, k] float32, codes times scale: what an ideal chip computes with.
        codes: [out, in, k, k] float32 whole numbers, on the CPU.
        scale: of the codes, broadcast to [out].
        stride: of the convolution.
        inputs: their format.
        model: of the chip; each kernel position of each ``n_rows`` input channels is summed apart.
    """

    name: str
    weight: Tensor
    codes: Tensor
    scale: Tensor
    stride: int
    inputs: InputFormat
    model: ChipModel

    @cached_property
    def factors(self) -> tuple[float, ...]:
        """Digital factor of each of a filter's K columns."""
        return self._columns(self.codes[:1, :1]).factors

    @cached_property
    def has_reference(self) -> bool:
        """Whether a filter's last column stands once for all filters."""
        return self._columns(self.codes[:1, :1]).has_reference

    def blocks(self) -> list[slice]:
        """The blocks of input channels."""
        n, n_rows = self.weight.shape[1], self.model.n_rows
        return [slice(first, min(first + n_rows, n)) for first in range(0, n, n_rows)]

    def levels(self, block: slice) -> Tensor:
        """Levels of a block of channels: [k * k, rows, out, K] float64; made anew, since together they are large."""
        return self._columns(self.codes[:, block]).levels.permute(2, 3, 1, 0, 4).flatten(0, 1)

    def ideal(self, x: Tensor) -> Tensor:
        """What an ideal chip answers: [n, in, H, W] -> [n, out, H', W']."""
        is_convolution = x.shape[-1] > 1  # a linear layer's weights take longer to prepare than to multiply
        if is_convolution and self.inputs.n_bits == 1 and serves(x, self.model.weight_bits):
            return spike_convolution(x, self.weight, self.codes, self.scale.float(), self.stride)
        return convolve(x, self.weight, self.stride)

    def _columns(self, codes: Tensor) -> Columns:
        model = self.model
        return columns_of(codes.double(), model.scheme, model.weight_bits, model.bits_per_cell)


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
    """
    return {
        name: _mapped(name, layer, model, _inputs_of(name, network, pixels))
        for name, layer in network.weighted_layers().items()
    }


def pixel_format(mean: tuple[float, ...], std: tuple[float, ...], n_bits: int) -> InputFormat:
    """Normalised pixels as whole numbers of n_bits that span black to white of every channel."""
    lowest = min(-m / s for m, s in zip(mean, std, strict=True))
    highest = max((1 - m) / s for m, s in zip(mean, std, strict=True))
    return InputFormat(n_bits, (highest - lowest) / (2**n_bits - 1), lowest)


def _inputs_of(name: str, network: Classifier, pixels: InputFormat) -> InputFormat:
    shape = network.shape
    if name == "stem":
        return pixels
    # The head's first layer reads means of spikes: their number, over that of the pixels.
    n = {"head": shape.cell_side(shape.n_cells - 1) ** 2, "head.1": 4}.get(name)
    return InputFormat() if n is None else InputFormat(n.bit_length(), 1 / n)


def _mapped(name: str, layer: Convolution | Linear, model: ChipModel, inputs: InputFormat) -> MappedLayer:
    codes, step = layer.quantiser.codes(layer.kept.detach())
    shape = codes.shape if codes.dim() == 4 else (*codes.shape, 1, 1)
    weight = layer.held.detach().reshape(shape)
    scale = step.detach().reshape(-1).double().cpu()
    stride = layer.stride if isinstance(layer, Convolution) else 1
    return MappedLayer(name, weight, codes.reshape(shape).cpu(), scale, stride, inputs, model)
