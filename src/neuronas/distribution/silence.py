"""How long a worker may say nothing: one that is alive but hangs must not be waited for without end."""

import time
from collections.abc import Callable, Sequence

from neuronas.distribution.crew import Crew, Lost, Message

_FACTOR = 20.0
"""Candidates differ in their time by less than that; what takes longer than the slowest so far by this factor hangs."""
_LONGEST_WAIT_S = 60.0
_WAITS = 10
"""At least so many waits make up the limit: a search that was itself stopped for hours blames nobody after one."""


class Silence:
    """Counts, for each worker that has something to do, how long nothing was heard of it.

    Only time spent waiting counts, so that neither a slow parent nor one that was stopped or suspended takes its own
    time for a worker's. Starts and work have limits of their own: a start that took minutes, from a slow disk or since
    the worker had to wait for a machine, says nothing about candidates of a hundredth of a second.

    Args:
        shortest_limit_s: the limit, as long as no worker has been silent for more than a twentieth of it and gone on.
        clock: gives seconds.
    """

    def __init__(self, shortest_limit_s: float, clock: Callable[[], float] = time.monotonic):
        self._shortest_limit_s, self._clock = shortest_limit_s, clock
        self._silent: dict[int, float] = {}
        self._patience: dict[int, int] = {}
        self._starting: set[int] = set()
        self._longest_s = {True: 0.0, False: 0.0}

    def limit_s(self, number: int) -> float:
        """Seconds for a worker that has something to do.

        20 times the longest silence after which any that did the like, start or work, went on, and at least what was
        given; ``patience`` times that.
        """
        longest_s = self._longest_s[number in self._starting]
        return self._patience[number] * max(self._shortest_limit_s, _FACTOR * longest_s)

    def begin(self, number: int, patience: int = 1, *, is_start: bool = False) -> None:
        """A worker has got something to do, or is started; its limit is ``patience`` times that of others."""
        self._silent[number], self._patience[number] = 0.0, patience
        (self._starting.add if is_start else self._starting.discard)(number)

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
        went_on = {number for number, message in messages if not isinstance(message, Lost)}
        for number in went_on & self._silent.keys():
            kind = number in self._starting
            self._longest_s[kind] = max(self._longest_s[kind], self._silent[number])
            self._silent[number] = 0.0
        heard = {number for number, _ in messages}
        return messages, [n for n, silent in self._silent.items() if n not in heard and silent > self.limit_s(n)]
