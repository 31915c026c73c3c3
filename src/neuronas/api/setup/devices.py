"""The device of a command. Torch is imported here, not earlier."""

import os
from functools import cache, partial
from typing import TYPE_CHECKING

from neuronas.errors import ConfigurationError
from neuronas.machine import n_cores

if TYPE_CHECKING:
    import torch


def device_named(name: str, number: int | None = None) -> "torch.device":
    """The torch device for ``auto``, ``cpu`` or ``cuda``.

    Args:
        name: ``auto``, ``cpu`` or ``cuda``.
        number: index of the CUDA device, if there are several.

    Raises:
        ConfigurationError: CUDA is requested and there is none, or too few devices; torch cannot be imported.
    """
    try:
        import torch
    except ImportError as error:
        raise missing(error) from error

    _limit_forked()
    torch.set_num_threads(min(torch.get_num_threads(), n_cores()))  # torch ignores CPU quotas
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError("--device cuda given, but torch finds no CUDA device; expected cpu or auto")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    if number is None:
        return torch.device("cuda")
    if number >= torch.cuda.device_count():
        raise ConfigurationError(
            f"worker {number} finds no CUDA device of its own; this machine has {torch.cuda.device_count()}; expected "
            f"--workers {torch.cuda.device_count()}, or --device cpu"
        )
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


@cache
def _limit_forked() -> None:
    """Use one thread in processes that are forked from this one.

    OpenMP's threads do not survive a fork, and a forked process would wait for them forever.
    """
    import torch

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


def check_device(name: str) -> None:
    """Check whether a requested device is available; ``auto`` and ``cpu`` always are.

    Raises:
        ConfigurationError: see ``device_named``.
    """
    if name == "cuda":
        device_named(name)


def missing(error: ImportError) -> ConfigurationError:
    """Message for a package that cannot be imported."""
    return ConfigurationError(f"{error}; run 'neuronas doctor' to see what is missing")
