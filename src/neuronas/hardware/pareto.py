"""Pareto dominance among rows of objectives, each to be minimised."""

import numpy as np

from neuronas.hardware.cost import Array


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
