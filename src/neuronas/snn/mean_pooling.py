"""Mean pooling on CPUs in C++ kernels; the forward pass is bit-identical to PyTorch's."""

from typing import Any

import torch
from torch import Tensor

from neuronas.kernels.structures import CPooling
from neuronas.snn.native import channels_last, empty, run
from neuronas.space.node_operations import Pool


def mean_pooled(x: Tensor, operation: Pool) -> Tensor:
    """Mean pooling of native values [n, C, H, W] (see ``native.is_native``) -> [n, C, H', W'], channels last."""
    found: Tensor = _MeanPool.apply(x, operation)  # type: ignore[no-untyped-call]
    return found


class _MeanPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, operation: Pool) -> Tensor:
        x = channels_last(x)
        ctx.shape, ctx.operation = x.shape, operation
        found = empty(len(x), *operation.output(tuple(x.shape[1:])))
        _run("neuronas_mean_pool", x, found, x.shape, found.shape, operation)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient, found = channels_last(gradients[0]), empty(*ctx.shape)
        _run("neuronas_mean_pool_gradient", gradient, found, ctx.shape, gradient.shape, ctx.operation)
        return found, None


def _run(kernel: str, source: Tensor, target: Tensor, values: torch.Size, means: torch.Size, operation: Pool) -> None:
    n, channels, height, width = values
    arguments = CPooling(
        source.data_ptr(), target.data_ptr(), n, height, width, *means[2:], channels,
        *operation.kernel, *operation.stride, operation.padding,
    )  # fmt: skip
    run(kernel, arguments)
