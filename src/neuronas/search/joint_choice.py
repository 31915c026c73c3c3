"""Analysis of a Pareto front of designs: the chosen design, trade-offs between objectives, and effects of axes."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from neuronas.hardware.cost import Array
from neuronas.search.joint_designs import OBJECTIVES, logarithms

PREFER = ("knee", *OBJECTIVES, "edap")
"""Criteria to choose a design from the front."""
MORE = (0.1, 0.25, 0.5)
"""Relative increases of one cost for which trade-offs are reported."""
_COSTS = ("energy_uj", "latency_ms", "area_mm2")


def chosen(points: Array, prefer: str) -> int:
    """Index of the preferred design.

    ``knee``: nearest to the ideal point, with error, energy, latency and area on logarithmic scales from the best to
    the worst value of the front. ``edap``: lowest energy-delay-area product. Otherwise the lowest value of one
    objective, with ties broken by the distance to the ideal point.

    Args:
        points: [n, 5] values of ``OBJECTIVES``.
        prefer: one of ``PREFER``.
    """
    on_scale = logarithms(points[:, :4])
    low, high = on_scale.min(axis=0), on_scale.max(axis=0)
    far = (((on_scale - low) / np.where(high > low, high - low, 1)) ** 2).sum(axis=1)
    if prefer == "knee":
        return int(far.argmin())
    first = points[:, 1:4].prod(axis=1) if prefer == "edap" else points[:, OBJECTIVES.index(prefer)]
    return int(np.lexsort((far, first))[0])


def purchases(points: Array, own: int) -> list[tuple[str, float, str, int]]:
    """Trade-offs as (cost, its relative rise, objective that improves, index of the design).

    All other objectives are at most those of the design ``own``. Cases without an improvement are left out.
    """
    found = []
    for spent in _COSTS:
        for more in MORE:
            limit = points[own].copy()
            limit[OBJECTIVES.index(spent)] *= 1 + more
            limit[OBJECTIVES.index("memory_bits")] = np.inf
            within = np.flatnonzero((points <= limit).all(axis=1))
            for objective in (name for name in OBJECTIVES[:4] if name != spent):
                column = OBJECTIVES.index(objective)
                best = within[points[within, column].argmin()]
                if points[best, column] < points[own, column] * (1 - 1e-6):
                    found.append((spent, more, objective, int(best)))
    return found


def chip_effects(
    axes: Mapping[str, Array], means: Array
) -> tuple[dict[tuple[str, float], Array], Array, dict[tuple[str, str], Array]]:
    """Effects of the axes of the chip on the mean logarithms of the objectives, by least squares.

    Args:
        axes: [n] values of each axis that has more than one.
        means: [n, 4] mean logarithms.

    Returns:
        factor of each value of each axis relative to the mean of the axis [4]; share of the variance that the main
        effects explain [4]; share that the interaction of each pair of axes explains [4].
    """
    centred = means - means.mean(axis=0)
    whole = np.maximum((centred**2).sum(axis=0), 1e-30)
    dummies = {name: (values[:, None] == np.unique(values)).astype(np.float64) for name, values in axes.items()}
    factors: dict[tuple[str, float], Array] = {}
    together: dict[tuple[str, str], Array] = {}
    if not dummies:
        return factors, np.zeros(means.shape[1]), together
    design = np.hstack(list(dummies.values()))
    # Minimum-norm solution of the normal equations: the dummy variables of an axis are collinear (they sum to 1).
    solved = np.linalg.pinv(design.T @ design) @ (design.T @ centred)
    rest = centred - design @ solved
    start = 0
    for name, columns in dummies.items():
        own = solved[start : start + columns.shape[1]]
        start += columns.shape[1]
        mean = own.mean(axis=0)
        for value, effect in zip(np.unique(axes[name]), own - mean, strict=True):
            factors[name, float(value)] = np.exp(effect)
    for first, second in combinations(dummies, 2):
        _, cell, n = np.unique(
            np.stack([axes[first], axes[second]], axis=1), axis=0, return_inverse=True, return_counts=True
        )
        sums = np.stack([np.bincount(cell.reshape(-1), column, len(n)) for column in rest.T], axis=1)
        together[first, second] = (sums**2 / n[:, None]).sum(axis=0) / whole
    return factors, 1 - (rest**2).sum(axis=0) / whole, together


def setting_effects(values: Sequence[float], means: Array) -> dict[float, Array]:
    """Factor of each value of a network axis relative to the mean of the axis, [4].

    Args:
        values: value of the axis at each setting.
        means: [n_settings, 4] mean logarithms of the objectives.
    """
    numbers = np.array(values)
    own = {float(value): means[numbers == value].mean(axis=0) for value in np.unique(numbers)}
    mean = np.mean(list(own.values()), axis=0)
    return {value: np.exp(effect - mean) for value, effect in own.items()}
