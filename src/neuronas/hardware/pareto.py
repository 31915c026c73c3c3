"""Pareto dominance among rows of objectives, each to be minimised."""

import numpy as np
from numpy.typing import NDArray

from neuronas.hardware.cost import Array

_BLOCK, _CHUNK = 64, 4096
"""Number of rows compared at once, and number of rows that they are compared with; fits in cache."""


def non_dominated(points: Array) -> list[int]:
    """Indices of the rows of [n, d] that no other row equals or beats in every column; of equal rows the first."""
    if not len(points):
        return []
    # A row that is beaten has a sum at least as large; of equal sums the first in dictionary order cannot be beaten. So
    # the first rows stay, but for those beaten among them, and what they beat goes. A small sum of columns of one scale
    # beats many, an extreme row few.
    low, high = points.min(axis=0), points.max(axis=0)
    total = sum(((points - low) / np.where(high > low, high - low, 1)).T)
    order = np.lexsort((*points.T[::-1], total))
    columns = _small(points[order].T.copy(), low, high)
    found: list[int] = []
    while order.size:
        first = columns[:, :_BLOCK]
        stays = ~np.triu(_beats(first, first), 1).any(axis=0)
        found += order[:_BLOCK][stays].tolist()
        leaders, order, columns = first[:, stays], order[_BLOCK:], columns[:, _BLOCK:]
        chunks = (columns[:, start : start + _CHUNK] for start in range(0, order.size, _CHUNK))
        left = [~_beats(leaders, chunk).any(axis=0) for chunk in chunks]
        if left:
            others = np.concatenate(left)
            order, columns = order[others], columns[:, others]
    return sorted(found)


def _beats(ones: NDArray[np.generic], others: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether each of [d, n] columns is at most each of [d, m] in every row, [n, m]."""
    found: NDArray[np.bool_] = ones[0][:, None] <= others[0]
    for own, other in zip(ones[1:], others[1:], strict=True):
        found &= own[:, None] <= other
    return found


def _small(columns: Array, low: Array, high: Array) -> NDArray[np.generic]:
    """Columns of whole numbers in two bytes, which are compared faster; others as they are."""
    if (high - low).max() < np.iinfo(np.int16).max and (columns == np.floor(columns)).all():
        return (columns - low[:, None]).astype(np.int16)
    return columns


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
