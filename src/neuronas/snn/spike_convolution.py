"""Convolutions of spikes on CPUs in kernels that visit only the spikes, fused with batch normalisation."""

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from neuronas.kernels.library import loaded_library
from neuronas.kernels.structures import CInputGradient, CSpikeConvolution
from neuronas.snn.fake_quantisation import Codes
from neuronas.snn.native import FEWEST_CHANNELS, channels_last, empty, is_native, run
from neuronas.snn.normalisation import BatchNorm, Moments

_LARGEST_CODE, _LARGEST_SUM = 2**7 - 1, 2**15 - 1
"""Limits of codes stored as int8, and of their sums as int16."""
_LARGEST_KERNEL = 15
"""Limit of the kernel's side, below ``kMostRows`` of kernels/spike_convolutions.cpp."""


@dataclass(frozen=True)
class SpikeWeights:
    """Weights of a convolution [out, in, k, k].

    Attributes:
        values: ``codes.codes * codes.step``; they receive the gradient.
        codes: integer codes, whose sums are exact below 2^24, and their step (one value or one per output).
    """

    values: Tensor
    codes: Codes


def has_kernel(x: Tensor, weight: Tensor) -> bool:
    """Whether a kernel on this machine supports spikes [n, in, H, W] and weights [out, in, k, k], float32.

    It convolves with stride 1 and same padding. (1x1 convolutions are faster as matrix products.)
    """
    n_out, n_in, kernel, _ = weight.shape
    fits = 1 < kernel <= _LARGEST_KERNEL and x.shape[1] == n_in and n_out % FEWEST_CHANNELS == 0
    return fits and is_native(x, any_channels=True)


def spike_convolution(spikes: Tensor, weights: SpikeWeights) -> Tensor:
    """Convolve spikes [n, in, H, W] float32, 0 or 1, if ``has_kernel`` -> [n, out, H, W] float32, channels last."""
    found: Tensor = _Convolution.apply(spikes, weights.values, weights.codes)  # type: ignore[no-untyped-call]
    return found


def normalised_spike_convolution(spikes: Tensor, weights: SpikeWeights, norm: BatchNorm) -> Tensor:
    """``spike_convolution`` followed by batch normalisation in training; updates the running statistics.

    Args:
        spikes: [n, in, H, W] float32, 0 or 1.
        weights: weights of the convolution.
        norm: batch normalisation of the [out] channels.

    Returns:
        [n, out, H, W] float32, channels last.
    """
    found: Tensor = _Normalised.apply(spikes, weights.values, weights.codes, norm.weight, norm.bias, norm)  # type: ignore[no-untyped-call]
    return found


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spikes: Tensor, weight: Tensor, codes: Codes) -> Tensor:
        spikes = channels_last(spikes)
        ctx.save_for_backward(spikes, weight)
        return _convolve(spikes, codes)[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        spikes, weight = ctx.saved_tensors
        gradient = channels_last(gradients[0])
        return (
            _gradient_of_spikes(gradient, spikes, weight) if ctx.needs_input_grad[0] else None,
            _gradient_of_weights(gradient, spikes, weight) if ctx.needs_input_grad[1] else None,
            None,
        )


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, spikes: Tensor, weight: Tensor, codes: Codes, gain: Tensor, bias: Tensor, norm: BatchNorm
    ) -> Tensor:
        spikes = channels_last(spikes)
        found, moments = norm.of_totals(*_convolve(spikes, codes))
        ctx.save_for_backward(spikes, weight, gain, *moments)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        spikes, weight, gain, *moments = ctx.saved_tensors
        of_values, of_gain, of_bias = Moments(*moments).gradients(gradients[0], gain)
        return (
            _gradient_of_spikes(of_values, spikes, weight) if ctx.needs_input_grad[0] else None,
            _gradient_of_weights(of_values, spikes, weight),
            None,
            of_gain,
            of_bias,
            None,
        )


def _convolve(spikes: Tensor, weights: Codes) -> tuple[Tensor, Tensor]:
    """Convolution results, and their sums and sums of squares [2, out] float64."""
    codes, step = weights
    n_out, n_in, kernel, _ = codes.shape
    n, _, height, width = spikes.shape
    values = empty(n, n_out, height, width)
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
    run("neuronas_spike_convolution", arguments)
    return values, totals


def _gradient_of_weights(gradient: Tensor, spikes: Tensor, weight: Tensor) -> Tensor:
    n_out, n_in, kernel, _ = weight.shape
    n, _, height, width = spikes.shape
    found = torch.empty(kernel, kernel, n_in, n_out)
    arguments = CSpikeConvolution(
        spikes.data_ptr(), None, None, None, gradient.data_ptr(), None, found.data_ptr(), None,
        n, height, width, n_in, n_out, kernel, 0,
    )  # fmt: skip
    run("neuronas_spike_convolution_gradient", arguments)
    return found.permute(3, 2, 0, 1)


def _gradient_of_spikes(gradient: Tensor, spikes: Tensor, weight: Tensor) -> Tensor:
    n_in, kernel = weight.shape[1:3]
    if kernel == 3 and n_in % FEWEST_CHANNELS == 0:
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
    found = empty(n, n_in, height, width)
    panel = loaded_library().neuronas_panel(ctypes.c_int64(n_in))
    transformed = (weight.flip(2, 3).reshape(n_out * n_in, 9) @ _winograd_filter()).T
    transformed = transformed.reshape(-1, n_out, n_in // panel, panel).transpose(1, 2).contiguous()
    arguments = CInputGradient(
        gradient.data_ptr(), transformed.data_ptr(), found.data_ptr(), n, height, width, n_in, n_out
    )
    run("neuronas_input_gradient", arguments)
    return found


@cache
def _winograd_filter() -> Tensor:
    """[9, 36]: transform of a 3x3 filter for F(4x4, 3x3), see kernels/winograd.cpp."""
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
