"""Exact arithmetic of spikes as integer matrix products, for devices whose own convolutions may round (CUDA).

Spikes are 0 or 1 and weights are signed 8-bit slices, so ``torch._int_mm`` (int8 tensor cores) gives exact int32 sums.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_CHUNK_BYTES = 2**28
"""Patches of this size at a time: they hold every spike once for each kernel position."""
_MULTIPLE = 8
_LEAST_ROWS = 32


def available(device: torch.device) -> bool:
    """Whether this torch multiplies integer matrices on a device."""
    try:
        ones = torch.ones(_LEAST_ROWS, _MULTIPLE, dtype=torch.int8, device=device)
        return bool((torch._int_mm(ones, ones[:_MULTIPLE].T.contiguous()) == _MULTIPLE).all())
    except (AttributeError, RuntimeError, NotImplementedError):
        return False


def int8_products(spikes: Tensor) -> Tensor:
    """Count the neurons that spike for both of two images; exact.

    Args:
        spikes: [T, B, n] of any type, 0 or 1.

    Returns:
        [T, B, B] float64.
    """
    batch, n = spikes.shape[1:]
    rows = max(_LEAST_ROWS, batch + -batch % _MULTIPLE)
    found = []
    for step in spikes:
        padded = F.pad(step.to(torch.int8), (0, -n % _MULTIPLE, 0, rows - batch))
        found.append(torch._int_mm(padded, padded.T)[:batch, :batch].double())
    return torch.stack(found)


def int8_conv2d(spikes: Tensor, slices: Tensor) -> Tensor:
    """Convolve spikes, same padding, stride 1; exact.

    Args:
        spikes: [n, in, H, W], 0 or 1, any type.
        slices: [s, out, in, k, k] int8; weights are the sum of slice i times 256^i.

    Returns:
        [n, out, H, W] whole numbers, float64.
    """
    channels, height, width = spikes.shape[1:]
    out_channels, kernel = slices.shape[1], slices.shape[-1]
    n_patch = channels * kernel**2
    weights = slices.permute(0, 1, 3, 4, 2).reshape(
        len(slices), out_channels, n_patch
    )  # channels innermost, as patches
    weights = F.pad(weights, (0, -n_patch % _MULTIPLE, 0, -out_channels % _MULTIPLE))
    chunk = max(1, _CHUNK_BYTES // (height * width * weights.shape[2]))
    parts = []
    for some in torch.split(spikes, chunk):
        sums = _products(_patches(some.to(torch.int8), kernel, weights.shape[2]), weights)
        own = sums[: len(some) * height * width, :out_channels]
        parts.append(own.reshape(len(some), height, width, out_channels).permute(0, 3, 1, 2))
    return torch.cat(parts)


def _patches(x: Tensor, kernel: int, length: int) -> Tensor:
    """[n, C, H, W] -> [n * H * W, length]: what each pixel's kernel sees, padded with zeros."""
    border = kernel // 2
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, border, border, border, border))
    windows = padded.unfold(1, kernel, 1).unfold(2, kernel, 1).permute(0, 1, 2, 4, 5, 3)  # [n, H, W, k, k, C]
    rows = windows.reshape(-1, kernel**2 * x.shape[1])
    return F.pad(rows, (0, length - rows.shape[1], 0, max(0, _LEAST_ROWS - len(rows))))


def _products(patches: Tensor, weights: Tensor) -> Tensor:
    total = torch.zeros(len(patches), weights.shape[1], dtype=torch.float64, device=patches.device)
    for power, one in enumerate(weights):
        total += torch._int_mm(patches, one.T.contiguous()).double() * 256.0**power
    return total
