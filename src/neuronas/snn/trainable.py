"""Layers that learn: quantised convolutions and linear layers with optional pruning, batch normalisation over time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn import functional as distributed
from torch.nn import functional as F  # noqa: N812

from neuronas.snn.arithmetic import EPSILON
from neuronas.snn.fake_quantisation import Codes, WeightQuantiser
from neuronas.snn.integer_convolution import serves, spike_convolution

MOMENTUM = 0.1
"""Share of the newest batch in batch normalisation's running statistics (PyTorch's default)."""


@dataclass(frozen=True)
class WeightFormat:
    """How weights are held (see ``WeightQuantiser``); ``prunable``: weights can be masked out.

    ``noise`` holds the standard deviation, in codes, with which a held weight differs in each pass of training, for
    each code from the lowest to the highest (empty: none), drawn from torch's generator: what learns despite it bears
    a chip's variation (noise injection, arXiv 2001.04974).
    """

    bits: int
    scale: str = "power-of-two"
    rounding: str = "nearest"
    prunable: bool = False
    noise: tuple[float, ...] = ()


class QuantisedWeight(nn.Module):
    """A weight tensor as the chip holds it: pruned, then quantised. Base of the layers below.

    Args:
        shape: of the weight, outputs first.
        form: how it is held.
        generator: draws the first values, Kaiming-normal.
        gain: factor of the first values.
    """

    def __init__(self, shape: tuple[int, ...], form: WeightFormat, generator: torch.Generator, gain: float = 1.0):
        super().__init__()
        fan_in = torch.Size(shape[1:]).numel()
        self.weight = nn.Parameter(torch.randn(shape, generator=generator) * gain * (2 / fan_in) ** 0.5)
        self.quantiser = WeightQuantiser(self.weight, form.bits, form.scale, form.rounding)
        self.register_buffer("noise", torch.tensor(form.noise), persistent=False)
        self.mask: Tensor | None
        self.register_buffer("mask", torch.ones(shape, dtype=torch.bool) if form.prunable else None)

    @property
    def kept(self) -> Tensor:
        """The weight without what is pruned, not quantised."""
        return self.weight if self.mask is None else self.weight * self.mask

    @property
    def held(self) -> Tensor:
        """The weight as the chip holds it; in training, as some chip might."""
        held: Tensor = self.quantiser(self.kept)
        return held + self._deviation(held.detach()) if self._is_noisy else held

    @property
    def _is_noisy(self) -> bool:
        return self.training and self.get_buffer("noise").numel() > 0

    def _deviation(self, held: Tensor) -> Tensor:
        codes, step = self._codes_of(held)
        noise = self.get_buffer("noise")
        return noise[codes.long() + len(noise) // 2] * step * torch.randn_like(held)

    def _codes_of(self, held: Tensor) -> Codes:
        """Read the codes off a weight as held: rounding anew could draw other numbers."""
        step = self.quantiser.step_of(self.kept)
        return Codes((held.detach() / step).round(), step)


class QuantisedConvolution(QuantisedWeight):
    """Convolution without bias, same padding: [n, in, H, W] -> [n, out, H / stride, W / stride], in its type.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: side.
        form: how weights are held.
        generator: draws the first weights.
        stride: of the convolution.
        groups: the channels are split into so many groups, and each output reads those of its own group.
        reads_spikes: every input is 0 or 1; on a CPU, float32 spikes meet weights of few bits in integers.
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

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        weight = self.held.to(x.dtype)
        if self.reads_spikes and self._is_integer(x):
            return spike_convolution(x, weight, *self._codes_of(weight), self.stride)
        if x.is_contiguous(memory_format=torch.channels_last):
            weight = weight.contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, weight, stride=self.stride, padding=self.kernel // 2, groups=self.groups)

    def _is_integer(self, x: Tensor) -> bool:
        return self.groups == 1 and not self._is_noisy and serves(x, self.quantiser.bits)


class QuantisedLinear(QuantisedWeight):
    """Linear layer without bias: [..., in] -> [..., out], in the input's type."""

    def __init__(self, n_in: int, n_out: int, form: WeightFormat, generator: torch.Generator, gain: float = 1.0):
        super().__init__((n_out, n_in), form, generator, gain)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return F.linear(x, self.held.to(x.dtype))


class BatchNorm(nn.Module):
    """Batch normalisation over images and time steps alike, so that it folds into weights and thresholds afterwards.

    Under ``torch.distributed`` the statistics are those of all processes together: the global batch decides.
    """

    _updates = True

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[n, C, H, W] -> the same shape and type."""
        mean, var = self.get_buffer("running_mean"), self.get_buffer("running_var")
        if not self.training or not is_distributed():
            momentum = MOMENTUM if BatchNorm._updates else 0.0
            return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, momentum, EPSILON)
        wide = x.float()
        n = wide.numel() // wide.shape[1] * dist.get_world_size()
        sums = torch.stack([wide.sum(dim=(0, 2, 3)), wide.square().sum(dim=(0, 2, 3))])
        total: Tensor = distributed.all_reduce(sums)  # type: ignore[no-untyped-call]
        batch_mean, square = (total / n).unbind()
        batch_var = (square - batch_mean.square()).clamp_min(0)  # rounding may go below
        if BatchNorm._updates:
            with torch.no_grad():
                mean.lerp_(batch_mean, MOMENTUM)
                var.lerp_(batch_var * n / (n - 1), MOMENTUM)
        scale = self.weight * (batch_var + EPSILON).rsqrt()
        shift = self.bias - batch_mean * scale
        normalised: Tensor = wide * scale[:, None, None] + shift[:, None, None]
        return normalised.to(x.dtype)


@contextmanager
def statistics_kept() -> Iterator[None]:
    """Leave running statistics alone: for the second forward pass of gradient checkpointing."""
    BatchNorm._updates = False
    try:
        yield
    finally:
        BatchNorm._updates = True


def is_distributed() -> bool:
    """Whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
