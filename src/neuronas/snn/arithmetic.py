"""Arithmetic shared by all evaluations of an untrained network, so that their spikes are equal bit for bit.

A spike is the result of a comparison: a rounding difference can add or remove it, and later layers amplify this.
Therefore convolutions are exact (integers), statistics are computed in float64, and elementwise operations in float32
with the order of operations in this module.
"""

from functools import reduce
from math import inf, prod

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.snn.quantisation import FixedPoint
from neuronas.space.node_operations import Pool

EPSILON = 1e-5
"""Added to the variance in batch normalisation (PyTorch's default)."""
_EXACT_FLOAT32 = 2**24
NORMALISATION_BYTES = 24
"""Temporary memory of ``normalised_images`` per value of one time step: at most three float64."""


def normalised_images(images: Tensor, weights: FixedPoint, stride: int) -> Tensor:
    """Convolve real-valued images in float64 with same padding, and apply batch normalisation.

    With direct coding the image is the same at every time step, so this is computed once. The images of a sequence are
    convolved one time step after the other, so that equal images have bit-identical results.

    Args:
        images: [T or 1, B, in, H, W].
        weights: [out, in, k, k].
        stride: stride of the convolution.

    Returns:
        [T or 1, B, out, H', W'] float32.
    """
    values = torch.from_numpy(weights.values).to(images.device)
    steps = (F.conv2d(x.double(), values, stride=stride, padding=values.shape[-1] // 2) for x in images)
    return torch.cat([batch_norm(step.unsqueeze(0)) for step in steps])


def exact_conv2d(spikes: Tensor, codes: Tensor) -> Tensor:
    """Convolve spikes with integer weights, same padding. The result is exact.

    Args:
        spikes: [n, in, H, W], values 0 or 1.
        codes: [out, in, k, k] integers.

    Returns:
        [n, out, H, W] integers; float32 if a bound on the sums shows that this is exact, otherwise float64.
    """
    largest_sum = codes.abs().double().sum(dim=(1, 2, 3)).max()
    # On CUDA, float32 convolutions may use algorithms that round (TF32, Winograd), float64 convolutions do not.
    dtype = torch.float32 if spikes.device.type == "cpu" and largest_sum < _EXACT_FLOAT32 else torch.float64
    return F.conv2d(spikes.to(dtype), codes.to(dtype), padding=codes.shape[-1] // 2)


def exact_linear(x: Tensor, weights: FixedPoint) -> Tensor:
    """Fully connected layer on means of four spikes, 0 to 1. The sums are exact and rounded to float32 once.

    Args:
        x: [..., in], multiples of 1/4.
        weights: [out, in, 1, 1].

    Returns:
        [..., out] float32.
    """
    codes = torch.from_numpy(weights.codes).to(x.device).flatten(1)
    in_float32 = x.device.type == "cpu" and 4 * weights.largest_sum < _EXACT_FLOAT32  # see ``exact_conv2d``
    dtype = torch.float32 if in_float32 else torch.float64
    return ((x.to(dtype) @ codes.to(dtype).T) * 2.0**-weights.exponent).float()


def batch_norm(y: Tensor) -> Tensor:
    """Batch normalisation in training mode without learned parameters, separately for each time step.

    Time steps have separate statistics, since SNASNet runs its network step by step.

    Args:
        y: [T, B, C, H, W], float32 or float64.

    Returns:
        [T, B, C, H, W] float32: ``y * scale + shift``.
    """
    exact = y.double()
    n = y.shape[1] * y.shape[3] * y.shape[4]
    scale, shift = affine(exact.sum(dim=(1, 3, 4)), exact.square().sum(dim=(1, 3, 4)), n)
    return y.float() * scale[:, None, :, None, None] + shift[:, None, :, None, None]


def affine(total: Tensor, total_of_squares: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Scale and shift of batch normalisation from sums over n values.

    Args:
        total: sums of the values, float64, any shape.
        total_of_squares: sums of the squared values, float64, the same shape.
        n: number of values in each sum.

    Returns:
        scale and shift, float32, the same shape.
    """
    mean = total / n
    variance = (total_of_squares / n - mean * mean).clamp_min(0)
    scale = (variance + EPSILON).rsqrt()
    return scale.float(), (-mean * scale).float()


def divided(x: Tensor, by: float) -> Tensor:
    """``x / by``, rounded equally on all devices. (CUDA replaces division by a Python number by multiplication.)"""
    return x / torch.full((), by, dtype=x.dtype, device=x.device)


def pool(x: Tensor, operation: Pool) -> Tensor:
    """Mean or maximum pooling. Values are combined along rows from left to right, then along columns.

    Padding counts as 0 in a mean and is ignored in a maximum.

    Args:
        x: [..., H, W].
        operation: window, stride, padding, and mean or maximum.

    Returns:
        [..., H', W'].
    """
    is_mean = operation.reduce == "mean"
    rows = _combined(x, -1, operation, is_mean=is_mean)
    total = _combined(rows, -2, operation, is_mean=is_mean)
    return divided(total, prod(operation.kernel)) if is_mean else total


def _combined(x: Tensor, axis: int, operation: Pool, *, is_mean: bool) -> Tensor:
    """Sum or maximum of each window along an axis."""
    width, stride, border = operation.kernel[axis], operation.stride[axis], operation.padding
    if border:
        x = F.pad(x, (border, border) if axis == -1 else (0, 0, border, border), value=0.0 if is_mean else -inf)
    return reduce(torch.add if is_mean else torch.maximum, x.unfold(axis, width, stride).unbind(-1))
