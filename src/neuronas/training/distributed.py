"""Several processes that train one network (``torchrun``); with one process everything here does nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from neuronas.errors import ConfigurationError


@dataclass(frozen=True)
class Process:
    """This process among those that train together.

    Attributes:
        rank: 0 writes files and talks.
        n: number of processes.
        device: of this process.
    """

    rank: int
    n: int
    device: torch.device

    def share_of(self, batch_size: int) -> slice:
        """This process' part of a global batch."""
        return slice(self.rank, batch_size, self.n)

    def total(self, *values: float) -> tuple[float, ...]:
        """Each value, added up over all processes."""
        if self.n == 1:
            return values
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return tuple(sums.tolist())

    def wait_for_others(self) -> None:
        """Go on when all processes have come here."""
        if self.n > 1:
            dist.barrier()


def is_first_process() -> bool:
    """Whether this is the process that writes files and talks; known before it has joined the others."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: torch.device, batch_size: int) -> Iterator[Process]:
    """Join the processes that the launcher started, if it started any.

    Args:
        device: the device class; on CUDA each process takes the one of its local rank.
        batch_size: global; must be a multiple of the number of processes.

    Raises:
        ConfigurationError: it is not.
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
