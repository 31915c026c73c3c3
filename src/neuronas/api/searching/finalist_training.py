"""Training of the finalists of a search by successive halving.

Each rung resumes the trainings of the previous rung. In every rung the learning rate is that of one training over all
epochs of the last rung. So resuming from a checkpoint gives that training, bit for bit; all finalists of a rung are
compared at the same point of it, and those of the last rung at its end, where the rate is 0. The averaged weights
(``train.ema``) are compared, which depend less on the high learning rate of the early rungs.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from neuronas.api.setup.devices import device_named
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.trained import read_images
from neuronas.api.training.learning import begin_training
from neuronas.api.training.teacher import TeacherRun
from neuronas.config import TrainConfig
from neuronas.data.counts import split_of
from neuronas.errors import DataError, DivergedError, RunDirectoryError, VerificationError, writing
from neuronas.runs.directory import CHECKPOINTS, log
from neuronas.runs.finalists import FINALISTS, FOLDER, Finalist, FinalistChoice, finalist_folder
from neuronas.runs.identity import identity
from neuronas.runs.metrics import METRICS, read_epochs
from neuronas.runs.observer import FinalistTrained
from neuronas.runs.work import Work
from neuronas.space.notation import parse_architecture

if TYPE_CHECKING:
    from neuronas.training.images import Images, Split


@dataclass
class Finals:
    """Trains finalists; each rung continues the previous one.

    Attributes:
        plan: see ``learning_plan``.
        directory: run directory.
        choice: finalists and their accuracies so far; written after each step.
        teacher: run whose class probabilities they learn besides the labels.
        is_new: the run holds no training of these finalists yet; existing files belong to other settings.
        is_out_of_time: the deadline passed before the last rung ended.
    """

    plan: Plan
    directory: Path
    choice: FinalistChoice
    teacher: TeacherRun | None = None
    is_new: bool = False
    is_out_of_time: bool = False

    def run(self, work: Work, deadline: float) -> None:
        """Train until the answer is chosen.

        Args:
            work: notified of each step, and of each finalist that ends a rung.
            deadline: time (``time.monotonic``) at which it stops with a checkpoint, after at least one step.

        Raises:
            DataError: images are missing, damaged or too few.
            DivergedError: all finalists of a rung diverged.
            VerificationError: a file is damaged.
        """
        if self.is_new:
            discard_finalists(self.directory)
            counts = enough_images(tuple(Counter(self._images.labels.tolist()).values()), self.plan.config.train)
            update = dict(zip(("n_training", "n_validation"), counts, strict=True))
            self._keep(self.choice.model_copy(update=update))
            self.is_new = False
        self._told = work
        work.start(self.choice.n_epochs * self._per_epoch, self._n_done())
        has_trained = False
        for number in range(len(self.choice.rungs)):
            for finalist in self.choice.members(number):
                if len(finalist.accuracies) > number or finalist.failed is not None:
                    continue
                is_up = has_trained and monotonic() >= deadline
                if is_up or not self._train(finalist, number, deadline):
                    self.is_out_of_time = True
                    return
                has_trained = True
            self.clear()
            if not self.choice.members(number + 1):
                failed = next(one.failed for one in self.choice.finalists if one.failed is not None)
                raise DivergedError(f"all finalists of rung {number + 1} diverged; the first: {failed}")
        work.finish(self.choice)

    def _train(self, finalist: Finalist, number: int, deadline: float) -> bool:
        """Train one finalist to the end of a rung; False: the deadline passed before."""
        from neuronas.training.distributed import Process

        started, choice, rung = perf_counter(), self.choice, self.choice.rungs[number]
        settings, folder = self.plan.config.train, finalist_folder(self.directory, finalist)
        begun = choice.rungs[number - 1].epochs if number else 0
        part = f"rung {number + 1} of {len(choice.rungs)}, finalist {finalist.rank}"
        counting = self._told.counting(part, begun * self._per_epoch)
        inner = Work("train", folder, "images", counting, logs=False)
        plan = self.plan if finalist.setting is None else self.plan.at(finalist.setting)
        key = identity(plan.config, choice.identity, finalist.architecture)
        accuracy, ended = None, finalist
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            trainer = begin_training(
                plan, parse_architecture(finalist.architecture), self._images, self._split, folder, key,
                Process(0, 1, device_named(settings.device)), self.teacher, resume=True,
            )  # fmt: skip
            trainer.run(inner, deadline, until=rung.epochs)
            if trainer.is_out_of_time:
                self._keep(choice.having(finalist, perf_counter() - started))
                return False
            accuracy = _accuracy_after(rung.epochs, folder)
            ended = finalist.model_copy(update={"accuracies": (*finalist.accuracies, accuracy)})
        except DivergedError as error:
            log.warning("finalist %d is left out: %s", finalist.rank, error)
            ended = finalist.model_copy(update={"failed": str(error)})
        self._keep(choice.having(ended, perf_counter() - started))
        interval = None if accuracy is None else choice.interval_95(accuracy)
        told = FinalistTrained(
            finalist.rank, finalist.architecture, number + 1, len(choice.rungs), rung.epochs, accuracy, interval
        )
        values = {} if accuracy is None else {"validation_accuracy": accuracy}
        self._told.advance(0, part, values, told)
        return True

    def clear(self) -> None:
        """Remove the checkpoints of dropped finalists and, after the last rung, of all finalists."""
        kept = () if self.choice.is_complete else self.choice.members(self.choice.n_ended)
        for finalist in self.choice.finalists:
            if finalist not in kept:
                _remove(finalist_folder(self.directory, finalist) / CHECKPOINTS)

    def _keep(self, choice: FinalistChoice) -> None:
        self.choice = choice
        choice.write(self.directory / FINALISTS)

    def _n_done(self) -> int:
        """Number of training images of all finished rungs."""
        choice = self.choice
        return sum(choice.rungs[len(one.accuracies) - 1].epochs for one in choice.finalists if one.accuracies) * (
            self._per_epoch
        )

    @property
    def _per_epoch(self) -> int:
        """Number of training images per epoch: whole batches."""
        size = self.plan.config.train.batch_size
        return self.choice.n_training // size * size

    @cached_property
    def _images(self) -> "Images":
        """Training images, decoded once for all finalists."""
        return read_images(self.plan, "train")

    @cached_property
    def _split(self) -> "Split":
        from neuronas.training.images import stratified_split

        settings = self.plan.config.train
        return stratified_split(self._images.labels, settings.validation_share, settings.seed)


def _accuracy_after(n_epochs: int, folder: Path) -> float | None:
    """Validation accuracy of a finalist after ``n_epochs`` epochs, from its metrics."""
    for one in read_epochs(folder / METRICS):
        if one.epoch == n_epochs:
            return one.validation_accuracy
    raise VerificationError(
        f"{folder / METRICS}: epoch {n_epochs} not found; remove {folder}, and --resume trains this finalist anew"
    )


def enough_images(by_class: Sequence[int], train: TrainConfig) -> tuple[int, int]:
    """Numbers of images that finalists are trained and compared on; see ``check_images``.

    Args:
        by_class: number of their images of each class.
        train: settings of their training.
    """
    n_training, n_validation = split_of(by_class, train.validation_share)
    if n_training < train.batch_size or not n_validation:
        raise DataError(
            f"finalists have {n_training:,} images to learn from and {n_validation:,} to be compared on; expected at "
            f"least {train.batch_size} (train.batch_size) and 1: use more images, or --set train.batch_size=N with a "
            "smaller N"
        )
    return n_training, n_validation


def discard_finalists(directory: Path) -> None:
    """Remove finalists of other settings or candidates from a run, if there are any."""
    if (directory / FINALISTS).exists():
        log.info("finalists of other settings or candidates are discarded")
        (directory / FINALISTS).unlink()
    _remove(directory / FOLDER)


def _remove(folder: Path) -> None:
    """Remove a folder of the run, if it exists; of a link, only the link, since its target does not belong to the run.

    Raises:
        RunDirectoryError: it cannot be removed.
    """
    with writing(folder):
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)


def check_untrained(directory: Path) -> None:
    """Refuse a run whose answer is already trained but could still change.

    Raises:
        RunDirectoryError: the run is such a run.
    """
    if (directory / CHECKPOINTS).exists():
        raise RunDirectoryError(
            f"run directory {directory}: its network is trained, and its finalists, which are not trained to the end, "
            "could choose another one; choose another --out"
        )
