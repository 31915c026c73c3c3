"""Distributes candidates to workers and collects their fitness; the work of a lost worker is distributed again.

Fitness depends on the candidate only, so results depend neither on the number of workers nor on the order of messages.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from neuronas.distribution.crew import Crew, Evaluated, Lost, Message, Noted, PieceFinished, Ready, Refused
from neuronas.distribution.silence import Silence
from neuronas.distribution.subtrees import subtrees
from neuronas.errors import VerificationError, WorkerError
from neuronas.fitness.evaluator import Failure
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture

PIECES_PER_WORKER = 3
"""More pieces balance the load better; fewer pieces share more computation (``benchmarks/workers.py``)."""
MAX_ATTEMPTS = 2
_MAX_FAILED_STARTS = 3
_MAX_FAILURES_AT_FIRST = 3
_log = logging.getLogger(__name__)


@dataclass
class _Set:
    """The candidates of one ``evaluate`` call: waiting, at a worker, done, and failed. Numbers are their indices."""

    evaluator: str
    architectures: Sequence[Architecture]
    waiting: deque[list[int]]
    held: dict[int, list[int]] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    attempts: dict[int, int] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return bool(self.held) or len(self.done) + len(self.failures) < len(self.architectures)


class Distributor:
    """Distributes evaluations over the workers of a crew.

    Args:
        crew: the workers; they are started when there is work.
        n_cells: number of cells of the network.
        pieces_per_worker: number of pieces of work per worker, for each set of candidates.
        silence: finds workers that do not respond; default: with a limit of 10 minutes.
    """

    def __init__(
        self, crew: Crew, n_cells: int, pieces_per_worker: int = PIECES_PER_WORKER, silence: Silence | None = None
    ):
        self._crew, self._n_cells, self._pieces_per_worker = crew, n_cells, pieces_per_worker
        self._silence = silence or Silence(600.0)
        self._started: set[int] = set()
        self._idle: set[int] = set()
        self._peaks: dict[int, float] = {}
        self._computes: str | None = None
        self._failed_starts = 0
        self._has_succeeded = False
        self._noted: set[str] = set()
        self.n_lost = 0

    @property
    def peak_memory_mb(self) -> float:
        """Sum over all workers of their peak resident memory, in MiB."""
        return sum(self._peaks.values())

    def prepare(self) -> None:
        """Start the workers and wait until one of them is ready.

        Raises:
            NeuronasError: no worker can be started; the message gives the reason.
        """
        nothing = _Set("", (), deque())
        while not self._idle:
            self._start(self._crew.size)
            for number, message in self._listen():
                self._receive(nothing, number, message)

    def close(self) -> None:
        """End all workers."""
        self._crew.close()

    def evaluate(self, name: str, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float | Failure]]:
        """Evaluate candidates with the workers' evaluator ``name``; see ``fitness.evaluator.Evaluator``.

        A candidate on which workers were lost ``MAX_ATTEMPTS`` times gets a ``Failure``. Failures are yielded last.

        Raises:
            WorkerError: workers cannot be started, or are lost on every candidate.
            VerificationError: workers would compute different results, because their data or software differ.
        """
        n_pieces = self._crew.size * self._pieces_per_worker
        work = _Set(name, architectures, deque(subtrees(architectures, self._n_cells, n_pieces)))
        try:
            while work.is_open:
                self._hand_out(work)
                # Process all messages before yielding a result: the caller may stop iterating at any result.
                results = [self._receive(work, number, message) for number, message in self._listen()]
                yield from (result for result in results if result is not None)
            yield from work.failures.items()
        finally:
            for number in work.held:  # not empty only if the caller stopped iterating
                self._end(number)

    def _hand_out(self, work: _Set) -> None:
        self._start(min(self._crew.size, len(work.waiting) + len(work.held)))
        for number in sorted(self._idle):
            if work.waiting:
                piece = work.waiting.popleft()
                work.held[number] = piece
                self._idle.remove(number)
                self._silence.begin(number, patience=1 + work.attempts.get(piece[0], 0))
                self._crew.give(number, work.evaluator, [format_architecture(work.architectures[i]) for i in piece])

    def _start(self, n_workers: int) -> None:
        for number in range(n_workers):
            if number not in self._started:
                self._crew.start(number)
                self._started.add(number)
                self._silence.begin(number, is_start=True)

    def _listen(self) -> Iterator[tuple[int, Message]]:
        """Messages of workers, after a short wait. A worker beyond its time limit is stopped: ``Lost``."""
        messages, silent = self._silence.listen(self._crew)
        yield from messages
        for number in silent:
            if self._crew.is_queued(number):
                self._silence.begin(number, is_start=True)
            else:
                _log.warning("worker %d sent no message for more than %.0f s", number, self._silence.limit_s(number))
                self._crew.stop(number)
                yield number, Lost("it was running but did not respond")

    def _receive(self, work: _Set, number: int, message: Message) -> tuple[int, float] | None:
        """Process a message; return (index, fitness) if it contains a fitness."""
        match message:
            case Evaluated(place, fitness):
                index = work.held[number][place]
                work.done.add(index)
                self._has_succeeded = True
                return index, fitness
            case PieceFinished(peak_memory_mb):
                self._peaks[number] = max(peak_memory_mb, self._peaks.get(number, 0.0))
                del work.held[number]
                self._silence.end(number)
                self._idle.add(number)
            case Ready(computes):
                self._compare(computes)
                self._failed_starts = 0
                self._silence.end(number)
                self._idle.add(number)
            case Noted(text):
                if text not in self._noted:
                    self._noted.add(text)
                    _log.warning("%s", text)
            case Refused(error):
                raise error
            case Lost(reason):
                self._lose(work, number, reason)
        return None

    def _compare(self, computes: str) -> None:
        if self._computes is None:
            self._computes = computes
        elif computes != self._computes:
            raise VerificationError(
                f"workers would compute different results (digests {self._computes} and {computes}); expected the same "
                "data set, version of neuronas and type of device on all machines"
            )

    def _lose(self, work: _Set, number: int, reason: str) -> None:
        """Take back the candidates of a lost worker.

        The first unfinished candidate may have caused the loss: it is tried again alone, after all others. The rest is
        distributed again at once.
        """
        was_idle = number in self._idle
        self._idle.discard(number)
        self._started.discard(number)
        self._silence.end(number)
        self.n_lost += 1
        piece = work.held.pop(number, None)
        if piece is None:
            self._failed_starts += not was_idle
            if self._failed_starts >= _MAX_FAILED_STARTS:
                raise WorkerError(
                    f"{self._failed_starts} workers ended before they were ready; reason of the last one: {reason}"
                )
            _log.warning("worker %d was lost (%s); it had no candidates", number, reason)
            return
        rest = [index for index in piece if index not in work.done]
        _log.warning("worker %d was lost (%s); %d candidates are distributed again", number, reason, len(rest))
        if not rest:
            return
        suspect = rest.pop(0)
        if rest:
            work.waiting.appendleft(rest)
        work.attempts[suspect] = work.attempts.get(suspect, 0) + 1
        if work.attempts[suspect] < MAX_ATTEMPTS:
            work.waiting.append([suspect])
            return
        work.failures[suspect] = Failure(reason)
        if not self._has_succeeded and len(work.failures) >= _MAX_FAILURES_AT_FIRST:
            raise WorkerError(
                f"workers were lost {MAX_ATTEMPTS} times on each of the first {len(work.failures)} candidates: {reason}"
            )

    def _end(self, number: int) -> None:
        self._crew.stop(number)
        self._silence.end(number)
        self._started.discard(number)
        self._idle.discard(number)


@dataclass(frozen=True)
class DistributedEvaluator:
    """One of the workers' evaluators, with the interface of a local ``Evaluator``."""

    distributor: Distributor
    name: str

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float | Failure]]:
        """See ``Evaluator``."""
        return self.distributor.evaluate(self.name, architectures)
