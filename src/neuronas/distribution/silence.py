"""Time limits for workers: a search must not wait forever for a worker that runs but does not respond."""

import time
from collections.abc import Callable, Sequence

from neuronas.distribution.crew import Crew, Lost, Message

_FACTOR = 20.0
"""Evaluation times of candidates differ by less than this factor. A worker that is silent for longer than this many
times the longest silence so far is taken to hang."""
_LONGEST_WAIT_S = 60.0
_WAITS = 10
"""The limit spans at least this many waits, so that one long wait (a suspended search) does not reach it."""


class Silence:
    """Measures for each busy worker the time since its last message (its silence).

    Only time that the parent spends waiting counts, so that a slow or suspended parent does not stop its workers.
    Starts and work have separate limits: a start can take minutes (slow disk, waiting for a machine), while a candidate
    may take a hundredth of a second.

    Args:
        shortest_limit_s: minimum time limit in seconds.
        clock: returns the time in seconds.
    """

    def __init__(self, shortest_limit_s: float, clock: Callable[[], float] = time.monotonic):
        self._shortest_limit_s, self._clock = shortest_limit_s, clock
        self._silent: dict[int, float] = {}
        self._patience: dict[int, int] = {}
        self._starting: set[int] = set()
        self._longest_s = {True: 0.0, False: 0.0}

    def limit_s(self, number: int) -> float:
        """Time limit of a busy worker in seconds.

        The limit is 20 times the longest silence so far after which a worker of the same activity (start or work) sent
        a message, at least ``shortest_limit_s``; times the worker's ``patience``.
        """
        longest_s = self._longest_s[number in self._starting]
        return self._patience[number] * max(self._shortest_limit_s, _FACTOR * longest_s)

    def begin(self, number: int, patience: int = 1, *, is_start: bool = False) -> None:
        """Record that a worker starts or receives work; its limit is multiplied by ``patience``."""
        self._silent[number], self._patience[number] = 0.0, patience
        (self._starting.add if is_start else self._starting.discard)(number)

    def end(self, number: int) -> None:
        """Record that a worker is idle or has ended."""
        self._silent.pop(number, None)

    def listen(self, crew: Crew) -> tuple[Sequence[tuple[int, Message]], list[int]]:
        """Wait shortly; return the messages of workers, and the numbers of those that have exceeded their limit."""
        at_a_time_s = min(_LONGEST_WAIT_S, self._shortest_limit_s / _WAITS)
        since = self._clock()
        messages = crew.wait(at_a_time_s)
        seconds = min(at_a_time_s, self._clock() - since)
        for number in self._silent:
            self._silent[number] += seconds
        went_on = {number for number, message in messages if not isinstance(message, Lost)}
        for number in went_on & self._silent.keys():
            kind = number in self._starting
            self._longest_s[kind] = max(self._longest_s[kind], self._silent[number])
            self._silent[number] = 0.0
        heard = {number for number, _ in messages}
        return messages, [n for n, silent in self._silent.items() if n not in heard and silent > self.limit_s(n)]
