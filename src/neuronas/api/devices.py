"""What verbs that compute need first: the device, and the data set's files. Torch is imported here and not before."""

from typing import TYPE_CHECKING

from neuronas.config import DataConfig
from neuronas.errors import ConfigurationError

if TYPE_CHECKING:
    import torch


def device_named(name: str) -> "torch.device":
    """The device that ``auto``, ``cpu`` or ``cuda`` means here.

    Raises:
        ConfigurationError: CUDA is wanted and there is none.
    """
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError("--device cuda given, but torch finds no CUDA device; wanted cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def fetch(data: DataConfig) -> None:
    """Download a data set that can be downloaded and is missing."""
    from neuronas.data.datasets import data_folder, find
    from neuronas.data.download import ARCHIVES, download

    if data.name in ARCHIVES and find(data.name, data.data_dir) is None:
        download(data.name, data_folder(data.data_dir))
