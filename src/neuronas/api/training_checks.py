"""Whether a run may be trained, or trained further, with these settings."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuronas.api.compose import Plan, plan
from neuronas.api.dataset_settings import DATA_SET
from neuronas.api.devices import check_device
from neuronas.api.teacher import TeacherRun, teacher_of
from neuronas.config import SETTINGS, Setting, TrainConfig, is_there, value_at
from neuronas.config import given as checked
from neuronas.data.datasets import check_described
from neuronas.errors import ConfigurationError, RunDirectoryError
from neuronas.runs.architectures import read_architecture
from neuronas.runs.config_file import read_config
from neuronas.runs.directory import ARCHITECTURE, CHECKPOINTS, CONFIG, differences
from neuronas.runs.environment import ENVIRONMENT, Environment
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.training.recipes import check_training

_SHAPING = ("space", "data", "network")
"""Settings, or sections of them, that decide what network is trained on what."""
_FREE = ("data.name", "data.data_dir", "data.class_names", "data.skip_corrupt", "data.n_test")
NOT_LEARNED = {"device", "tensorboard"}
"""Settings of training that do not change what is learned."""


def learned_with(settings: TrainConfig, teacher: TeacherRun | None) -> dict[str, Any]:
    """What of the settings of training decides what is learned; of a teacher its weights, wherever they lie.

    Settings that are newer than the identity of a training are left out where they change nothing, so that what was
    begun without them can be continued.
    """
    unused = {"activation_bits"} if settings.activation_bits is None else set()
    unused |= {"teacher", "teacher_share"} if teacher is None else set()
    found = settings.model_dump(exclude=NOT_LEARNED | unused)
    return found if teacher is None else found | {"teacher": teacher.digest}


def check_settings(run: Plan) -> TeacherRun | None:
    """Refuse settings of training that cannot be combined or do not suit the images, and a device that is not there.

    Returns:
        the run that is learned from beside the labels, if there is one.

    Raises:
        ConfigurationError: names the settings.
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
    """Refuse settings that change the network of a run that is to be trained in its own directory, and other images.

    Raises:
        ConfigurationError: names the setting, or the data set.
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
    """Refuse a run where a twin would be trained that is another network, or was trained otherwise.

    Args:
        run: as the twin is to be trained.
        architecture: of the twin.
        directory: the run that is there.
        of: the trained run that it is compared with; both learned from the same weights, if from a teacher.

    Raises:
        ConfigurationError: names the first difference.
        VerificationError: a damaged checkpoint.
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
    """Settings of these sections that differ from those of a run: what they were, and what they are now."""
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

    Among them is where the teacher lies, but not whether there is one: checkpoints say what weights it had.
    """
    is_taught = run.config.train.teacher is not None and value_at(stored, "train.teacher") is not None
    return NOT_LEARNED | ({"teacher"} if is_taught else set())


def _other_images(run: Plan, directory: Path) -> str | None:
    """Fingerprint of the images that a run was made with, if those of the plan are others."""
    own = Environment.read_if_there(directory / ENVIRONMENT)
    was = own.made_with.get(DATA_SET) if own else None
    return None if was == run.dataset.fingerprint else was


def check_resumed(run: Plan, directory: Path) -> None:
    """Refuse other settings of training than those of the checkpoint that is to be continued from.

    Raises:
        RunDirectoryError: names the first setting that changed.
    """
    stored = checked(read_config(directory / CONFIG), str(directory / CONFIG)).model_dump()
    compared = run.config.train.model_dump(exclude=_not_compared(run, stored))
    changed = differences({"train": compared}, stored)
    if changed:
        raise RunDirectoryError(
            f"run directory {directory}: was trained with other settings: {changed[0]}; leave the option out, or "
            "choose another --out"
        )
