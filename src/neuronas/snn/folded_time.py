"""Sequences [T, B, ...]: stateless layers with time folded into the batch dimension; selection of time steps."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.snn.mean_pooling import mean_pooled
from neuronas.snn.native import is_native
from neuronas.snn.normalisation import is_distributed
from neuronas.space.node_operations import Pool


def folded(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a stateless layer with time folded into the batch, channels last: [T, B, ...] -> [T, B, ...]."""
    steps, batch = x.shape[:2]
    flat = x.flatten(0, 1)
    if flat.dim() == 4 and not flat.is_contiguous(memory_format=torch.channels_last):
        flat = flat.contiguous(memory_format=torch.channels_last)
    y = layer(flat)
    return y.view(steps, batch, *y.shape[1:])


def pooled(x: Tensor, operation: Pool) -> Tensor:
    """Mean or maximum pooling of [T, B, C, H, W]; a window larger than the image is cropped to it."""
    height, width = operation.kernel
    if height >= x.shape[-2] and width >= x.shape[-1] and not operation.padding and operation.reduce == "mean":
        return x.float().mean(dim=(3, 4), keepdim=True)
    if operation.reduce == "mean" and is_native(x[0]):
        return folded(partial(mean_pooled, operation=operation), x)
    pool = F.avg_pool2d if operation.reduce == "mean" else F.max_pool2d
    return folded(partial(pool, kernel_size=operation.kernel, stride=operation.stride, padding=operation.padding), x)


def different_steps(x: Tensor) -> Tensor:
    """[T, B, ...] -> [1, B, ...] if all time steps are equal, so that they are computed only once, with equal results.

    In distributed training all time steps are kept, since the processes share statistics over equal numbers of values.
    """
    is_still = not is_distributed() and all(torch.equal(step, x[0]) for step in x[1:])
    return x[:1] if is_still else x


def some_steps(x: Tensor, n: int, *, at_random: bool) -> Tensor:
    """Select successive time steps: [T, B, ...] -> [n, B, ...]; unchanged if T is at most n.

    Args:
        x: values of all time steps.
        n: number of time steps to return.
        at_random: draw the first one, with a separate generator seeded by the last random seed given to torch;
            otherwise return those in the middle.
    """
    n_more = len(x) - n
    if n_more <= 0:
        return x
    first = n_more // 2
    if at_random:
        first = int(torch.randint(n_more + 1, (), generator=torch.Generator().manual_seed(torch.initial_seed())))
    return x[first : first + n]
