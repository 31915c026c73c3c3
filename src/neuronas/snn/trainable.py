"""Trainable layers with weights: convolution and linear layer, quantised and optionally pruned."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from neuronas.config import FULL_PRECISION, WeightBits, bits_of
from neuronas.snn.fake_quantisation import Codes, WeightQuantiser
from neuronas.snn.normalisation import BatchNorm, is_distributed
from neuronas.snn.spike_convolution import SpikeWeights, has_kernel, normalised_spike_convolution, spike_convolution
from neuronas.snn.weighted import WeightedLayer


@dataclass(frozen=True)
class WeightFormat:
    """Quantisation, pruning and noise of weights.

    Attributes:
        bits: see ``WeightQuantiser``; for all layers, or by layer.
        scale: see ``WeightQuantiser``.
        rounding: see ``WeightQuantiser``.
        prunable: whether weights can be pruned (masked out).
        noise: by number of bits: standard deviation, in codes, of the normal noise added to the quantised weights in
            each forward pass of training, for each code from the lowest to the highest; empty: no noise. Training with
            noise makes a network robust against the variation of a chip (noise injection, arXiv 2001.04974).
    """

    bits: WeightBits
    scale: str = "power-of-two"
    rounding: str = "nearest"
    prunable: bool = False
    noise: Mapping[int, tuple[float, ...]] = field(default_factory=dict)

    def of(self, layer: str) -> "WeightFormat":
        """The format of one layer."""
        return replace(self, bits=bits_of(self.bits, layer))

    @property
    def n_bits(self) -> int:
        """Bits of one layer, or of all layers.

        Raises:
            TypeError: layers have different numbers of bits.
        """
        if isinstance(self.bits, int):
            return self.bits
        raise TypeError(f"a format of {self.bits} bits given; expected the format of one layer (WeightFormat.of)")


class QuantisedWeight(WeightedLayer):
    """A weight tensor that is pruned, then quantised; base class of the layers below.

    Args:
        shape: shape of the weight, outputs first.
        form: quantisation, pruning and noise of one layer.
        generator: random generator of the initial values (Kaiming-normal).
        gain: factor of the initial values.
    """

    def __init__(self, shape: tuple[int, ...], form: WeightFormat, generator: torch.Generator, gain: float = 1.0):
        super().__init__()
        fan_in = torch.Size(shape[1:]).numel()
        self.weight = nn.Parameter(torch.randn(shape, generator=generator) * gain * (2 / fan_in) ** 0.5)
        self.quantiser = WeightQuantiser(self.weight, form.n_bits, form.scale, form.rounding)
        noise = form.noise[form.n_bits] if form.noise else ()
        self.register_buffer("noise", torch.tensor(noise), persistent=False)
        self.mask: Tensor | None
        self.register_buffer("mask", torch.ones(shape, dtype=torch.bool) if form.prunable else None)

    @property
    def kept(self) -> Tensor:
        """The pruned weight, before quantisation."""
        return self.weight if self.mask is None else self.weight * self.mask

    @property
    def held(self) -> Tensor:
        """The pruned and quantised weight, as stored on the chip; in training, with noise if ``form`` has any."""
        held: Tensor = self.quantiser(self.kept)
        return held + self._deviation(held.detach()) if self._is_noisy else held

    @property
    def integers(self) -> Codes:
        """See ``WeightedLayer``."""
        return self.quantiser.codes(self.kept.detach())

    @property
    def _is_noisy(self) -> bool:
        return self.training and self.get_buffer("noise").numel() > 0

    def _deviation(self, held: Tensor) -> Tensor:
        codes, step = self._codes_of(held)
        noise = self.get_buffer("noise")
        return noise[codes.long() + len(noise) // 2] * step * torch.randn_like(held)

    def _codes_of(self, held: Tensor) -> Codes:
        """Codes of a quantised weight. Quantising ``kept`` again could give other codes with stochastic rounding."""
        step = self.quantiser.step_of(self.kept)
        return Codes((held.detach() / step).round(), step)


class QuantisedConvolution(QuantisedWeight):
    """Convolution without bias, same padding: [n, in, H, W] -> [n, out, H / stride, W / stride], of the input's type.

    Args:
        in_channels: number of input channels.
        out_channels: number of output channels.
        kernel: side of the kernel, odd.
        form: quantisation, pruning and noise of the weights.
        generator: random generator of the initial weights.
        stride: stride of the convolution.
        groups: number of groups; each output reads the channels of its own group only.
        reads_spikes: whether all inputs are 0 or 1; kernels for spikes are then used if available
            (``spike_convolution.has_kernel``).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        form: WeightFormat,
        generator: torch.Generator,
        stride: int = 1,
        groups: int = 1,
        *,
        reads_spikes: bool = False,
    ):
        super().__init__((out_channels, in_channels // groups, kernel, kernel), form, generator)
        self.kernel, self.stride, self.groups, self.reads_spikes = kernel, stride, groups, reads_spikes
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        """Convolve with the quantised weight."""
        weight = self.held.to(x.dtype)
        if self._visits_spikes(x):
            return spike_convolution(x, self._spike_weights(weight))
        if x.is_contiguous(memory_format=torch.channels_last):
            weight = weight.contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, weight, stride=self.stride, padding=self.padding, groups=self.groups)

    def normalised(self, x: Tensor, norm: BatchNorm) -> Tensor:
        """Convolve and normalise; fused in training if the inputs are spikes."""
        if not norm.training or not self._visits_spikes(x):
            normalised: Tensor = norm(self(x))
            return normalised
        return normalised_spike_convolution(x, self._spike_weights(self.held), norm)

    def _visits_spikes(self, x: Tensor) -> bool:
        return self.reads_spikes and self.stride == self.groups == 1 and has_kernel(x, self.weight)

    def _spike_weights(self, held: Tensor) -> SpikeWeights:
        if self.quantiser.bits == FULL_PRECISION or self._is_noisy:
            return SpikeWeights(held, Codes(held.detach(), held.new_ones(())))
        return SpikeWeights(held, self._codes_of(held))


class QuantisedLinear(QuantisedWeight):
    """Linear layer without bias: [..., in] -> [..., out], of the input's type."""

    def __init__(self, n_in: int, n_out: int, form: WeightFormat, generator: torch.Generator, gain: float = 1.0):
        super().__init__((n_out, n_in), form, generator, gain)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by the quantised weight."""
        return F.linear(x, self.held.to(x.dtype))


def dropout_mask(x: Tensor, share: float) -> Tensor:
    """Random mask: 0 for the given share of the inputs, 1 / (1 - share) for the others.

    Args:
        x: inputs of this process [B, n]. Every process draws the mask of the global batch from the same seed and uses
            the rows of its own images, see ``Process.share_of``.
        share: share of the inputs that are dropped.
    """
    n, rank = (dist.get_world_size(), dist.get_rank()) if is_distributed() else (1, 0)
    return F.dropout(x.new_ones(n * len(x), *x.shape[1:]), share)[rank::n]
