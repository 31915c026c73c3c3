"""Detects divergence in training: losses or weights that are not finite."""

import math
from pathlib import Path
from typing import NoReturn

import torch
from torch import nn

from neuronas.errors import DivergedError, quoted
from neuronas.training.checkpoint import LAST
from neuronas.training.state import Progress


def check_loss(loss: float, progress: Progress, n_steps: int, folder: Path) -> None:
    """Check the loss of a step before the weights are updated.

    Args:
        loss: mean loss of the batch.
        progress: progress of training before the step.
        n_steps: number of steps per epoch.
        folder: folder of the checkpoints.

    Raises:
        DivergedError: the loss is not finite.
    """
    if not math.isfinite(loss):
        _raise(f"loss is {loss} at epoch {progress.epoch + 1}, step {progress.step + 1} of {n_steps}", folder)


def check_weights(network: nn.Module, progress: Progress, folder: Path) -> None:
    """Check all weights before they are saved: a finite loss can have infinite gradients.

    Args:
        network: network in training.
        progress: progress of training after the step.
        folder: folder of the checkpoints.

    Raises:
        DivergedError: a weight is not finite.
    """
    for name, weights in network.named_parameters():
        if not bool(torch.isfinite(weights).all()):
            _raise(f"{name} is not finite after epoch {progress.epoch + 1}, step {progress.step}", folder)


def _raise(what: str, folder: Path) -> NoReturn:
    again = "no checkpoint was written yet; train again with a lower --learning-rate"
    if (folder / LAST).exists():
        again = (
            f"the last good checkpoint is kept in {folder} and belongs to these settings; train again with a "
            f"lower --learning-rate and another --out, optionally with --start-from {quoted(folder.parent)}"
        )
    raise DivergedError(f"{what}; {again}")
