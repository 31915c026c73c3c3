"""Batch normalisation over images and time steps together, also over the processes of a distributed training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn import functional as distributed
from torch.nn import functional as F  # noqa: N812

from neuronas.kernels.structures import CNormalisation
from neuronas.snn.arithmetic import EPSILON
from neuronas.snn.native import channels_last, empty, is_native, run

MOMENTUM = 0.1
"""Momentum of the running statistics of batch normalisation (PyTorch's default)."""


class BatchNorm(nn.Module):
    """Batch normalisation over images and time steps together, so that it can be folded into weights and thresholds.

    Under ``torch.distributed`` the statistics are those of the global batch, over all processes.
    """

    _updates = True

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[n, C, H, W] -> the same shape and type."""
        mean, var = self.get_buffer("running_mean"), self.get_buffer("running_var")
        if self.training and is_native(x) and x.numel() > x.shape[1]:
            native: Tensor = _Normalised.apply(x, self.weight, self.bias, self)  # type: ignore[no-untyped-call]
            return native
        if not self.training or not is_distributed():
            momentum = MOMENTUM if BatchNorm._updates else 0.0
            return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, momentum, EPSILON)
        wide = x.float()
        n = wide.numel() // wide.shape[1] * dist.get_world_size()
        sums = torch.stack([wide.sum(dim=(0, 2, 3)), wide.square().sum(dim=(0, 2, 3))])
        total: Tensor = distributed.all_reduce(sums)  # type: ignore[no-untyped-call]
        batch_mean, square = (total / n).unbind()
        batch_var = (square - batch_mean.square()).clamp_min(0)  # rounding can make it negative
        if BatchNorm._updates:
            with torch.no_grad():
                mean.lerp_(batch_mean, MOMENTUM)
                var.lerp_(batch_var * n / (n - 1), MOMENTUM)  # unbiased
        scale = self.weight * (batch_var + EPSILON).rsqrt()
        shift = self.bias - batch_mean * scale
        normalised: Tensor = wide * scale[:, None, None] + shift[:, None, None]
        return normalised.to(x.dtype)

    def of_totals(self, x: Tensor, totals: Tensor) -> tuple[Tensor, "Moments"]:
        """Normalise native values of this process in training; updates the running statistics.

        Args:
            x: [n, C, H, W], see ``native.channels_last``.
            totals: sums of x and of x * x over this process's values: [2, C] float64.

        Returns:
            normalised values, and the moments for ``gradients``.
        """
        found = empty(*x.shape)
        moments = Moments(x, *totals.new_empty(2, x.shape[1]).unbind())
        statistics = (self.get_buffer("running_mean"), self.get_buffer("running_var")) if BatchNorm._updates else ()
        moments.run("neuronas_normalise", _summed(totals), found, self.weight, self.bias, statistics=statistics)
        return found, moments


class Moments(NamedTuple):
    """Native values [n, C, H, W] of this process; mean and 1 / standard deviation by channel over all processes."""

    x: Tensor
    mean: Tensor
    deviation: Tensor

    def gradients(self, of_result: Tensor, gain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of x, gain and bias from that of the result; for gain and bias, those of this process's values."""
        of_result = channels_last(of_result)
        own = channel_totals(self.x, of_result)
        of_gain = ((own[1] - self.mean * own[0]) * self.deviation).float()
        found = empty(*self.x.shape)
        self.run("neuronas_normalise_gradient", _summed(own), found, gain, gradient=of_result)
        return found, of_gain, own[0].float()

    def run(
        self,
        kernel: str,
        totals: Tensor,
        out: Tensor,
        gain: Tensor,
        bias: Tensor | None = None,
        gradient: Tensor | None = None,
        statistics: tuple[Tensor, ...] = (),
    ) -> None:
        """Run a kernel of kernels/normalisation.cpp, with sums over all processes."""
        channels = self.x.shape[1]
        pixels = self.x.numel() // channels
        running = [_pointer(one) for one in statistics or (None, None)]
        arguments = CNormalisation(
            self.x.data_ptr(), _pointer(gradient), out.data_ptr(), totals.data_ptr(), gain.data_ptr(), _pointer(bias),
            self.mean.data_ptr(), self.deviation.data_ptr(), *running, pixels, channels,
            pixels * (dist.get_world_size() if is_distributed() else 1), EPSILON, MOMENTUM,
        )  # fmt: skip
        run(kernel, arguments)


def channel_totals(x: Tensor, gradient: Tensor | None = None) -> Tensor:
    """Sums of x and x * x over native values; with a gradient, of it and gradient * x: [2, channels] float64."""
    found = torch.empty(2, x.shape[1], dtype=torch.float64)
    pixels, channels = x.numel() // x.shape[1], x.shape[1]
    arguments = CNormalisation(
        x=x.data_ptr(), gradient=_pointer(gradient), totals=found.data_ptr(), pixels=pixels, channels=channels
    )
    run("neuronas_channel_totals", arguments)
    return found


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, norm: BatchNorm) -> Tensor:
        x = channels_last(x)
        found, moments = norm.of_totals(x, channel_totals(x))
        ctx.save_for_backward(gain, *moments)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gain, *moments = ctx.saved_tensors
        return *Moments(*moments).gradients(gradients[0], gain), None


@contextmanager
def statistics_kept() -> Iterator[None]:
    """Do not update running statistics in this context, for the second forward pass of gradient checkpointing."""
    BatchNorm._updates = False
    try:
        yield
    finally:
        BatchNorm._updates = True


def is_distributed() -> bool:
    """Whether this is a distributed training with several processes."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _summed(totals: Tensor) -> Tensor:
    """The sum over all processes."""
    if not is_distributed():
        return totals
    found = totals.clone()
    dist.all_reduce(found)
    return found


def _pointer(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()
