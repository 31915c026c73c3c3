"""Exact convolutions of spikes by integer matrix products, for devices whose own convolutions may round (CUDA).

Spikes are 0 or 1 and weights are signed 8-bit slices, so ``torch._int_mm`` (int8 tensor cores) gives exact int32 sums.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_CHUNK_BYTES = 2**28
"""Maximum size of the patches computed at a time; they contain each spike once per kernel position."""
_MULTIPLE = 8
_ROW_MULTIPLE = 32
"""cuBLAS needs at least 17 rows, and gave wrong sums for odd numbers of rows on some devices."""


def available(device: torch.device) -> bool:
    """Whether this version of PyTorch multiplies int8 matrices correctly on a device."""
    try:
        ones = torch.ones(_ROW_MULTIPLE, _MULTIPLE, dtype=torch.int8, device=device)
        return bool((torch._int_mm(ones, ones[:_MULTIPLE].T) == _MULTIPLE).all())
    except (AttributeError, RuntimeError, NotImplementedError):
        return False


def int8_products(spikes: Tensor) -> Tensor:
    """Number of neurons that spike for both of two images; exact.

    Args:
        spikes: [T, B, n], 0 or 1, any type.

    Returns:
        [T, B, B] float64.
    """
    batch, n = spikes.shape[1:]
    found = []
    for step in spikes:
        padded = _padded(step.to(torch.int8), (0, -n % _MULTIPLE, 0, -batch % _ROW_MULTIPLE))
        found.append(torch._int_mm(padded, padded.T)[:batch, :batch].double())
    return torch.stack(found)


def int8_conv2d(spikes: Tensor, slices: Tensor) -> Tensor:
    """Convolve spikes, same padding, stride 1; exact.

    Args:
        spikes: [n, in, H, W], 0 or 1, any type.
        slices: [s, out, in, k, k] int8; the weights are the sum over i of slice i times 256^i.

    Returns:
        [n, out, H, W] integers: int32 with one slice, otherwise float64.
    """
    channels, height, width = spikes.shape[1:]
    out_channels, kernel = slices.shape[1], slices.shape[-1]
    # Channels innermost, as in the patches.
    weights = _padded(slices.permute(0, 1, 3, 4, 2), (0, -channels % _MULTIPLE)).flatten(2)
    weights = _padded(weights, (0, 0, 0, -out_channels % _MULTIPLE))
    chunk = max(1, _CHUNK_BYTES // (height * width * weights.shape[2]))
    parts = []
    for some in torch.split(spikes, chunk):
        sums = _products(_patches(some.to(torch.int8), kernel), weights)
        own = sums[: len(some) * height * width, :out_channels]
        parts.append(own.reshape(len(some), height, width, out_channels).permute(0, 3, 1, 2))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _patches(x: Tensor, kernel: int) -> Tensor:
    """Input patch of each output pixel: [n, C, H, W] -> [n * H * W, k * k * C]; C and rows are zero-padded."""
    border = kernel // 2
    padded = F.pad(x.permute(0, 2, 3, 1), (0, -x.shape[1] % _MULTIPLE, border, border, border, border))
    words = padded.contiguous().view(torch.int64)  # copying eight channels at a time takes an eighth of the time
    windows = words.unfold(1, kernel, 1).unfold(2, kernel, 1).permute(0, 1, 2, 4, 5, 3)  # [n, H, W, k, k, C / 8]
    rows = windows.reshape(-1, kernel**2 * words.shape[-1]).view(torch.int8)
    return _padded(rows, (0, 0, 0, -len(rows) % _ROW_MULTIPLE))


def _padded(x: Tensor, margins: tuple[int, ...]) -> Tensor:
    """Pad with zeros. (``F.pad`` would copy even without margins.)"""
    return F.pad(x, margins) if any(margins) else x


def _products(patches: Tensor, weights: Tensor) -> Tensor:
    # Both with the summed dimension innermost: what tensor cores read.
    lowest, *higher = (torch._int_mm(patches, one.T) for one in weights)
    if not higher:
        return lowest
    total = lowest.double()
    for power, product in enumerate(higher, start=1):
        total.add_(product, alpha=256**power)
    return total
