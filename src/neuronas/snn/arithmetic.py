"""The arithmetic that every evaluation of a network shares, so that spikes agree to the last bit.

A spike is decided by a comparison, so a rounding difference can flip it and the flip spreads. Therefore
convolutions are exact (integers), statistics are taken in float64, and everything elementwise is float32 in
the order written here.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

EPSILON = 1e-5
"""Added to the variance in batch normalisation (PyTorch's default)."""
_EXACT_FLOAT32 = 2**24


def exact_conv2d(x: Tensor, codes: Tensor, stride: int = 1) -> Tensor:
    """Convolve spikes with integer weights, same padding; exact.

    Args:
        x: [n, in, H, W], values 0 or 1.
        codes: [out, in, k, k] integers.
        stride: of the convolution.

    Returns:
        [n, out, H', W'] whole numbers, float32 where that is exact by a bound on the sum, else float64.
    """
    largest_sum = codes.abs().double().sum(dim=(1, 2, 3)).max()
    # CUDA may choose algorithms (TF32, Winograd) that round; float64 has neither.
    dtype = torch.float32 if x.device.type == "cpu" and largest_sum < _EXACT_FLOAT32 else torch.float64
    return F.conv2d(x.to(dtype), codes.to(dtype), stride=stride, padding=codes.shape[-1] // 2)


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


def avg_pool_3x3(x: Tensor) -> Tensor:
    """Average over 3x3 neighbours, stride 1, zeros outside, divided by 9 everywhere; rows first, then columns.

    Args:
        x: [..., H, W].
    """
    padded = F.pad(x, (1, 1, 1, 1))
    rows = padded[..., :-2] + padded[..., 1:-1] + padded[..., 2:]
    return divided(rows[..., :-2, :] + rows[..., 1:-1, :] + rows[..., 2:, :], 9)


def avg_pool_2x2(x: Tensor) -> Tensor:
    """Average over disjoint 2x2 blocks; an odd last row or column is dropped.

    Args:
        x: [..., H, W].
    """
    height, width = x.shape[-2] // 2 * 2, x.shape[-1] // 2 * 2
    x = x[..., :height, :width]
    top = x[..., ::2, ::2] + x[..., ::2, 1::2]
    bottom = x[..., 1::2, ::2] + x[..., 1::2, 1::2]
    return (top + bottom) * 0.25
