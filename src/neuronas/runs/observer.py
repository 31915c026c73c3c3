"""Progress events of long-running commands, and the observer interface."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from neuronas.errors import ConfigurationError, counted
from neuronas.runs.metrics import Epoch
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture


@dataclass(frozen=True)
class BatchProposed:
    """A search proposed a batch of candidates and computed their costs.

    Attributes:
        number: number of the batch, from 1.
        n_candidates: number of candidates in it.
        n_rejected: number of candidates that violate the budget.
        n_functions: number of distinct functions among the others.
        n_full: number of these functions that are evaluated on the full batch of images.
    """

    number: int
    n_candidates: int
    n_rejected: int
    n_functions: int
    n_full: int

    def __str__(self) -> str:
        """A line for the log."""
        screen = f", of which a screen keeps {self.n_full:,}" if self.n_full < self.n_functions else ""
        return (
            f"batch {self.number}: {counted(self.n_candidates, 'candidate')}, {self.n_rejected:,} break the budget, "
            f"{counted(self.n_functions, 'distinct function')} left{screen}"
        )


@dataclass(frozen=True)
class CandidateEvaluated:
    """A search computed the fitness of a candidate.

    Attributes:
        architecture: the candidate.
        fitness: its fitness.
        screened: whether it was computed on the small batch, where fitness has another scale.
        is_best: whether it is the fittest so far on the full batch.
    """

    architecture: Architecture
    fitness: float
    screened: bool
    is_best: bool

    def __str__(self) -> str:
        """A line for the log."""
        return f"fitness {self.fitness:.6f}: {format_architecture(self.architecture)}"


@dataclass(frozen=True)
class CandidateFailed:
    """The fitness of a candidate could not be computed; the search continues without it."""

    architecture: Architecture
    reason: str

    def __str__(self) -> str:
        """A line for the log."""
        return f"no fitness for {format_architecture(self.architecture)}: {self.reason}"


@dataclass(frozen=True)
class EpochEnded:
    """An epoch of a training ended; ``row`` is its line in ``metrics.jsonl``."""

    row: Epoch
    n_epochs: int

    def __str__(self) -> str:
        """A line for the log."""
        row = self.row
        validation = "" if row.validation_accuracy is None else f", validation {row.validation_accuracy:.1%}"
        return (
            f"epoch {row.epoch} of {self.n_epochs}: loss {row.train_loss:.4f}, train {row.train_accuracy:.1%}"
            f"{validation}"
        )


@dataclass(frozen=True)
class RunEnded:
    """A search or a training of an experiment ended; ``text``: its name and its result."""

    text: str

    def __str__(self) -> str:
        """A line for the log."""
        return self.text


@dataclass(frozen=True)
class FinalistTrained:
    """A finalist finished a rung.

    Attributes:
        rank: rank of the finalist by fitness, from 1.
        architecture: its text.
        rung: number of the rung, from 1.
        n_rungs: number of rungs.
        epochs: total number of epochs of the finalist.
        accuracy: validation accuracy; None: its training failed.
        interval_95: Wilson's 95 % interval of the accuracy.
    """

    rank: int
    architecture: str
    rung: int
    n_rungs: int
    epochs: int
    accuracy: float | None
    interval_95: tuple[float, float] | None

    def __str__(self) -> str:
        """A line for the log."""
        said = "failed"
        if self.accuracy is not None and self.interval_95 is not None:
            low, high = self.interval_95
            said = f"validation {self.accuracy:.1%} ({low:.1%} to {high:.1%})"
        return f"rung {self.rung} of {self.n_rungs}, finalist {self.rank}, epoch {self.epochs}: {said}"


Detail = BatchProposed | CandidateEvaluated | CandidateFailed | EpochEnded | RunEnded | FinalistTrained


@dataclass(frozen=True)
class Started:
    """A command starts.

    Attributes:
        verb: ``design``, ``search``, ``train``, ``evaluate``, ``chips``, ``predict``, ``export`` or ``reproduce``;
            ``scan``: images in files are checked before a search or a training; ``finalists``: finalists are trained
            after the evaluations of a search.
        directory: run directory.
        unit: unit of progress: ``candidates``, ``images``, ``chips``, ``steps``, ``runs`` or, for a design, ``%``.
        total: total number; None: not known yet.
        n_before: number finished in earlier sessions.
    """

    verb: str
    directory: Path
    unit: str
    total: int | None
    n_before: int = 0


@dataclass(frozen=True)
class Advanced:
    """A command made progress.

    Attributes:
        verb: see ``Started``.
        directory: run directory.
        unit: see ``Started``.
        done: number finished, including earlier sessions.
        total: total number; for a search, an estimate that changes. None: not known yet.
        n_before: how many of ``done`` were finished before this session.
        seconds: seconds since ``Started``.
        part: description of the current part, such as ``epoch 3 of 60``.
        values: numbers to log, by name, such as ``fitness`` or ``train_loss``.
        detail: further details, if any.
        first: number of pieces finished in the first step of this session, and seconds until then. The first step
            includes common work (reading data, starting workers, shared layers) and is excluded from the estimate of
            the remaining time. None: not known; the estimate then uses all pieces.
    """

    verb: str
    directory: Path
    unit: str
    done: int
    total: int | None
    n_before: int
    seconds: float
    part: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    detail: Detail | None = None
    first: tuple[int, float] | None = None

    @property
    def rate(self) -> float:
        """Units per second in this session."""
        return (self.done - self.n_before) / max(self.seconds, 1e-9)

    @property
    def n_observed(self) -> int:
        """Number of pieces used to estimate the remaining time: those after the first step of this session."""
        return self.done - self.n_before - (self.first[0] if self.first else 0)

    @property
    def seconds_observed(self) -> float:
        """Seconds for ``n_observed`` pieces."""
        return self.seconds - (self.first[1] if self.first else 0.0)

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining seconds, at the rate since the first step; None if not known yet."""
        if self.total is None or self.n_observed <= 0:
            return None
        return max(0, self.total - self.done) * max(self.seconds_observed, 1e-9) / self.n_observed


@dataclass(frozen=True)
class Finished:
    """A command finished.

    Attributes:
        verb: see ``Started``.
        directory: run directory.
        result: return value of the function: ``SearchResult``, ``TrainingResult``, ``Evaluation``, ….
        seconds: seconds since ``Started``.
    """

    verb: str
    directory: Path
    result: object
    seconds: float


class Observer(Protocol):
    """Follows the progress of any command: ``search``, ``train``, ``evaluate``, ``evaluate_on_chips``, ``predict``,
    ``export``, ``design``, ``design_front``.

    Each method is called in the process and thread of the caller. An exception in a method stops the work, which can
    be resumed. ``finished`` is not called if the work fails. Methods that a subclass does not define do nothing.
    """

    def started(self, event: Started) -> None:
        """Called when a command starts; its settings are in ``config.yaml`` of the run."""
        return

    def progress(self, event: Advanced) -> None:
        """Called often, when work is finished; ``event.detail`` has details, if any."""
        return

    def finished(self, event: Finished) -> None:
        """Called when a command has finished."""
        return


_METHODS = tuple(name for name, value in vars(Observer).items() if callable(value) and not name.startswith("_"))


def check_observer(given: object) -> None:
    """Check that an object is an observer; None means no observer.

    Raises:
        ConfigurationError: a method is missing; the message names it.
    """
    if given is None:
        return
    expected = f"expected an object with the methods {', '.join(_METHODS)}, such as neuronas.ProgressBar()"
    if isinstance(given, type):
        raise ConfigurationError(f"observer: the class {given.__name__} given; {expected}: call the class")
    missing = [name for name in _METHODS if not callable(getattr(given, name, None))]
    if missing:
        raise ConfigurationError(
            f"observer {given!r:.60} given, which has no method {' and no method '.join(missing)}; {expected}"
        )
