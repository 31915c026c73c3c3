"""How long a worker may be silent: a search must not wait forever for one that is alive but hangs."""

import time
from collections.abc import Callable, Sequence

from neuronas.distribution.crew import Crew, Lost, Message

_FACTOR = 20.0
"""Candidates differ in their time by less than this; what takes this many times as long as the slowest so far hangs."""
_LONGEST_WAIT_S = 60.0
_WAITS = 10
"""The limit is at least this many waits, so that no worker is blamed after a single one in a suspended search."""


class Silence:
    """Counts for each busy worker how long it has been silent.

    Only time spent waiting counts, so that a slow or suspended parent does not blame its workers. Starts and work have
    separate limits: a start that took minutes, from a slow disk or a wait for a machine, says nothing about candidates
    of a hundredth of a second.

    Args:
        shortest_limit_s: the limit until a worker has been silent for more than a twentieth of it and continued.
        clock: returns seconds.
    """

    def __init__(self, shortest_limit_s: float, clock: Callable[[], float] = time.monotonic):
        self._shortest_limit_s, self._clock = shortest_limit_s, clock
        self._silent: dict[int, float] = {}
        self._patience: dict[int, int] = {}
        self._starting: set[int] = set()
        self._longest_s = {True: 0.0, False: 0.0}

    def limit_s(self, number: int) -> float:
        """Limit of a busy worker in seconds.

        20 times the longest silence after which any worker continued in the same activity (start or work), but at least
        the shortest limit; multiplied by the worker's ``patience``.
        """
        longest_s = self._longest_s[number in self._starting]
        return self._patience[number] * max(self._shortest_limit_s, _FACTOR * longest_s)

    def begin(self, number: int, patience: int = 1, *, is_start: bool = False) -> None:
        """A worker starts or gets work; its limit is ``patience`` times that of others."""
        self._silent[number], self._patience[number] = 0.0, patience
        (self._starting.add if is_start else self._starting.discard)(number)

    def end(self, number: int) -> None:
        """A worker is idle or has ended."""
        self._silent.pop(number, None)

    def listen(self, crew: Crew) -> tuple[Sequence[tuple[int, Message]], list[int]]:
        """Messages of workers, after a short wait, and the numbers of those that have been silent for too long."""
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
