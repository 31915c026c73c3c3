"""Random numbers of a training step, which neither change those of the program around it nor are changed by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

_ONE_AT_A_TIME = RLock()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Context in which torch's default generators start at a seed; afterwards they are as before.

    They are shared by all threads, so only one thread at a time is in such a context.

    Args:
        seed: random seed.
        device: device of the computation.
    """
    with _ONE_AT_A_TIME, torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
