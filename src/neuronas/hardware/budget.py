"""Budgets: limits on parameters, area, latency and energy, and by how much a cost exceeds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from neuronas.hardware.cost import BUDGETED, Array, Cost, Totals
from neuronas.hardware.units import quantity


@dataclass(frozen=True)
class Budget:
    """Upper limits in the units of the names; ``inf`` means no limit. A cost equal to its limit fits."""

    max_parameters: float = inf
    max_area_mm2: float = inf
    max_latency_ms: float = inf
    max_energy_uj: float = inf

    @property
    def limits(self) -> dict[str, float]:
        """Limit of each budgeted quantity."""
        return {name: getattr(self, f"max_{name}") for name in BUDGETED}

    def excess(self, cost: Totals | Cost) -> dict[str, Array]:
        """Cost minus limit: above 0 is a violation, 0 or less fits. -inf where there is no limit."""
        return {name: np.asarray(getattr(cost, name) - limit) for name, limit in self.limits.items()}

    def relative_excess(self, totals: Totals) -> Array:
        """[n, 4] excess as a share of its limit (the cost itself where the limit is 0, -inf where there is none)."""
        return np.stack([_relative(getattr(totals, name), limit) for name, limit in self.limits.items()], axis=1)

    def violations(self, cost: Cost) -> dict[str, float]:
        """The limits that a cost violates, with the excess in the unit of the quantity (above 0)."""
        return {name: float(excess) for name, excess in self.excess(cost).items() if excess > 0}


PAPER_BUDGET = Budget(max_parameters=10e6, max_area_mm2=1000, max_latency_ms=500, max_energy_uj=1000)
"""NeuroNAS's budgets (arXiv 2407.00641, section IV): 10M parameters, 1000 mm2, 500 ms, 1000 uJ."""


@dataclass(frozen=True)
class Closest:
    """The candidate closest to a budget that no candidate fits.

    Attributes:
        index: index of the candidate.
        name: the quantity with the largest relative excess.
        value: cost of the candidate in this quantity.
        limit: its limit.
        relative: excess divided by the limit (the cost itself if the limit is 0).
    """

    index: int
    name: str
    value: float
    limit: float
    relative: float

    def describe(self) -> str:
        """One clause for messages: the violated limit and the excess."""
        over = self.value - self.limit
        share = f", {over / self.limit:,.1%}" if self.limit else ""
        value, limit, more = (quantity(self.name, one) for one in (self.value, self.limit, over))
        return f"the closest misses {self.name}: {value} against a limit of {limit} ({more} over{share})"


def closest(budget: Budget, totals: Totals) -> Closest:
    """Among candidates that all break the budget, the one whose worst relative excess is smallest."""
    relative = budget.relative_excess(totals)
    index = int(relative.max(axis=1).argmin())
    name = BUDGETED[int(relative[index].argmax())]
    return Closest(index, name, float(getattr(totals, name)[index]), budget.limits[name], float(relative[index].max()))


def _relative(values: Array, limit: float) -> Array:
    if limit == inf:
        return np.full_like(values, -inf)
    return (values - limit) / limit if limit else values


def rejected(excess: Mapping[str, Array]) -> list[tuple[str, ...]]:
    """For each candidate, the names of the limits that it violates (empty: it fits)."""
    names = list(excess)
    broken = np.stack([excess[name] > 0 for name in names], axis=1)
    return [tuple(name for name, bad in zip(names, row, strict=True) if bad) for row in broken]
