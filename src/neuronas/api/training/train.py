"""Training of an architecture at the chip's weight precision."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from neuronas.api.setup.devices import device_named
from neuronas.api.setup.images import prepare_images, scan_of
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import Config, is_resumed, planned
from neuronas.api.setup.trained import read_images
from neuronas.api.training.checks import check_own, check_resumed, check_settings, learned_with
from neuronas.api.training.learning import begin_training
from neuronas.api.training.teacher import TeacherRun
from neuronas.config import as_path, is_there
from neuronas.data.counts import check_batch, drawn_of, split_of
from neuronas.errors import RunDirectoryError
from neuronas.runs.architectures import ArchitectureFile, Given, read_architecture
from neuronas.runs.config_file import write_config
from neuronas.runs.directory import (
    ARCHITECTURE,
    CHECKPOINTS,
    CONFIG,
    TRAINING,
    RunDirectory,
    already_holds,
    log,
    new_directory,
)
from neuronas.runs.identity import identity
from neuronas.runs.observer import Observer
from neuronas.runs.results import TrainingResult
from neuronas.runs.work import Work, deadline_in
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.layer_bits import graph_bits
from neuronas.space.lowering import lower
from neuronas.space.notation import format_architecture

if TYPE_CHECKING:
    from neuronas.training.distributed import Process


@dataclass(frozen=True)
class Training:
    """A planned training.

    Attributes:
        given: architecture.
        directory: run directory.
        plan: complete settings, and the objects that they name.
        resume: continue from the last checkpoint.
        teacher: run whose class probabilities are learned besides the labels.
    """

    given: Given
    directory: Path
    plan: Plan
    resume: bool
    teacher: TeacherRun | None

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint to continue from."""
        return has_checkpoint(self.directory)

    def check(self, by_class: Sequence[int] | None) -> None:
        """Raise the error of ``run``, if it is known before an image is read; nothing is written.

        Args:
            by_class: number of training images of each class; None: not known.
        """
        settings = self.plan.config.train
        if by_class is not None:
            n_training, _ = split_of(drawn_of(by_class, settings.n_images), settings.validation_share)
            check_batch(n_training, settings.batch_size)
        self._files().check()
        self._check_own()

    def _files(self) -> RunDirectory:
        """The run directory; the run exists already after a search, or after an interrupted training."""
        is_begun = (self.directory / CONFIG).is_file()
        return RunDirectory(self.directory, self.plan.origin, resume=is_begun or self.resume)

    def run(
        self, observer: Observer | None = None, *, download: bool = False, max_minutes: float | None = None
    ) -> TrainingResult:
        """Train to the end.

        Args:
            observer: observer of the progress, in the first process only.
            download: download the data set if it is missing.
            max_minutes: stop after this time with a checkpoint; ``resume`` continues.

        Raises:
            RunDirectoryError: another process uses the directory; it holds checkpoints although ``resume`` is false, or
                no run to resume; it belongs to another architecture.
            DataError: images are missing, damaged or too few.
            DivergedError: the loss is not finite.
        """
        from neuronas.training.distributed import joined

        settings, deadline = self.plan.config.train, deadline_in(max_minutes)
        with joined(device_named(settings.device), settings.batch_size) as process:
            if process.rank:
                process.wait_for_others()  # until the first process has the data set
                return self._work(process, Work("train", self.directory, "images", logs=False), deadline)
            prepare_images(self.plan, scan_of(self.directory, observer), download=download)
            process.wait_for_others()
            with self._files() as files:
                self._check_own()
                if not is_there(files.file(ARCHITECTURE)):
                    ArchitectureFile.of(self.given.architecture).write(files.file(ARCHITECTURE))
                finished = TrainingResult.read_if_there(files.file(TRAINING))
                work = Work("train", self.directory, "images", observer)
                result = self._work(process, work, deadline)
                if finished is not None and finished.is_of(result.epochs) and not result.out_of_time:
                    # Nothing was left to train: earlier measurements remain valid.
                    kept = ("seconds", "dead_outputs", "silent_layers")
                    result = result.model_copy(update={name: getattr(finished, name) for name in kept})
                result.write(files.file(TRAINING))
                work.finish(result)
                return result

    def _check_own(self) -> None:
        """Refuse a directory whose training would be lost, or that belongs to another architecture."""
        if (self.directory / CHECKPOINTS).exists() and not self.resume:
            raise already_holds(self.directory, "checkpoints")
        if not is_there(self.directory / ARCHITECTURE):
            return
        own, n_cells = read_architecture(self.directory / ARCHITECTURE).architecture, self.plan.shape.n_cells
        if own.expanded(n_cells) != self.given.architecture.expanded(n_cells):
            raise RunDirectoryError(
                f"run directory {self.directory}: belongs to another architecture, {format_architecture(own)}; choose "
                "another --out"
            )

    def _work(self, process: "Process", work: Work, deadline: float) -> TrainingResult:
        from neuronas.training.images import stratified_split

        started = perf_counter()
        run, settings, architecture = self.plan, self.plan.config.train, self.given.architecture
        images = read_images(run, "train")
        split = stratified_split(images.labels, settings.validation_share, settings.seed)
        trainer = begin_training(
            run, architecture, images, split, self.directory, self.identity, process, self.teacher, resume=self.resume
        )
        if not process.rank:  # not earlier: refused settings must not be stored in the run
            write_config(self.directory / CONFIG, run.config)
        done = trainer.run(work, deadline)
        if not process.rank:
            _say_what_is_dead(trainer.dead, trainer.silent)
        return TrainingResult(
            directory=self.directory,
            epochs=done.epoch,
            best_epoch=max(0, done.best_epoch),
            validation_accuracy=done.best_accuracy if len(split.validation) and done.best_epoch > 0 else None,
            n_training=len(split.training),
            n_validation=len(split.validation),
            seed=settings.seed,
            seconds=round(perf_counter() - started, 3),
            dead_outputs=trainer.dead,
            silent_layers=trainer.silent,
            stopped_early=trainer.is_stopped and done.epoch < settings.epochs,
            out_of_time=trainer.is_out_of_time,
        )

    @property
    def identity(self) -> str:
        """Key of everything that determines the result of the training."""
        run = self.plan
        settings = learned_with(run.config.train, self.teacher)
        parts = (run.space, architecture_key(self.given.architecture), run.dataset.fingerprint, settings)
        return identity(run.config, *parts)


def has_checkpoint(directory: Path) -> bool:
    """Whether a run can be trained further."""
    from neuronas.training.checkpoint import LAST

    return is_there(directory / CHECKPOINTS / LAST)


def _say_what_is_dead(dead: Mapping[str, int], silent: Sequence[str]) -> None:
    """Warn about parts of the trained network whose output does not depend on the image."""
    if dead:
        where = ", ".join(f"{name} {n}" for name, n in dead.items())
        log.warning("dead outputs, all of whose weights are 0 at this precision: %s; see docs/training.md", where)
    if silent:
        log.warning("layers without a single spike: %s; see docs/training.md", ", ".join(silent))


def train(
    architecture: Architecture | str | PathLike[str],
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool | str = False,
    download: bool = False,
    max_minutes: float | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> TrainingResult:
    """Train an architecture with surrogate gradients and quantised weights; a run is trained in its own directory.

    Args:
        architecture: its text, an ``architecture.json``, or the directory of a run.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        out: directory to write to; default: the run's own, or a new one under ``runs``.
        resume: resume the training in the directory; ``"auto"``: if there is a checkpoint, so that a notebook cell can
            be run again.
        download: download the data set if it is missing.
        max_minutes: stop after this time with a checkpoint; ``resume`` continues.
        observer: observer of the progress.
        **options: settings by keyword (docs/reference/settings.md).

    Raises:
        NeuronasError: see ``plan_training`` and ``Training.run``.
    """
    found = plan_training(architecture, options, config=config, assignments=assignments, out=out, resume=resume)
    return found.run(observer, download=download, max_minutes=max_minutes)


def plan_training(
    architecture: Architecture | str | PathLike[str],
    options: Mapping[str, Any],
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool | str = False,
    warns: bool = True,
) -> Training:
    """Check everything that can be checked before an image is read.

    Args:
        architecture: see ``train``.
        options: settings by keyword.
        config: see ``train``.
        assignments: see ``train``.
        out: see ``train``.
        resume: see ``train``.
        warns: whether to warn of settings without effect; False for settings that several trainings share.

    Raises:
        ConfigurationError: an option, name or value is unknown, weight bits do not match the layers, options change the
            run's own network, or the device is not available.
        ArchitectureError: the argument is neither an architecture nor a path.
        VerificationError: a file is damaged.
    """
    given = read_architecture(architecture)
    own, place = given.run, as_path(out, "--out") if out is not None else None
    home = place or given.run
    going_on = is_resumed(resume, lambda: home is not None and has_checkpoint(home))
    if place is not None and going_on and (place / CONFIG).is_file():
        own = place
    run = planned("train", options, config=config, assignments=assignments, run=own, resume=going_on, warns=warns)
    if place is not None:
        directory = place
    elif given.run is None:
        directory = new_directory(run.config.data.name, "train")
    else:
        directory = given.run
        check_own(run, directory)
    teacher = check_settings(run)
    graph_bits(run.config.network.weight_bits, lower(given.architecture, run.shape))
    training = Training(given, directory, run, going_on, teacher)
    if going_on and training.has_checkpoint and (directory / CONFIG).is_file():
        check_resumed(run, directory)
    return training
