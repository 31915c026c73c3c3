"""Reading of trained runs: settings, architecture and network. ``neuronas.load`` is here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuronas.api.setup.devices import device_named
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import gathered, planned
from neuronas.config import SETTINGS, value_at, written
from neuronas.data.datasets import check_described
from neuronas.errors import ConfigurationError, quoted
from neuronas.runs.architectures import read_architecture_of
from neuronas.runs.config_file import read_config
from neuronas.runs.directory import CHECKPOINTS, CONFIG, TRAINING, log
from neuronas.runs.results import TrainingResult
from neuronas.space.genotype import Architecture

if TYPE_CHECKING:
    import torch

    from neuronas.snn.classifier import Classifier
    from neuronas.training.build import TrainedNetwork
    from neuronas.training.images import Images

_N_CALIBRATION = 128
"""Number of training images for calibrating gains and converters and for measuring layers."""
_TEST_DRAW = 0
"""Random seed for drawing test images, the same for all runs."""


@dataclass(frozen=True)
class TrainedRun:
    """A run directory that holds a trained network."""

    directory: Path
    plan: Plan
    architecture: Architecture
    trained: "TrainedNetwork"
    device: "torch.device"

    @property
    def name(self) -> str:
        """Name of the subject of a measurement: the run directory."""
        return str(self.directory)

    @property
    def network(self) -> "Classifier":
        """The network with its best weights."""
        return self.trained.network

    @property
    def digest(self) -> bytes:
        """Digest of the weights."""
        from neuronas.training.checkpoint import BEST

        return blake2b((self.directory / CHECKPOINTS / BEST).read_bytes(), digest_size=16).digest()

    def images(self, split: str, at_most: int | None = None) -> "Images":
        """Images of split ``train`` or ``test``; of ``test`` at most ``at_most``, or the number in the settings."""
        return read_images(self.plan, split, at_most)


def read_images(run: Plan, split: str, at_most: int | None = None) -> "Images":
    """Read the images of a run, in the number given by its settings.

    Args:
        run: settings with the data set.
        split: ``train`` or ``test``.
        at_most: number of ``test`` images, the same share of each class; None: the number in the settings.

    Raises:
        DataError: images are missing, cannot be read, or do not have the network's number of classes.
        VerificationError: the images have other classes.
    """
    from neuronas.training.images import Images, drawn

    data, train = run.config.data, run.config.train
    check_described(data, run.dataset)
    source = run.dataset.load(split, run.shape.image_size)
    chosen = (
        drawn(source, train.n_images, train.seed)
        if split == "train"
        else drawn(source, at_most or data.n_test, _TEST_DRAW)
    )
    return Images(chosen, data.mean, data.std, skip_corrupt=data.skip_corrupt)


def calibration_images(training: "Images", seed: int, device: "torch.device") -> "torch.Tensor":
    """Training images, prepared for the network, for the calibration of chips; drawn with the chips' random seed."""
    import numpy as np

    chosen = np.random.default_rng([seed, 5]).permutation(len(training))[:_N_CALIBRATION]
    return training.shown(np.sort(chosen), device)


def read_trained(
    directory: Path, options: Mapping[str, Any] | None = None, assignments: Iterable[str] = (), verb: str = "evaluate"
) -> TrainedRun:
    """Read a trained run.

    Args:
        directory: run directory.
        options: settings that may differ from the run's own, by keyword.
        assignments: settings as ``section.key=value`` texts.
        verb: command of the options.

    Raises:
        ConfigurationError: a setting would change the trained network.
        RunDirectoryError: the directory holds no run, or the run was not trained.
        VerificationError: a file is damaged.
    """
    given = read_architecture_of(directory)
    assignments = tuple(assignments)
    check_unchanged(directory, options or {}, assignments, verb)
    run = planned(verb, options or {}, assignments=assignments, run=given.run)
    from neuronas.training.build import load_trained

    settings, chosen = run.config, device_named(run.config.device)
    trained = load_trained(directory, given.architecture, run.shape, settings.network, settings.train, chosen)
    if not TrainingResult.is_finished(directory / TRAINING):
        log.warning(
            "run %s: its training is not finished; these are the weights of epoch %s of %s; continue with: "
            "neuronas train %s --resume", directory, trained.epoch, settings.train.epochs, quoted(directory),
        )  # fmt: skip
    return TrainedRun(directory, run, given.architecture, trained, chosen)


_SHAPES_NETWORK = ("space", "network.", "train.")
"""Beginnings of the names of settings on which a trained network depends."""
_PLACES = ("train.teacher",)
"""Exceptions: runs that may have been moved, which are compared by their weights."""
_INPUTS = (
    "data.image_side", "data.image_channels", "data.sequence", "data.n_classes", "data.class_names", "data.mean",
    "data.std", "chip.activation_bits",
)  # fmt: skip
"""Other settings on which it depends."""


def check_unchanged(
    directory: Path, options: Mapping[str, Any], assignments: Iterable[str] = (), verb: str = "evaluate"
) -> None:
    """Refuse settings that would change the network of a trained run, or which images it was trained on.

    Args:
        directory: run directory.
        options: settings by keyword.
        assignments: settings as ``section.key=value`` texts.
        verb: command of the options.

    Raises:
        ConfigurationError: the message names the first setting that differs from the run's own.
    """
    own = read_config(directory / CONFIG)
    before, after = (
        written(gathered(verb, given, own, assigned, str(directory)))
        for given, assigned in (({}, ()), (options, assignments))
    )
    for path, setting in SETTINGS.items():
        is_fixed = (path.startswith(_SHAPES_NETWORK) and path not in _PLACES) or path in _INPUTS
        if not is_fixed or value_at(before, path) == (value := value_at(after, path)):
            continue
        if verb in setting.meaning.verbs:
            raise ConfigurationError(
                f"{setting.flag} given with run {directory}, whose network is trained; expected it with a network of "
                "your own: an .onnx or .nir file, or an nn.Module"
            )
        raise ConfigurationError(
            f"{path}={value} given with run {directory}, whose network is trained; leave it out, or train another run "
            "with it"
        )
