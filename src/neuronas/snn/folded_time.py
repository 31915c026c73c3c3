"""Layers without state on sequences [T, B, ...]: time is folded into the batch dimension."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.space.graph import Pool


def folded(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a stateless layer with time folded into the batch, channels last: [T, B, ...] -> [T, B, ...]."""
    steps, batch = x.shape[:2]
    flat = x.flatten(0, 1)
    if flat.dim() == 4 and not flat.is_contiguous(memory_format=torch.channels_last):
        flat = flat.contiguous(memory_format=torch.channels_last)
    y = layer(flat)
    return y.view(steps, batch, *y.shape[1:])


def pooled(x: Tensor, operation: Pool) -> Tensor:
    """Mean or maximum pooling of [T, B, C, H, W]; a window that covers the image ends with it."""
    height, width = operation.kernel
    if height >= x.shape[-2] and width >= x.shape[-1] and not operation.padding and operation.reduce == "mean":
        return x.float().mean(dim=(3, 4), keepdim=True)
    pool = F.avg_pool2d if operation.reduce == "mean" else F.max_pool2d
    return folded(partial(pool, kernel_size=operation.kernel, stride=operation.stride, padding=operation.padding), x)
