"""The Pareto front of evaluated candidates: who is on it, how much it dominates, and which one to choose.

Objectives: fitness (more is better) and the four costs of ``hardware.cost.BUDGETED`` (less is better).
"""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from neuronas.hardware.cost import BUDGETED, Array
from neuronas.hardware.pareto import non_dominated
from neuronas.search.algorithms.base import Outcome, best


def front(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The candidates of finite fitness that no other one beats, in the order given; of equal ones the first."""
    finite = [one for one in outcomes if one.fitness is not None and isfinite(one.fitness)]
    return [finite[index] for index in non_dominated(objectives(finite))]


def objectives(outcomes: Sequence[Outcome]) -> Array:
    """[n, 5] what to minimise: fitness with its sign turned, then the costs."""
    rows = [(-one.fitness, *one.cost) for one in outcomes if one.fitness is not None]
    return np.array(rows, dtype=np.float64).reshape(-1, 1 + len(BUDGETED))


def choose(outcomes: Sequence[Outcome], prefer: str) -> Outcome | None:
    """Choose from the front; None if nothing was evaluated.

    Args:
        outcomes: every candidate.
        prefer: ``fitness``: the fittest; the name of a cost: the lowest, the fittest among equals; ``knee``: the one
            nearest to the best of everything, with objectives scaled to the front's range (see ``knee``).
    """
    candidates = front(outcomes)
    if prefer == "fitness" or not candidates:
        # Where no network answers, all have the fitness -inf and none is on the front.
        return best(candidates or outcomes)
    points = objectives(candidates)
    if prefer == "knee":
        return candidates[knee(points)]
    return candidates[int(np.lexsort((points[:, 0], points[:, 1 + BUDGETED.index(prefer)]))[0])]


def knee(points: Array) -> int:
    """Row of [n, 5] nearest to the ideal point: fitness counts as much as all costs together, which move together."""
    low, high = points.min(axis=0), points.max(axis=0)
    unit = (points - low) / np.where(high > low, high - low, 1)
    distance = unit[:, 0] ** 2 + (unit[:, 1:] ** 2).mean(axis=1)
    return int(distance.argmin())
