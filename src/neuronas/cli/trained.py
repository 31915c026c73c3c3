"""A trained run, read back whole: its settings, its architecture, its network. ``neuronas.load`` is here."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.cli import options
from neuronas.cli.architectures import read_run
from neuronas.cli.compose import Plan, plan
from neuronas.cli.devices import device_named
from neuronas.space.genotype import Architecture

if TYPE_CHECKING:
    from neuronas.training.trained import Trained


@dataclass(frozen=True)
class TrainedRun:
    """A run directory that holds a trained network."""

    plan: Plan
    architecture: Architecture
    trained: "Trained"


def read_trained(directory: Path, device: str) -> TrainedRun:
    """Read a trained run.

    Args:
        directory: of the run.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        RunDirectoryError: no run, or one that was not trained.
        VerificationError: a damaged file.
    """
    given = read_run(directory)
    run = plan(options.settings(given.config))
    from neuronas.training.trained import load_trained

    settings = run.config
    trained = load_trained(
        directory, given.architecture, run.shape, settings.network, settings.train, device_named(device)
    )
    return TrainedRun(run, given.architecture, trained)
