"""neuronas: finds spiking neural networks that fit a compute-in-memory chip."""

import logging
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.version import __version__

if TYPE_CHECKING:
    from neuronas.snn.classifier import Classifier

__all__ = ["__version__", "load"]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def load(run: str | PathLike[str], device: str = "cpu") -> "Classifier":
    """Read the network of a trained run with its best weights, in evaluation mode.

    Args:
        run: the run's directory.
        device: ``cpu``, ``cuda`` or ``auto``.

    Returns:
        An ``nn.Module``: normalised images [B, C, H, W] -> class scores [T, B, n_classes], one set for each time
        step; their mean over the time steps decides.

    Raises:
        RunDirectoryError: no run, or one that was not trained.
        VerificationError: a damaged file.
    """
    from neuronas.api.trained import read_trained  # noqa: PLC0415 - imports torch

    return read_trained(Path(run), device=device).trained.network
