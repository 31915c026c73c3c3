"""The device that a verb computes on. Torch is imported here and not before."""

from typing import TYPE_CHECKING

from neuronas.errors import ConfigurationError
from neuronas.machine import n_cores

if TYPE_CHECKING:
    import torch


def device_named(name: str, number: int | None = None) -> "torch.device":
    """The device that ``auto``, ``cpu`` or ``cuda`` means here.

    Args:
        name: of its class.
        number: which one of several CUDA devices.

    Raises:
        ConfigurationError: CUDA is requested and there is none, or too few devices; torch cannot be imported.
    """
    try:
        import torch
    except ImportError as error:
        raise missing(error) from error

    torch.set_num_threads(min(torch.get_num_threads(), n_cores()))  # torch knows no quota
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


def check_device(name: str) -> None:
    """Find out whether a device that was asked for is there; there is always one to be ``auto`` or ``cpu``.

    Raises:
        ConfigurationError: see ``device_named``.
    """
    if name == "cuda":
        device_named(name)


def missing(error: ImportError) -> ConfigurationError:
    """What to say where a package that computes cannot be imported."""
    return ConfigurationError(f"{error}; run 'neuronas doctor' to see what is missing")
