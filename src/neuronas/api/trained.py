"""A trained run, read back whole: its settings, its architecture, its network. ``neuronas.load`` is here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.api.compose import Plan, plan
from neuronas.api.devices import device_named
from neuronas.api.settings import read_settings
from neuronas.data.datasets import check_described
from neuronas.runs.architectures import read_run
from neuronas.space.genotype import Architecture

if TYPE_CHECKING:
    import torch

    from neuronas.data.source import ImageSource
    from neuronas.training.images import Images
    from neuronas.training.trained import Trained


@dataclass(frozen=True)
class TrainedRun:
    """A run directory that holds a trained network."""

    directory: Path
    plan: Plan
    architecture: Architecture
    trained: "Trained"
    device: "torch.device"

    def images(self, split: str) -> "Images":
        """Images of its data set, ``train`` or ``test``."""
        return read_images(self.plan, split)


def read_images(run: Plan, split: str, draw: "Callable[[ImageSource], ImageSource] | None" = None) -> "Images":
    """Read the images that a run names.

    Args:
        run: names the data set.
        split: ``train`` or ``test``.
        draw: takes some of them.

    Raises:
        DataError: they are not there, cannot be read, or have more or fewer classes than the network.
        VerificationError: they have other classes.
    """
    from neuronas.training.images import Images

    data = run.config.data
    check_described(data, run.dataset)
    source = run.dataset.load(split, run.shape.image_size)
    return Images(draw(source) if draw else source, data.mean or (), data.std or (), skip_corrupt=data.skip_corrupt)


def read_trained(
    directory: Path, *, device: str | None = None, data_dir: str | None = None, hardware: str | None = None
) -> TrainedRun:
    """Read a trained run.

    Args:
        directory: of the run.
        device: ``auto``, ``cpu`` or ``cuda``, if not the run's own.
        data_dir: of its data set, if not the run's own.
        hardware: accelerator to judge it on, if not the run's own.

    Raises:
        RunDirectoryError: no run, or one that was not trained.
        VerificationError: a damaged file.
    """
    given = read_run(directory)
    run = plan(read_settings(None, given.config, device=device, data_dir=data_dir, hardware=hardware))
    from neuronas.training.trained import load_trained

    settings, chosen = run.config, device_named(run.config.device)
    trained = load_trained(directory, given.architecture, run.shape, settings.network, settings.train, chosen)
    return TrainedRun(directory, run, given.architecture, trained, chosen)
