"""Selects the network settings (channels, time steps, weight bits) that may be the best ones under a budget.

Fitness ranks the same functions almost equally at every width, number of time steps and precision, so that one survey
of the cells is used for all settings. Cost is a closed form: every surveyed candidate is costed at every setting. The
selection assumes that more channels, more time steps or more bits never make a trained network worse; no measurement of
the run tests this. Under this assumption, a setting need not be searched if another one equals or exceeds it in all
three and has cells at least as fit. A short training decides among the remaining settings.
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
"""Fittest functions: this share of those that fit at any setting, at least so many. A setting must fit one of them."""


@dataclass(frozen=True)
class Room:
    """The candidates that fit a budget at one setting.

    Attributes:
        fits: [n] whether each candidate meets all limits.
        best: index of the fittest of these.
        fitness: fitness of that candidate.
        totals: costs of all candidates.
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
    """The candidates that fit a budget at each setting; settings at which no candidate fits are left out.

    Args:
        settings: the settings.
        totals_at: function from a setting to the costs of the n candidates.
        budget: the limits.
        fitness: [n] fitness of the candidates; candidates without one are never the best.
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
    """The settings to search, in search order.

    A setting is selected if it fits one of the fittest functions (``FITTEST_SHARE``) and no other setting equals or
    exceeds it in channels, time steps, bits and fitness. The order is diagonal: settings of one width are ranked by
    time steps, then bits; a setting's position is this rank plus the rank of its width, with ties broken by width
    (wider first). So the widest setting comes first, and several widths come before many settings of one width.

    Args:
        found: result of ``rooms``.
        fitness: [n] fitness of the candidates.
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
