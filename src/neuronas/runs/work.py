"""Progress of long-running commands, reported to an observer and the log; and their deadline."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic

from neuronas.errors import ConfigurationError
from neuronas.runs.observer import (
    Advanced,
    CandidateEvaluated,
    CandidateFailed,
    Detail,
    Finished,
    Observer,
    Started,
    check_observer,
)

_log = logging.getLogger(__name__)
Seen = Callable[[int], None]
"""Progress callback: number of images just computed."""


def unseen(n: int) -> None:
    """Ignore progress."""


def deadline_in(max_minutes: float | None) -> float:
    """The deadline (``time.monotonic``) in ``max_minutes`` from now; infinity for None.

    Raises:
        ConfigurationError: ``max_minutes`` is not above 0.
    """
    if max_minutes is None:
        return inf
    if not max_minutes > 0:
        raise ConfigurationError(f"--max-minutes {max_minutes:g} given; expected a number above 0")
    return monotonic() + 60 * max_minutes


class Work:
    """The work of one call of a command: counts finished pieces, and reports them to an observer (if any) and the log.

    Attributes:
        total: number of pieces; None: not known yet.
        done: number of finished pieces.

    Args:
        verb: see ``Started``.
        directory: see ``Started``.
        unit: see ``Started``.
        observer: follows the progress.
        logs: whether details are logged.

    Raises:
        ConfigurationError: ``observer`` is not an observer.
    """

    def __init__(self, verb: str, directory: Path, unit: str, observer: Observer | None = None, *, logs: bool = True):
        check_observer(observer)
        self.verb, self.directory, self.unit = verb, directory, unit
        self.total: int | None = None
        self.done = 0
        self._observer, self._logs, self._n_before, self._started = observer, logs, 0, monotonic()
        self._first: tuple[int, float] | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._started

    def start(self, total: int | None, n_before: int = 0) -> None:
        """Start the clock and report ``Started``."""
        self.total, self.done, self._n_before, self._started = total, n_before, n_before, monotonic()
        self._first = None
        if self._observer is not None:
            self._observer.started(Started(self.verb, self.directory, self.unit, total, n_before))

    def skip(self, n: int) -> None:
        """Count ``n`` pieces finished by an earlier session."""
        self.done += n
        self._n_before += n

    def advance(
        self, n: int, part: str, values: Mapping[str, float] | None = None, detail: Detail | None = None
    ) -> None:
        """Count ``n`` finished pieces and report them; see ``Advanced``."""
        self.done += n
        if n and self._first is None:
            self._first = n, self.seconds
        if self._logs and detail is not None and not (isinstance(detail, CandidateEvaluated) and not detail.is_best):
            _log.log(logging.WARNING if isinstance(detail, CandidateFailed) else logging.INFO, "%s", detail)
        if self._observer is not None:
            about = (self.verb, self.directory, self.unit, self.done, self.total, self._n_before, self.seconds)
            self._observer.progress(Advanced(*about, part, values or {}, detail, self._first))

    def finish(self, result: object) -> None:
        """Report the end of the work."""
        if self._observer is not None:
            self._observer.finished(Finished(self.verb, self.directory, result, self.seconds))

    def within(self, part: str) -> "Within":
        """An observer of a command that is one piece of this work."""
        return Within(self, part)

    def counting(self, part: str, n_known: int) -> "Counting":
        """An observer of a command whose pieces are pieces of this work.

        Args:
            part: see ``Advanced``.
            n_known: number of pieces of the command that this work has already counted.
        """
        return Counting(self, part, n_known)


@dataclass(frozen=True)
class Within(Observer):
    """Reports a command as a part of other work, such as a training in an experiment."""

    work: Work
    part: str

    def progress(self, event: Advanced) -> None:
        """See ``Observer``."""
        self.work.advance(0, f"{self.part}: {event.verb}, {event.part}", event.values)


@dataclass
class Counting(Observer):
    """Counts the pieces of a command as pieces of the work that it belongs to."""

    work: Work
    part: str
    n_known: int

    def started(self, event: Started) -> None:
        """See ``Observer``."""
        self.work.skip(event.n_before - self.n_known)
        self.n_known = event.n_before

    def progress(self, event: Advanced) -> None:
        """See ``Observer``."""
        n, self.n_known = event.done - self.n_known, event.done
        self.work.advance(n, f"{self.part}, {event.part}", event.values)
