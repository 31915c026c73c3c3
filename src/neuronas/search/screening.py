"""Screening: a small batch discards most candidates, the survivors get the full batch.

Rule: of the n distinct functions that an algorithm proposes at a time, the ``ceil(keep * n)`` with the highest fitness
on the small batch survive, at least ``MIN_SURVIVORS``. Fitness values of different batch sizes are never compared: a
discarded candidate has none. ``benchmarks/screening.py`` measures what the rule loses against the exact search.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from neuronas.fitness.evaluator import Evaluator

MIN_SURVIVORS = 16


@dataclass(frozen=True)
class Evaluators:
    """What computes fitness in a search.

    Attributes:
        full: on the full batch.
        screen: on the small batch; None: every candidate gets the full batch.
        keep: share of the candidates that survive the screen.
    """

    full: Evaluator
    screen: Evaluator | None = None
    keep: float = 1.0

    def n_survivors(self, n_candidates: int) -> int:
        """How many of n candidates get the full batch."""
        if self.screen is None:
            return n_candidates
        return min(n_candidates, max(MIN_SURVIVORS, ceil(self.keep * n_candidates)))


def survivors(fitness: Mapping[str, float], n: int) -> list[str]:
    """The n keys of highest fitness; equal ones in the order of the mapping."""
    return sorted(fitness, key=lambda key: -fitness[key])[:n]
