"""Screening: candidates are first evaluated on a small batch of images, and only the best on the full batch.

Of the n distinct functions in one batch of proposals, the ``ceil(keep * n)`` with the highest fitness on the small
batch survive, and at least ``MIN_SURVIVORS``. Fitness values of different batch sizes are never compared: a discarded
candidate has no fitness. ``benchmarks/screening.py`` compares this with the search without screening.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from neuronas.fitness.evaluator import Evaluator

MIN_SURVIVORS = 16


@dataclass(frozen=True)
class Evaluators:
    """The evaluators of a search.

    Attributes:
        full: computes fitness on the full batch of images.
        screen: computes fitness on the small batch; None: no screening.
        keep: share of the candidates that survive screening.
    """

    full: Evaluator
    screen: Evaluator | None = None
    keep: float = 1.0

    def n_survivors(self, n_candidates: int) -> int:
        """Number of candidates, of ``n_candidates``, that are evaluated on the full batch."""
        if self.screen is None:
            return n_candidates
        return min(n_candidates, max(MIN_SURVIVORS, ceil(self.keep * n_candidates)))


def survivors(fitness: Mapping[str, float], n: int) -> list[str]:
    """The n keys with the highest fitness, in descending order; ties keep the order of the mapping."""
    return sorted(fitness, key=lambda key: -fitness[key])[:n]
