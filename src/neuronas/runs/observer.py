"""What a verb that takes long tells while it works: one kind of observer for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from neuronas.errors import ConfigurationError
from neuronas.runs.epoch import Epoch
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture


@dataclass(frozen=True)
class BatchProposed:
    """A search proposed a batch of candidates and computed their costs.

    Attributes:
        number: of the batch, from 1.
        n_candidates: candidates in it.
        n_rejected: candidates that violate the budget.
        n_functions: distinct functions among the others.
        n_full: how many of these functions are evaluated on the full batch of images.
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
            f"batch {self.number}: {self.n_candidates:,} candidates, {self.n_rejected:,} break the budget, "
            f"{self.n_functions:,} distinct functions left{screen}"
        )


@dataclass(frozen=True)
class CandidateEvaluated:
    """A search computed the fitness of a candidate.

    Attributes:
        architecture: the candidate.
        fitness: its fitness.
        screened: on the small batch, where fitness has another scale.
        is_best: it is the fittest so far on the full batch.
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
    """A search or a training of an experiment ended; ``text``: which, and with what result."""

    text: str

    def __str__(self) -> str:
        """A line for the log."""
        return self.text


@dataclass(frozen=True)
class FinalistTrained:
    """A finalist came to the end of a rung.

    Attributes:
        rank: of the finalist, by fitness, from 1.
        architecture: its text.
        rung: from 1.
        n_rungs: how many there are.
        epochs: that it has been trained for, from the beginning.
        accuracy: on the validation images; None: its training failed.
        interval_95: of the accuracy, by Wilson.
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
    """A verb begins to work.

    Attributes:
        verb: ``design``, ``search``, ``train``, ``evaluate``, ``chips``, ``predict``, ``export`` or ``reproduce``;
            ``scan``: before a search or a training, the images in files are read once; ``finalists``: within a search,
            after its evaluations.
        directory: of the run.
        unit: what is counted: ``candidates``, ``images``, ``chips``, ``steps``, ``runs`` or, of a design, ``%``.
        total: how many; None: not known yet.
        n_before: how many of them an earlier session has done.
    """

    verb: str
    directory: Path
    unit: str
    total: int | None
    n_before: int = 0


@dataclass(frozen=True)
class Advanced:
    """A piece of work is done.

    Attributes:
        verb: see ``Started``.
        directory: of the run.
        unit: see ``Started``.
        done: how many are done, with those of earlier sessions.
        total: how many there are; of a search an estimate that changes. None: not known yet.
        n_before: how many of ``done`` were done before this session.
        seconds: since ``Started``.
        part: which part of the work, for people, such as ``epoch 3 of 60``.
        values: numbers to log, by name, such as ``fitness`` or ``train_loss``.
        detail: what happened, where there is more to tell.
        first: pieces of this session that were done at once at its first step, and seconds until then. That step has
            the work that all have in common (reading data, starting workers, shared layers), so it is no measure of the
            others. None: not known; the time left is then computed from all pieces.
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
        """Pieces after the first step of this session: those that the time left is computed from."""
        return self.done - self.n_before - (self.first[0] if self.first else 0)

    @property
    def seconds_observed(self) -> float:
        """Seconds that ``n_observed`` pieces took."""
        return self.seconds - (self.first[1] if self.first else 0.0)

    @property
    def seconds_left(self) -> float | None:
        """Expected seconds to the end, at the rate since the first step; None where nothing is known yet."""
        if self.total is None or self.n_observed <= 0:
            return None
        return max(0, self.total - self.done) * max(self.seconds_observed, 1e-9) / self.n_observed


@dataclass(frozen=True)
class Finished:
    """A verb is done.

    Attributes:
        verb: see ``Started``.
        directory: of the run.
        result: what the function returns: ``SearchResult``, ``TrainingResult``, ``Evaluation``, ….
        seconds: since ``Started``.
    """

    verb: str
    directory: Path
    result: object
    seconds: float


class Observer(Protocol):
    """Follows the progress of any verb: ``search``, ``train``, ``evaluate``, ``evaluate_on_chips``, ``predict``,
    ``export``, ``design``, ``design_front``.

    Each method is called in the process and thread that called the verb; what it raises ends the work, which can be
    resumed. Work that fails has no ``finished``.
    """

    def started(self, event: Started) -> None:
        """A verb begins to work; its settings are in ``config.yaml`` of the run."""
        ...

    def progress(self, event: Advanced) -> None:
        """A piece of work is done: called often, with ``event.detail`` where there is more to tell."""
        ...

    def finished(self, event: Finished) -> None:
        """A verb is done."""
        ...


_METHODS = tuple(name for name, value in vars(Observer).items() if callable(value) and not name.startswith("_"))


def check_observer(given: object) -> None:
    """Refuse what cannot follow a verb; None is no observer.

    Raises:
        ConfigurationError: says what was given and which method it lacks.
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
