"""A trained run, read back whole: its settings, its architecture, its network. ``neuronas.load`` is here."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.cli import options
from neuronas.cli.architectures import read_architecture
from neuronas.cli.compose import Plan, plan
from neuronas.cli.devices import device_named
from neuronas.errors import RunDirectoryError
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
    if not directory.is_dir():
        raise RunDirectoryError(f"'{directory}' given; wanted the directory of a trained run")
    given = read_architecture(str(directory))
    if given.config is None:
        raise RunDirectoryError(f"run directory {directory}: holds no config.yaml; wanted that of a trained run")
    run = plan(options.settings(given.config))
    from neuronas.training.trained import load_trained

    settings = run.config
    trained = load_trained(
        directory, given.architecture, run.shape, settings.network, settings.train, device_named(device)
    )
    return TrainedRun(run, given.architecture, trained)
