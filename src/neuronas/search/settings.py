"""Which settings of a network (channels, time steps, weight bits) may be the best ones under a budget: costs only.

Fitness ranks the same functions almost alike at every width, number of time steps and precision, so one survey of the
cells serves for all settings, and cost is a closed form: every surveyed candidate is costed at every setting. What
remains is a prior, which no measurement of this run supports: that none of more channels, more time steps and more bits
makes a trained network worse. Under it, a setting that another one equals or exceeds in all three, with cells at least
as fit, need not be searched. Among those that are left, a short training decides.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Array, Totals
from neuronas.hardware.pareto import non_dominated
from neuronas.runs.network_setting import NetworkSetting

FITTEST_SHARE, FITTEST_AT_LEAST = 0.01, 10
"""A contender must have room for one of the fittest functions: this share of all that fit anywhere, or so many."""


@dataclass(frozen=True)
class Room:
    """What a budget leaves at a setting.

    Attributes:
        fits: [n] which candidates keep all limits.
        best: the fittest of them.
        fitness: of that one.
        totals: of all candidates.
    """

    setting: NetworkSetting
    fits: NDArray[np.bool_]
    best: int
    fitness: float
    totals: Totals


def rooms(
    settings: Sequence[NetworkSetting],
    totals_at: Callable[[NetworkSetting], Totals],
    budget: Budget,
    fitness: Array,
) -> list[Room]:
    """What a budget leaves at each setting; settings at which no candidate fits are left out.

    Args:
        settings: to look at.
        totals_at: costs of the n candidates at a setting.
        budget: the limits.
        fitness: of the candidates, [n]; those without one are never the best.
    """
    found = []
    for setting in settings:
        totals = totals_at(setting)
        fits = (np.stack(list(budget.excess(totals).values())) <= 0).all(axis=0) & np.isfinite(fitness)
        if fits.any():
            best = int(np.where(fits, fitness, -np.inf).argmax())
            found.append(Room(setting, fits, best, float(fitness[best]), totals))
    return found


def contenders(found: Sequence[Room], fitness: Array) -> list[Room]:
    """The settings worth searching, in the order in which they are searched.

    Those that hold one of the fittest functions that fit anywhere (``FITTEST_SHARE``), and that no other one equals or
    exceeds in channels, time steps, bits and fitness. Their order is diagonal: settings of one width are ranked by time
    steps, then bits; the place of a setting is this rank plus the rank of its width, and of equal ones the wider comes
    first. So the widest setting comes first, and different widths come before many settings of one.

    Args:
        found: see ``rooms``.
        fitness: of the candidates, [n].
    """
    if not found:
        return []
    anywhere = np.unique(fitness[np.logical_or.reduce([room.fits for room in found])])
    enough = anywhere[-min(len(anywhere), max(FITTEST_AT_LEAST, ceil(FITTEST_SHARE * len(anywhere))))]
    rich = [room for room in found if room.fitness >= enough]
    points = np.array([[-value for value in (*_values(room.setting), room.fitness)] for room in rich], dtype=np.float64)
    kept = sorted((rich[index] for index in non_dominated(points)), key=lambda room: _values(room.setting))[::-1]
    widths = list(dict.fromkeys(room.setting.channels for room in kept))
    places, n_of_width = [], Counter[int]()
    for room in kept:
        width = room.setting.channels
        places.append(widths.index(width) + n_of_width[width])
        n_of_width[width] += 1
    return [kept[index] for index in np.argsort(places, kind="stable")]


def _values(setting: NetworkSetting) -> tuple[int, int, int]:
    return setting.channels, setting.timesteps, setting.weight_bits
