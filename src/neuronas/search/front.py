"""The Pareto front of evaluated candidates: who is on it, how much it dominates, and which one to choose.

Objectives: fitness (more is better) and the four costs of ``hardware.cost.BUDGETED`` (less is better).
"""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from neuronas.hardware.cost import BUDGETED, Array
from neuronas.search.algorithms.base import Outcome, best


def front(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The candidates of finite fitness that no other one beats, in the order given; of equal ones the first."""
    finite = [one for one in outcomes if one.fitness is not None and isfinite(one.fitness)]
    return [finite[index] for index in non_dominated(objectives(finite))]


def objectives(outcomes: Sequence[Outcome]) -> Array:
    """[n, 5] what to minimise: fitness with its sign turned, then the costs."""
    rows = [(-one.fitness, *one.cost) for one in outcomes if one.fitness is not None]
    return np.array(rows, dtype=np.float64).reshape(-1, 1 + len(BUDGETED))


def non_dominated(points: Array) -> list[int]:
    """Rows of [n, d] that no other row equals or beats in every column; of equal rows the first."""
    if not len(points):
        return []
    # A row that is beaten has a sum at least as large; of equal sums the first in dictionary order cannot be beaten. So
    # the first row stays and what it beats goes. A small sum of columns of one scale beats many, an extreme row few.
    low, high = points.min(axis=0), points.max(axis=0)
    total = sum(((points - low) / np.where(high > low, high - low, 1)).T)
    order = np.lexsort((*points.T[::-1], total))
    columns = points[order].T.copy()
    found: list[int] = []
    while order.size:
        found.append(int(order[0]))
        stays = np.logical_or.reduce([column < column[0] for column in columns])
        order, columns = order[stays], columns[:, stays]
    return sorted(found)


def scaled(points: Array, within: Array) -> Array:
    """Points with each column scaled so that ``within`` reaches from 0 to 1; columns constant there are left out."""
    low, high = within.min(axis=0), within.max(axis=0)
    varies = high > low
    return np.asarray((points - low)[:, varies] / (high - low)[varies])


def hypervolume(points: Array) -> float:
    """Share of the unit cube that the rows of [n, d] dominate, each value to be minimised; exact.

    Source: the exclusive volumes of While, Bradstreet and Barone (IEEE TEC 16, 2012): what each point dominates,
    less what the points after it dominate of that.
    """
    points = points[(points < 1).all(axis=1)]
    if not len(points) or not points.shape[1]:
        return 0.0
    if points.shape[1] == 1:
        return float(1 - points.min())
    points = points[np.argsort(-points[:, 0], kind="stable")]
    total = 0.0
    for number, point in enumerate(points):
        others = np.maximum(points[number + 1 :], point)
        total += float(np.prod(1 - point)) - hypervolume(others[non_dominated(others)])
    return total


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
