"""Selects the network settings (channels, time steps, weight bits) that may be the best ones under a budget.

Fitness of cells ranks the same functions almost equally at every width, number of time steps and precision, so that one
survey of the cells is used for all settings. Cost is a closed form: every surveyed candidate is costed at every
setting. The selection assumes that more channels, more time steps or more bits never make a trained network worse; no
measurement of the run tests this. Under this assumption, a setting need not be searched if another one equals or
exceeds it in all three and has candidates at least as fit. The others are ordered by the fitness of their fittest
candidate if the measure compares networks of different size (``by_fitness``), otherwise by size (``diagonal``). A short
training decides among the first ones.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from neuronas.config import bits_rank
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
        fitness: fitness of that candidate at this setting.
        totals: costs of all candidates.
    """

    setting: NetworkSetting
    fits: NDArray[np.bool_]
    best: int
    fitness: float
    totals: Totals


def rooms(
    settings: Sequence[NetworkSetting],
    values_at: Callable[[NetworkSetting], tuple[Totals, Array]],
    budget: Budget,
) -> list[Room]:
    """The candidates that fit a budget at each setting; settings at which no candidate fits are left out.

    Args:
        settings: the settings.
        values_at: function from a setting to the costs of the n candidates and their fitness, [n]; candidates without
            fitness (NaN) are never the best.
        budget: the limits.
    """
    found = []
    for setting in settings:
        totals, fitness = values_at(setting)
        fits = (np.stack(list(budget.excess(totals).values())) <= 0).all(axis=0) & np.isfinite(fitness)
        if fits.any():
            best = int(np.where(fits, fitness, -np.inf).argmax())
            found.append(Room(setting, fits, best, float(fitness[best]), totals))
    return found


def by_fitness(found: Sequence[Room]) -> list[Room]:
    """The settings to search, the fittest first, if fitness compares networks of different size.

    A setting is left out if another one equals or exceeds it in channels, time steps, bits and fitness.

    Args:
        found: result of ``rooms``.
    """
    return sorted(_not_exceeded(found), key=lambda room: (room.fitness, _values(room.setting)), reverse=True)


def diagonal(found: Sequence[Room], fitness: Array) -> list[Room]:
    """The settings to search, in search order, if fitness only compares cells.

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
    kept = sorted(_not_exceeded(rich), key=lambda room: _values(room.setting), reverse=True)
    widths = list(dict.fromkeys(room.setting.channels for room in kept))
    places, n_of_width = [], Counter[int]()
    for room in kept:
        width = room.setting.channels
        places.append(widths.index(width) + n_of_width[width])
        n_of_width[width] += 1
    return [kept[index] for index in np.argsort(places, kind="stable")]


def _not_exceeded(found: Sequence[Room]) -> list[Room]:
    """The settings that no other one equals or exceeds in all three values and in fitness."""
    if not found:
        return []
    points = np.array([[-value for value in (*_values(room.setting), room.fitness)] for room in found], np.float64)
    return [found[index] for index in non_dominated(points)]


def _values(setting: NetworkSetting) -> tuple[int, int, float]:
    return setting.channels, setting.timesteps, bits_rank(setting.weight_bits)[0]
