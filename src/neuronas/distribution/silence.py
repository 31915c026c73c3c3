"""How long a worker may say nothing: one that is alive but hangs must not be waited for without end."""

import time
from collections.abc import Callable, Sequence

from neuronas.distribution.crew import Crew, Message

_FACTOR = 20.0
"""Candidates differ in their time by less than that; what takes longer than the slowest so far by this factor hangs."""
_LONGEST_WAIT_S = 60.0
_WAITS = 10
"""At least so many waits make up the limit: a search that was itself stopped for hours blames nobody after one."""


class Silence:
    """Counts, for each worker that has something to do, how long nothing was heard of it.

    Only time spent waiting counts, so that neither a slow parent nor one that was stopped or suspended takes its own
    time for a worker's.

    Args:
        shortest_limit_s: the limit, as long as no worker has been silent for more than a twentieth of it and gone on.
        clock: gives seconds.
    """

    def __init__(self, shortest_limit_s: float, clock: Callable[[], float] = time.monotonic):
        self._shortest_limit_s, self._clock = shortest_limit_s, clock
        self._silent: dict[int, float] = {}
        self._patience: dict[int, int] = {}
        self._longest_s = 0.0

    @property
    def limit_s(self) -> float:
        """Seconds: 20 times the longest silence after which a worker went on, and at least what was given."""
        return max(self._shortest_limit_s, _FACTOR * self._longest_s)

    def begin(self, number: int, patience: int = 1) -> None:
        """A worker has got something to do; its limit is ``patience`` times that of others."""
        self._silent[number], self._patience[number] = 0.0, patience

    def end(self, number: int) -> None:
        """Nothing more is expected of a worker."""
        self._silent.pop(number, None)

    def listen(self, crew: Crew) -> tuple[Sequence[tuple[int, Message]], list[int]]:
        """Wait a while; what workers say, and the numbers of those that have been silent for too long."""
        at_a_time_s = min(_LONGEST_WAIT_S, self._shortest_limit_s / _WAITS)
        since = self._clock()
        messages = crew.wait(at_a_time_s)
        seconds = min(at_a_time_s, self._clock() - since)
        for number in self._silent:
            self._silent[number] += seconds
        for number in {number for number, _ in messages} & self._silent.keys():
            self._longest_s = max(self._longest_s, self._silent[number])
            self._silent[number] = 0.0
        limit_s = self.limit_s
        return messages, [n for n, silent in self._silent.items() if silent > self._patience[n] * limit_s]
