"""Batch normalisation over images and time steps together, of one process or of several that train together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn import functional as distributed
from torch.nn import functional as F  # noqa: N812

from neuronas.snn.arithmetic import EPSILON

MOMENTUM = 0.1
"""Momentum of the running statistics of batch normalisation (PyTorch's default)."""


@dataclass(frozen=True)
class Statistics:
    """Mean and (biased) variance [channels] of the global batch, over n values of each channel."""

    mean: Tensor
    variance: Tensor
    n: int


def mean_and_variance(totals: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Of n values of each channel, from their sums and sums of squares [2, channels]."""
    mean, square = (totals / n).unbind()
    return mean, (square - mean.square()).clamp_min(0)  # rounding can make it negative


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
        if not self.training or not is_distributed():
            momentum = MOMENTUM if BatchNorm._updates else 0.0
            return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, momentum, EPSILON)
        wide = x.float()
        n = wide.numel() // wide.shape[1] * dist.get_world_size()
        sums = torch.stack([wide.sum(dim=(0, 2, 3)), wide.square().sum(dim=(0, 2, 3))])
        total: Tensor = distributed.all_reduce(sums)  # type: ignore[no-untyped-call]
        batch_mean, batch_var = mean_and_variance(total, n)
        self.update(Statistics(batch_mean, batch_var, n))
        scale = self.weight * (batch_var + EPSILON).rsqrt()
        shift = self.bias - batch_mean * scale
        normalised: Tensor = wide * scale[:, None, None] + shift[:, None, None]
        return normalised.to(x.dtype)

    @torch.no_grad()
    def update(self, batch: Statistics) -> None:
        """Update the running statistics, whose variance is the unbiased one."""
        if BatchNorm._updates:
            self.get_buffer("running_mean").lerp_(batch.mean, MOMENTUM)
            self.get_buffer("running_var").lerp_(batch.variance * batch.n / (batch.n - 1), MOMENTUM)


@contextmanager
def statistics_kept() -> Iterator[None]:
    """Do not update running statistics in this context: for the second forward pass of gradient checkpointing."""
    BatchNorm._updates = False
    try:
        yield
    finally:
        BatchNorm._updates = True


def is_distributed() -> bool:
    """Whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
