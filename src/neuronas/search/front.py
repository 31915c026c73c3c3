"""The Pareto front of evaluated candidates, and the choice of one candidate.

The objectives are fitness (maximised) and the four costs of ``hardware.units.BUDGETED`` (minimised).
"""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from neuronas.hardware.cost import Array
from neuronas.hardware.pareto import non_dominated
from neuronas.hardware.units import BUDGETED
from neuronas.search.algorithms.base import Outcome, best


def front(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The non-dominated candidates with finite fitness, in the given order; only the first of equal candidates."""
    finite = [one for one in outcomes if one.fitness is not None and isfinite(one.fitness)]
    return [finite[index] for index in non_dominated(objectives(finite))]


def objectives(outcomes: Sequence[Outcome]) -> Array:
    """Objectives to minimise, [n, 5]: negative fitness, then the four costs."""
    rows = [(-one.fitness, *one.cost) for one in outcomes if one.fitness is not None]
    return np.array(rows, dtype=np.float64).reshape(-1, 1 + len(BUDGETED))


def choose(outcomes: Sequence[Outcome], prefer: str) -> Outcome | None:
    """Choose a candidate from the Pareto front; None if there are no evaluated candidates.

    Args:
        outcomes: all candidates.
        prefer: ``fitness``: highest fitness; the name of a cost: lowest cost, with ties broken by fitness;
            ``knee``: the candidate nearest to the ideal point (see ``knee``).
    """
    candidates = front(outcomes)
    if prefer == "fitness" or not candidates:
        # If all candidates have fitness -inf, the front is empty.
        return best(candidates or outcomes)
    points = objectives(candidates)
    if prefer == "knee":
        return candidates[knee(points)]
    return candidates[int(np.lexsort((points[:, 0], points[:, 1 + BUDGETED.index(prefer)]))[0])]


def knee(points: Array) -> int:
    """Index of the row of ``points`` [n, 5] that is nearest to the ideal point.

    Objectives are scaled to the range of the rows. The squared distance is that of fitness plus the mean over the four
    costs, which are correlated.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    unit = (points - low) / np.where(high > low, high - low, 1)
    distance = unit[:, 0] ** 2 + (unit[:, 1:] ** 2).mean(axis=1)
    return int(distance.argmin())
