"""The arithmetic that every evaluation of a network shares, so that spikes agree to the last bit.

A spike is decided by a comparison, so a rounding difference can flip it and the flip spreads. Therefore
convolutions are exact (integers), statistics are taken in float64, and everything elementwise is float32 in
the order written here.
"""

from functools import reduce
from math import inf, prod

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.snn.quantisation import FixedPoint
from neuronas.space.graph import Pool

EPSILON = 1e-5
"""Added to the variance in batch normalisation (PyTorch's default)."""
_EXACT_FLOAT32 = 2**24


def normalised_image(images: Tensor, weights: FixedPoint, stride: int) -> Tensor:
    """Convolve real-valued images in float64, same padding, and normalise.

    Direct coding shows the same image at every time step, so this is due once.

    Args:
        images: [B, in, H, W].
        weights: [out, in, k, k].
        stride: of the convolution.

    Returns:
        [1, B, out, H', W'] float32.
    """
    values = torch.from_numpy(weights.values).to(images.device)
    y = F.conv2d(images.double(), values, stride=stride, padding=values.shape[-1] // 2)
    return batch_norm(y.unsqueeze(0))


def exact_conv2d(spikes: Tensor, codes: Tensor, groups: int = 1) -> Tensor:
    """Convolve spikes with integer weights, same padding; exact.

    Args:
        spikes: [n, in, H, W], values 0 or 1.
        codes: [out, in / groups, k, k] integers.
        groups: of channels (see ``space.graph.Weights``).

    Returns:
        [n, out, H, W] whole numbers, float32 where that is exact by a bound on the sum, else float64.
    """
    largest_sum = codes.abs().double().sum(dim=(1, 2, 3)).max()
    # CUDA may choose algorithms (TF32, Winograd) that round; float64 has neither.
    dtype = torch.float32 if spikes.device.type == "cpu" and largest_sum < _EXACT_FLOAT32 else torch.float64
    return F.conv2d(spikes.to(dtype), codes.to(dtype), padding=codes.shape[-1] // 2, groups=groups)


def batch_norm(y: Tensor) -> Tensor:
    """Normalise each channel of each time step over the batch (training mode, no learned scale).

    SNASNet runs its network step by step, so each time step is normalised by its own statistics.

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
    """Turn sums over n values into batch normalisation's scale and shift.

    Args:
        total: float64, any shape.
        total_of_squares: float64, the same shape.
        n: number of values in each sum.

    Returns:
        scale and shift, float32.
    """
    mean = total / n
    variance = (total_of_squares / n - mean * mean).clamp_min(0)
    scale = (variance + EPSILON).rsqrt()
    return scale.float(), (-mean * scale).float()


def divided(x: Tensor, by: float) -> Tensor:
    """``x / by``, rounded alike on all devices: by a plain number CUDA multiplies with the reciprocal."""
    return x / torch.full((), by, dtype=x.dtype, device=x.device)


def pool(x: Tensor, operation: Pool) -> Tensor:
    """Pool windows: rows first, from left to right, then columns; pixels beyond the image are 0 in a mean.

    Args:
        x: [..., H, W].
        operation: which windows, and their mean or maximum.

    Returns:
        [..., H', W'].
    """
    is_mean = operation.reduce == "mean"
    rows = _combined(x, -1, operation, is_mean=is_mean)
    total = _combined(rows, -2, operation, is_mean=is_mean)
    return divided(total, prod(operation.kernel)) if is_mean else total


def _combined(x: Tensor, axis: int, operation: Pool, *, is_mean: bool) -> Tensor:
    """Sum, or maximum, of each window along an axis."""
    width, stride, border = operation.kernel[axis], operation.stride[axis], operation.padding
    if border:
        x = F.pad(x, (border, border) if axis == -1 else (0, 0, border, border), value=0.0 if is_mean else -inf)
    return reduce(torch.add if is_mean else torch.maximum, x.unfold(axis, width, stride).unbind(-1))
