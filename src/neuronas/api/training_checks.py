"""Whether a run may be trained, or trained further, with these settings."""

from pathlib import Path

from neuronas.api.compose import DATA_SET, Plan, plan
from neuronas.api.devices import check_device
from neuronas.config import SETTINGS, value_at
from neuronas.config import given as checked
from neuronas.data.datasets import check_described
from neuronas.errors import ConfigurationError, RunDirectoryError
from neuronas.runs.config_file import read_config
from neuronas.runs.directory import CONFIG, differences
from neuronas.runs.environment import ENVIRONMENT, Environment
from neuronas.training.recipes import check_training

_SHAPING = ("space", "data", "network")
"""Settings, or sections of them, that decide what network is trained on what."""
_FREE = ("data.name", "data.data_dir", "data.class_names", "data.skip_corrupt", "data.n_test")
NOT_LEARNED = {"device", "tensorboard"}
"""Settings of training that do not change what is learned."""


def check_settings(run: Plan) -> None:
    """Refuse settings of training that cannot be combined or do not suit the images, and a device that is not there.

    Raises:
        ConfigurationError: names the settings.
    """
    settings = run.config.train
    check_training(settings)
    if settings.cutout >= min(run.shape.image_size):
        raise ConfigurationError(
            f"cutout {settings.cutout} given for images of side {min(run.shape.image_size)}; expected fewer pixels: "
            "it would blank whole images"
        )
    check_device(settings.device)


def check_own(run: Plan, directory: Path) -> None:
    """Refuse settings that change the network of a run that is to be trained in its own directory, and other images.

    Raises:
        ConfigurationError: names the setting, or the data set.
        VerificationError: the data set has other classes.
    """
    stored = plan(checked(read_config(directory / CONFIG), str(directory / CONFIG)), run.copies).config
    for path, setting in SETTINGS.items():
        if path.partition(".")[0] not in _SHAPING or path in _FREE:
            continue
        was, now = value_at(stored.model_dump(), path), value_at(run.config.model_dump(), path)
        if was != now:
            raise ConfigurationError(
                f"{setting.flag} {now} differs from the run's own {was}; add --out DIR to train it there"
            )
    check_described(run.config.data, run.dataset)
    own = Environment.read_if_there(directory / ENVIRONMENT)
    was, now = own.made_with.get(DATA_SET) if own else None, run.dataset.fingerprint
    if was not in (None, now):
        raise ConfigurationError(
            f"data set {run.config.data.name} ({now}) differs from the run's own, {stored.data.name} ({was}); add "
            "--out DIR to train it there"
        )


def check_resumed(run: Plan, directory: Path) -> None:
    """Refuse other settings of training than those of the checkpoint that is to be continued from.

    Raises:
        RunDirectoryError: names the first setting that changed.
    """
    stored = checked(read_config(directory / CONFIG), str(directory / CONFIG)).model_dump()
    changed = differences({"train": run.config.train.model_dump(exclude=NOT_LEARNED)}, stored)
    if changed:
        raise RunDirectoryError(
            f"run directory {directory}: was trained with other settings: {changed[0]}; leave the option out, or "
            "choose another --out"
        )
