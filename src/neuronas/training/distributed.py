"""Data-parallel training with several processes (``torchrun``). With one process these functions have no effect."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from neuronas.errors import ConfigurationError


@dataclass(frozen=True)
class Process:
    """The current process of a distributed training.

    Attributes:
        rank: rank of the process; rank 0 writes files and prints.
        n: number of processes.
        device: device of this process.
    """

    rank: int
    n: int
    device: torch.device

    def share_of(self, batch_size: int) -> slice:
        """The part of a global batch that this process computes."""
        return slice(self.rank, batch_size, self.n)

    def total(self, *values: float) -> tuple[float, ...]:
        """Sum of each value over all processes."""
        if self.n == 1:
            return values
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return tuple(sums.tolist())

    def wait_for_others(self) -> None:
        """Wait until all processes have reached this point."""
        if self.n > 1:
            dist.barrier()


def is_first_process() -> bool:
    """Whether this process has rank 0, which writes files and prints. Valid before ``joined``."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: torch.device, batch_size: int) -> Iterator[Process]:
    """Join the process group of the launcher (``torchrun``); without a launcher, yield a single process.

    Args:
        device: the device class; on CUDA, each process uses the device of its local rank.
        batch_size: global batch size; must be a multiple of the number of processes.

    Raises:
        ConfigurationError: ``batch_size`` is not a multiple of the number of processes.
    """
    n = int(os.environ.get("WORLD_SIZE", "1"))
    if n == 1:
        yield Process(0, 1, device)
        return
    if batch_size % n:
        raise ConfigurationError(f"batch size {batch_size} given for {n} processes; expected a multiple of {n}")
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Process(dist.get_rank(), n, device)
    finally:
        dist.destroy_process_group()
