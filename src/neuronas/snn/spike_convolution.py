"""Convolutions of spikes on CPUs: kernels that visit only the spikes, with batch normalisation in the same passes."""

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from neuronas.kernels.library import loaded_library, native
from neuronas.kernels.structures import CInputGradient, CNormalisation, CSpikeConvolution, accepted
from neuronas.snn.arithmetic import EPSILON
from neuronas.snn.fake_quantisation import Codes
from neuronas.snn.normalisation import Statistics, is_distributed, mean_and_variance

_LARGEST_CODE, _LARGEST_SUM = 2**7 - 1, 2**15 - 1
"""Of codes that are stored as int8, and of their sums, as int16."""
_NARROW = 16
"""Channels up to which Winograd's transforms take longer than the multiplications that they save."""
_LARGEST_KERNEL = 15
"""Side, less than ``kMostRows`` of kernels/spike_convolutions.cpp."""


@dataclass(frozen=True)
class SpikeWeights:
    """Weights of a convolution [out, in, k, k].

    Attributes:
        values: ``codes.codes * codes.step``; they receive the gradient.
        codes: sums of integers are exact below 2^24. The step is one value or one per output.
    """

    values: Tensor
    codes: Codes


def has_kernel(x: Tensor, weight: Tensor) -> bool:
    """Whether there is a kernel for spikes [n, in, H, W] and weights [out, in, k, k], float32, on this machine.

    It convolves with stride 1 and padding of half a kernel. (1x1 kernels are faster as matrix products.)
    """
    fits = 1 < weight.shape[-1] <= _LARGEST_KERNEL and x.shape[1] == weight.shape[1]
    fits &= x.device.type == "cpu" and x.dtype == torch.float32
    return fits and native().library is not None and weight.shape[0] % _lanes() == 0


def spike_convolution(spikes: Tensor, weights: SpikeWeights) -> Tensor:
    """Convolve spikes [n, in, H, W] float32, 0 or 1, if ``has_kernel`` -> [n, out, H, W] float32, channels last."""
    found: Tensor = _Convolution.apply(spikes, weights.values, weights.codes)  # type: ignore[no-untyped-call]
    return found


def normalised_spike_convolution(
    spikes: Tensor, weights: SpikeWeights, gain: Tensor, bias: Tensor
) -> tuple[Tensor, Statistics]:
    """``spike_convolution`` and batch normalisation with the statistics of the global batch.

    Args:
        spikes: [n, in, H, W] float32, 0 or 1.
        weights: weights of the convolution.
        gain: [out] learned scale.
        bias: [out] learned shift.

    Returns:
        [n, out, H, W] float32, channels last, and the statistics of the batch.
    """
    y, mean, variance = _Normalised.apply(spikes, weights.values, weights.codes, gain, bias)  # type: ignore[no-untyped-call]
    return y, Statistics(mean, variance, _global(y.numel() // y.shape[1]))


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spikes: Tensor, weight: Tensor, codes: Codes) -> Tensor:
        spikes = _channels_last(spikes)
        ctx.save_for_backward(spikes, weight)
        return _convolve(spikes, codes)[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        spikes, weight = ctx.saved_tensors
        gradient = _channels_last(gradients[0])
        return (
            _gradient_of_spikes(gradient, spikes, weight) if ctx.needs_input_grad[0] else None,
            _gradient_of_weights(gradient, spikes, weight) if ctx.needs_input_grad[1] else None,
            None,
        )


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, spikes: Tensor, weight: Tensor, codes: Codes, gain: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        spikes = _channels_last(spikes)
        y, totals = _convolve(spikes, codes)
        n = _global(y.numel() // y.shape[1])
        mean, variance = mean_and_variance(_summed(totals), n)
        deviation = (variance + EPSILON).rsqrt()
        scale = gain.double() * deviation
        ctx.save_for_backward(spikes, weight, y, scale, mean, deviation)
        ctx.n = n
        found = _mixed(y, None, scale, None, bias.double() - mean * scale)
        ctx.mark_non_differentiable(mean, variance)
        return found, mean.float(), variance.float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        spikes, weight, y, scale, mean, deviation = ctx.saved_tensors
        gradient = _channels_last(gradients[0])
        totals = _totals(gradient, y)
        own_bias, own_gain = totals[0], (totals[1] - mean * totals[0]) * deviation
        sums, products = _summed(totals).unbind()
        of_bias, of_gain = sums / ctx.n, (products - mean * sums) * deviation / ctx.n
        slope = -scale * deviation * of_gain
        of_values = _mixed(gradient, y, scale, slope, -scale * of_bias - slope * mean)
        return (
            _gradient_of_spikes(of_values, spikes, weight) if ctx.needs_input_grad[0] else None,
            _gradient_of_weights(of_values, spikes, weight),
            None,
            own_gain.float(),
            own_bias.float(),
        )


def _convolve(spikes: Tensor, weights: Codes) -> tuple[Tensor, Tensor]:
    """Values, and their sums and sums of squares [2, out] float64."""
    codes, step = weights
    n_out, n_in, kernel, _ = codes.shape
    n, _, height, width = spikes.shape
    values = _empty(n, n_out, height, width)
    totals = torch.empty(2, n_out, dtype=torch.float64)
    ordered = codes.float().permute(2, 3, 1, 0).contiguous()
    largest = float(ordered.abs().max())
    narrow = ordered.to(torch.int8) if largest <= _LARGEST_CODE and bool((ordered == ordered.round()).all()) else None
    scale = step.float().flatten().expand(n_out).contiguous()
    arguments = CSpikeConvolution(
        spikes.data_ptr(), ordered.data_ptr(), None if narrow is None else narrow.data_ptr(), scale.data_ptr(), None,
        values.data_ptr(), None, totals.data_ptr(), n, height, width, n_in, n_out, kernel,
        int(_LARGEST_SUM / max(1.0, largest)),
    )  # fmt: skip
    _run("neuronas_spike_convolution", arguments)
    return values, totals


def _gradient_of_weights(gradient: Tensor, spikes: Tensor, weight: Tensor) -> Tensor:
    n_out, n_in, kernel, _ = weight.shape
    n, _, height, width = spikes.shape
    found = torch.empty(kernel, kernel, n_in, n_out)
    arguments = CSpikeConvolution(
        spikes.data_ptr(), None, None, None, gradient.data_ptr(), None, found.data_ptr(), None,
        n, height, width, n_in, n_out, kernel, 0,
    )  # fmt: skip
    _run("neuronas_spike_convolution_gradient", arguments)
    return found.permute(3, 2, 0, 1)


def _gradient_of_spikes(gradient: Tensor, spikes: Tensor, weight: Tensor) -> Tensor:
    n_in, kernel = weight.shape[1:3]
    if kernel == 3 and n_in % (2 * _lanes()) == 0 and n_in > _NARROW:
        return _winograd(gradient, weight)
    weight = weight.contiguous(memory_format=torch.channels_last)
    padding = [kernel // 2] * 2
    found: Tensor = torch.ops.aten.convolution_backward(
        gradient, spikes, weight, None, [1, 1], padding, [1, 1], False, [0, 0], 1, [True, False, False]
    )[0]
    return found


def _winograd(gradient: Tensor, weight: Tensor) -> Tensor:
    n, n_out, height, width = gradient.shape
    n_in = weight.shape[1]
    found = _empty(n, n_in, height, width)
    panel = 2 * _lanes()
    transformed = (weight.flip(2, 3).reshape(n_out * n_in, 9) @ _winograd_filter()).T
    transformed = transformed.reshape(-1, n_out, n_in // panel, panel).transpose(1, 2).contiguous()
    arguments = CInputGradient(
        gradient.data_ptr(), transformed.data_ptr(), found.data_ptr(), n, height, width, n_in, n_out
    )
    _run("neuronas_input_gradient", arguments)
    return found


@cache
def _winograd_filter() -> Tensor:
    """[9, 36]: the transform of a 3x3 filter for F(4x4, 3x3), see kernels/winograd.cpp."""
    sixth, twelfth, twenty_fourth = 1 / 6, 1 / 12, 1 / 24
    g = torch.tensor(
        [
            [1 / 4, 0, 0],
            [-sixth, -sixth, -sixth],
            [-sixth, sixth, -sixth],
            [twenty_fourth, twelfth, sixth],
            [twenty_fourth, -twelfth, sixth],
            [0, 0, 1],
        ],
        dtype=torch.float64,
    )
    return torch.kron(g, g).T.float().contiguous()


def _totals(x: Tensor, y: Tensor) -> Tensor:
    """Sums of x and of x * y over all pixels, [2, channels] float64."""
    found = torch.empty(2, x.shape[1], dtype=torch.float64)
    arguments = CNormalisation(
        x.data_ptr(), y.data_ptr(), None, None, None, None, found.data_ptr(), x.numel() // x.shape[1], x.shape[1]
    )
    _run("neuronas_channel_totals", arguments)
    return found


def _mixed(x: Tensor, y: Tensor | None, x_factor: Tensor, y_factor: Tensor | None, shift: Tensor) -> Tensor:
    """``x_factor * x + y_factor * y + shift``; factors and shift per channel."""
    found = _empty(*x.shape)
    factors = [None if one is None else one.float().contiguous() for one in (x_factor, y_factor, shift)]
    arguments = CNormalisation(
        *(None if one is None else one.data_ptr() for one in (x, y, *factors, found)),
        None, x.numel() // x.shape[1], x.shape[1],
    )  # fmt: skip
    _run("neuronas_channel_mix", arguments)
    return found


def _run(kernel: str, arguments: ctypes.Structure) -> None:
    accepted(getattr(loaded_library(), kernel)(ctypes.byref(arguments), ctypes.c_int32(torch.get_num_threads())))


def _lanes() -> int:
    """Channels that a kernel takes at a time."""
    return int(loaded_library().neuronas_lanes())


def _empty(n: int, channels: int, height: int, width: int) -> Tensor:
    return torch.empty(n, height, width, channels).movedim(-1, 1)


def _channels_last(x: Tensor) -> Tensor:
    return x.movedim(1, -1).contiguous().movedim(-1, 1)


def _global(n: int) -> int:
    return n * dist.get_world_size() if is_distributed() else n


def _summed(totals: Tensor) -> Tensor:
    """The sum over all processes."""
    if not is_distributed():
        return totals
    found = totals.clone()
    dist.all_reduce(found)
    return found
