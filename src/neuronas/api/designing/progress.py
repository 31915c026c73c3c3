"""Progress over all stages of a design, and the duration of each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import get_args

from neuronas.report.tables import duration
from neuronas.runs.designs import STAGES, Stage, StageTime, StageTimes
from neuronas.runs.observer import Advanced, FinalistTrained, Observer, RunEnded, Started
from neuronas.runs.work import Work

PERCENT = 100


@dataclass(frozen=True)
class Amounts:
    """Work of the long stages, in equivalent training images at one channel and one time step.

    Evaluating an image takes about a third of the time of training on it; on a simulated chip it takes about as long as
    training. The network is read once per precision.
    """

    by_stage: Mapping[Stage, float]

    @classmethod
    def of(cls, finalists: float, training: float, n_test: int, n_chips: int, weight: float) -> "Amounts":
        """Add up the work.

        Args:
            finalists: training images of the finalists, each times channels and time steps.
            training: the same for the training of the answer.
            n_test: number of test images.
            n_chips: number of simulated chips.
            weight: channels times time steps of the answer.
        """
        return cls(
            {
                "finalists": finalists,
                "training": training,
                "evaluation": _PASSES * n_test * weight / 3,
                "chips": 2 * n_chips * n_test * weight,
            }
        )

    def before(self, stage: Stage) -> float:
        """Fraction of the work that is done when a stage begins, 0 to 1."""
        names = list(self.by_stage)
        done = names[: names.index(stage)] if stage in names else names
        return sum(self.by_stage[name] for name in done) / self.total

    def share(self, stage: Stage) -> float:
        """Fraction of the work of a stage."""
        return self.by_stage.get(stage, 0.0) / self.total

    @property
    def total(self) -> float:
        """Work of all stages."""
        return sum(self.by_stage.values()) or 1.0


_PASSES = 10
"""Passes over the test images: one per precision, one that counts spikes, one in integer arithmetic."""


class StageProgress:
    """Reports all stages as one piece of work, in percent; keeps the time of each stage across sessions.

    Args:
        work: progress of the design.
        folder: folder in which the times are kept.
        has_chips: whether chips are simulated.
    """

    def __init__(self, work: Work, folder: Path, *, has_chips: bool):
        self.work, self._file = work, folder / STAGES
        self._stages = [name for name in get_args(Stage) if has_chips or name != "chips"]
        self._times = StageTimes.read_if_there(self._file) or StageTimes()
        self._amounts: Amounts | None = None

    @property
    def times(self) -> tuple[StageTime, ...]:
        """Times of the stages so far."""
        return self._times.stages

    def expect(self, amounts: Amounts) -> None:
        """Set the total work; from then on the remaining time is estimated."""
        self._amounts, self.work.total = amounts, PERCENT

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Run a stage; its time counts even if it fails."""
        started = perf_counter()
        self._say(name, "")
        try:
            yield
        finally:
            self._add(name, perf_counter() - started)
            self._times.write(self._file)
        if self._amounts is not None:
            self._reach(self._amounts.before(name) + self._amounts.share(name), name, "done")

    def skip_to_end_of(self, name: Stage) -> None:
        """Count a stage that was finished in an earlier session."""
        if self._amounts is not None:
            percent = round(PERCENT * (self._amounts.before(name) + self._amounts.share(name)))
            self.work.skip(max(0, percent - self.work.done))

    def observer(self, name: Stage, part: str = "") -> "StageObserver":
        """An observer of the command that runs a stage."""
        return StageObserver(self, name, part)

    def told(self, name: Stage, part: str, event: Advanced) -> None:
        """Report progress of a command."""
        text = ", ".join(one for one in (part, event.part) if one)
        values = dict(event.values)
        detail = event.detail if isinstance(event.detail, FinalistTrained | RunEnded) else None
        if self._amounts is None or event.total is None or not event.total:
            count = f"{event.done:,}" + (f" of {event.total:,}" if event.total else "")
            left = "" if event.seconds_left is None else f", about {duration(event.seconds_left)} left in it"
            self._say(name, f"{text}, {count} {event.unit}{left}", values, detail)
            return
        done = self._amounts.before(name) + self._amounts.share(name) * min(1.0, event.done / event.total)
        self._reach(done, name, text, values, detail)

    def began(self, name: Stage, event: Started) -> None:
        """Start a command; work of earlier sessions does not count for the estimate of the remaining time."""
        if self._amounts is not None and event.total and event.n_before:
            share = self._amounts.before(name) + self._amounts.share(name) * event.n_before / event.total
            self.work.skip(max(0, int(PERCENT * share) - self.work.done))

    def note(self, text: str) -> None:
        """Report the end of a part of a stage, with its result."""
        self.work.advance(0, text, None, RunEnded(text))

    def _reach(
        self,
        share: float,
        name: Stage,
        text: str,
        values: Mapping[str, float] | None = None,
        detail: FinalistTrained | RunEnded | None = None,
    ) -> None:
        self._say(name, text, values, detail, n=max(0, int(PERCENT * share) - self.work.done))

    def _say(
        self,
        name: Stage,
        text: str,
        values: Mapping[str, float] | None = None,
        detail: FinalistTrained | RunEnded | None = None,
        n: int = 0,
    ) -> None:
        said = f"stage {self._stages.index(name) + 1} of {len(self._stages)}, {name}"
        self.work.advance(n, f"{said}: {text}" if text else said, values, detail)

    def _add(self, name: Stage, seconds: float) -> None:
        known = {one.name: one.seconds for one in self._times.stages}
        known[name] = round(known.get(name, 0.0) + seconds, 3)
        self._times = StageTimes(stages=tuple(StageTime(name=one, seconds=spent) for one, spent in known.items()))


@dataclass(frozen=True)
class StageObserver(Observer):
    """Reports the command that runs a stage, or a part of it."""

    progress_of: StageProgress
    name: Stage
    part: str

    def started(self, event: Started) -> None:
        """See ``Observer``."""
        self.progress_of.began(self.name, event)

    def progress(self, event: Advanced) -> None:
        """See ``Observer``."""
        self.progress_of.told(self.name, self.part, event)
