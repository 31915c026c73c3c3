"""A crew for tests with hanging workers, without real waiting."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from neuronas.distribution.crew import Crew, Message, PieceFinished, Ready


class Impatient:
    """Its clock stands still while any busy worker runs, and jumps when all of them are stopped.

    Args:
        crew: crew with the workers.
        process: returns the id of a worker's process.
        meddle: signals, by the number of pieces distributed before: sent to the worker that gets the next piece.
    """

    def __init__(self, crew: Crew, process: Callable[[int], int], meddle: dict[int, signal.Signals] | None = None):
        self.size, self.process, self.meddle = crew.size, process, meddle or {}
        self._crew = crew
        self._starting: set[int] = set()
        self._working: set[int] = set()
        self.now = 0.0
        self.n_given = 0
        self.meddled: list[int] = []

    def start(self, number: int) -> None:
        self._crew.start(number)
        self._starting.add(number)

    def give(self, number: int, evaluator: str, architectures: Sequence[str]) -> None:
        if self.n_given in self.meddle:
            self.meddled.append(self.process(number))
            os.kill(self.meddled[-1], self.meddle[self.n_given])
        self.n_given += 1
        self._crew.give(number, evaluator, architectures)
        self._working.add(number)

    def wait(self, seconds: float) -> Sequence[tuple[int, Message]]:
        while not (found := self._crew.wait(0.05)):
            if all(state(self.process(number)) == "T" for number in self._starting | self._working):
                self.now += seconds
                break
        self._starting -= {number for number, message in found if isinstance(message, Ready)}
        self._working -= {number for number, message in found if isinstance(message, PieceFinished)}
        return found

    def is_queued(self, number: int) -> bool:
        return self._crew.is_queued(number)

    def stop(self, number: int) -> None:
        self._crew.stop(number)
        self._starting.discard(number)
        self._working.discard(number)

    def close(self) -> None:
        self._crew.close()


def state(process: int) -> str:
    """State letter, see ``ps``; empty if the process does not exist."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""
