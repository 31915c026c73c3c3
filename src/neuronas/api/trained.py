"""A trained run, read back whole: its settings, its architecture, its network. ``neuronas.load`` is here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuronas.api.compose import Plan
from neuronas.api.devices import device_named
from neuronas.api.settings import planned
from neuronas.data.datasets import check_described
from neuronas.runs.architectures import read_architecture_of
from neuronas.space.genotype import Architecture

if TYPE_CHECKING:
    import torch

    from neuronas.training.build import TrainedNetwork
    from neuronas.training.images import Images

_TEST_DRAW = 0
"""Random seed of the draw of test images, the same for all runs."""


@dataclass(frozen=True)
class TrainedRun:
    """A run directory that holds a trained network."""

    directory: Path
    plan: Plan
    architecture: Architecture
    trained: "TrainedNetwork"
    device: "torch.device"

    def images(self, split: str) -> "Images":
        """Images of its data set, ``train`` or ``test``."""
        return read_images(self.plan, split)


def read_images(run: Plan, split: str) -> "Images":
    """Read the images that a run names, as many of them as it says.

    Args:
        run: names the data set.
        split: ``train`` or ``test``.

    Raises:
        DataError: they are not there, cannot be read, or have more or fewer classes than the network.
        VerificationError: they have other classes.
    """
    from neuronas.training.images import Images, drawn

    data, train = run.config.data, run.config.train
    check_described(data, run.dataset)
    source = run.dataset.load(split, run.shape.image_size)
    chosen = drawn(source, train.n_images, train.seed) if split == "train" else drawn(source, data.n_test, _TEST_DRAW)
    return Images(chosen, data.mean, data.std, skip_corrupt=data.skip_corrupt)


def read_trained(
    directory: Path, options: Mapping[str, Any] | None = None, assignments: Iterable[str] = ()
) -> TrainedRun:
    """Read a trained run.

    Args:
        directory: of the run.
        options: settings that are not the run's own, by keyword.
        assignments: the same as ``section.key=value`` texts.

    Raises:
        RunDirectoryError: no run, or one that was not trained.
        VerificationError: a damaged file.
    """
    given = read_architecture_of(directory)
    run = planned("evaluate", options or {}, assignments=assignments, run=given.run)
    from neuronas.training.build import load_trained

    settings, chosen = run.config, device_named(run.config.device)
    trained = load_trained(directory, given.architecture, run.shape, settings.network, settings.train, chosen)
    return TrainedRun(directory, run, given.architecture, trained, chosen)
