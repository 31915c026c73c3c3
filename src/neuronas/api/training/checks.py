"""Checks of whether a run may be trained, or trained further, with given settings."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuronas.api.setup.compose import plan
from neuronas.api.setup.dataset_settings import DATA_SET
from neuronas.api.setup.devices import check_device
from neuronas.api.setup.plan import Plan
from neuronas.api.training.teacher import TeacherRun, teacher_of
from neuronas.config import SETTINGS, Setting, TrainConfig, given as checked, is_there, value_at
from neuronas.data.datasets import check_described
from neuronas.errors import ConfigurationError, RunDirectoryError
from neuronas.runs.architectures import read_architecture
from neuronas.runs.config_file import read_config
from neuronas.runs.directory import ARCHITECTURE, CHECKPOINTS, CONFIG
from neuronas.runs.environment import ENVIRONMENT, Environment
from neuronas.runs.identity import differences
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.training.recipes import check_training

_SHAPING = ("space", "data", "network")
"""Settings, or sections, that determine the network and its training images."""
_FREE = ("data.name", "data.data_dir", "data.class_names", "data.skip_corrupt", "data.n_test")
NOT_LEARNED = {"device", "tensorboard"}
"""Settings of training that do not affect its result."""


def learned_with(settings: TrainConfig, teacher: TeacherRun | None) -> dict[str, Any]:
    """Training settings that determine the result; for a teacher, the digest of its weights, not its directory.

    Newer settings are left out if they have no effect, so that trainings that were started without them can be
    continued.
    """
    unused = {"activation_bits"} if settings.activation_bits is None else set()
    unused |= {"teacher", "teacher_share"} if teacher is None else set()
    found = settings.model_dump(exclude=NOT_LEARNED | unused)
    return found if teacher is None else found | {"teacher": teacher.digest}


def check_settings(run: Plan) -> TeacherRun | None:
    """Refuse training settings that cannot be combined or do not suit the images, and a device that is not available.

    Returns:
        The teacher, if there is one.

    Raises:
        ConfigurationError: the message names the settings.
        RunDirectoryError: the teacher was not trained.
        VerificationError: the teacher is damaged.
    """
    settings = run.config.train
    check_training(settings)
    if settings.cutout >= min(run.shape.image_size):
        raise ConfigurationError(
            f"cutout {settings.cutout} given for images of side {min(run.shape.image_size)}; expected fewer pixels: "
            "it would blank whole images"
        )
    check_device(settings.device)
    return teacher_of(run)


def check_own(run: Plan, directory: Path) -> None:
    """Refuse settings or images that change the network of a run that is to be trained in its own directory.

    Raises:
        ConfigurationError: the message names the setting, or the data set.
        VerificationError: the data set has other classes.
    """
    for setting, was, now in _changed(run, directory, _SHAPING):
        raise ConfigurationError(
            f"{setting.flag} {now} differs from the run's own {was}; add --out DIR to train it there"
        )
    check_described(run.config.data, run.dataset)
    if was_fingerprint := _other_images(run, directory):
        stored = value_at(read_config(directory / CONFIG), "data.name")
        raise ConfigurationError(
            f"data set {run.config.data.name} ({run.dataset.fingerprint}) differs from the run's own, {stored} "
            f"({was_fingerprint}); add --out DIR to train it there"
        )


def check_twin(run: Plan, architecture: Architecture, directory: Path, of: Path) -> None:
    """Refuse a run in the directory of a twin that is another network, or was trained differently.

    Args:
        run: settings of the twin's training.
        architecture: architecture of the twin.
        directory: existing run.
        of: trained run that it is compared with; with a teacher, both must have the same teacher weights.

    Raises:
        ConfigurationError: the message names the first difference.
        VerificationError: a checkpoint is damaged.
    """
    from neuronas.training.checkpoint import LAST, teacher_digest

    again = "rename or remove it, and evaluate --twin trains the twin anew"
    where = f"run directory {directory}: is not the twin of this run"
    if is_there(directory / ARCHITECTURE):
        own = read_architecture(directory).architecture
        if own.expanded(run.shape.n_cells) != architecture.expanded(run.shape.n_cells):
            raise ConfigurationError(f"{where}: its architecture is {format_architecture(own)}; {again}")
    for setting, was, now in _changed(run, directory, (*_SHAPING, "train")):
        raise ConfigurationError(f"{where}: {setting.path} is {was}, expected {now}; {again}")
    if run.config.train.teacher is not None and is_there(directory / CHECKPOINTS / LAST):
        theirs, ours = teacher_digest(directory), teacher_digest(of)
        if theirs != ours:
            raise ConfigurationError(f"{where}: its teacher had weights {theirs}, expected {ours}; {again}")
    if was_fingerprint := _other_images(run, directory):
        raise ConfigurationError(
            f"{where}: its images are {was_fingerprint}, expected {run.dataset.fingerprint}; {again}"
        )


def _changed(run: Plan, directory: Path, sections: tuple[str, ...]) -> Iterator[tuple[Setting, Any, Any]]:
    """Settings of these sections that differ from those of a run, with old and new values."""
    stored = plan(checked(read_config(directory / CONFIG), str(directory / CONFIG)), run.copies).config
    before, after = stored.model_dump(), run.config.model_dump()
    free = {*_FREE, *(f"train.{name}" for name in _not_compared(run, before))}
    for path, setting in SETTINGS.items():
        if path.partition(".")[0] in sections and path not in free:
            was, now = value_at(before, path), value_at(after, path)
            if was != now:
                yield setting, was, now


def _not_compared(run: Plan, stored: Mapping[str, Any]) -> set[str]:
    """Settings of training that may differ from stored ones.

    They include the directory of the teacher, but not whether there is one: checkpoints store its weights' digest.
    """
    is_taught = run.config.train.teacher is not None and value_at(stored, "train.teacher") is not None
    return NOT_LEARNED | ({"teacher"} if is_taught else set())


def _other_images(run: Plan, directory: Path) -> str | None:
    """Fingerprint of a run's images, if those of the plan differ."""
    own = Environment.read_if_there(directory / ENVIRONMENT)
    was = own.made_with.get(DATA_SET) if own else None
    return None if was == run.dataset.fingerprint else was


def check_resumed(run: Plan, directory: Path) -> None:
    """Refuse training settings that differ from those of the checkpoint to continue from.

    Raises:
        RunDirectoryError: the message names the first setting that changed.
    """
    stored = checked(read_config(directory / CONFIG), str(directory / CONFIG)).model_dump()
    compared = run.config.train.model_dump(exclude=_not_compared(run, stored))
    changed = differences({"train": compared}, stored)
    if changed:
        raise RunDirectoryError(
            f"run directory {directory}: was trained with other settings: {changed[0]}; leave the option out, or "
            "choose another --out"
        )
