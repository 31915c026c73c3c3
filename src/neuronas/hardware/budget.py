"""Budgets: limits on parameters, area, latency and energy, and the excess of a cost over them."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from neuronas.hardware.units import BUDGETED, quantity, word

if TYPE_CHECKING:
    from neuronas.hardware.cost import Array, Totals
    from neuronas.hardware.silicon.spread import Spread


class Costed(Protocol):
    """An object with the four quantities, such as a cost or a document."""

    @property
    def parameters(self) -> int:
        """Number of weights."""

    @property
    def area_mm2(self) -> float:
        """Area in mm²."""

    @property
    def latency_ms(self) -> float:
        """Latency per image in ms."""

    @property
    def energy_uj(self) -> float:
        """Energy per image in µJ."""


@dataclass(frozen=True)
class BudgetUse:
    """The use of one budget by an architecture.

    Attributes:
        name: one of ``hardware.units.BUDGETED``.
        cost: cost, in the unit of the name.
        limit: limit in the same unit; ``inf``: no limit.
        judged: value compared with the limit: the cost, or its upper bound at the requested confidence.
        fits: probability that the limit is met, 0 to 1, given the uncertainty of the arrays' part; None: not known.
    """

    name: str
    cost: float
    limit: float
    judged: float
    fits: float | None = None

    @property
    def used(self) -> float | None:
        """Share of the limit, above 1 if it is exceeded; None if there is no limit."""
        if self.limit == inf:
            return None
        return self.judged / self.limit if self.limit else float(self.judged > 0) * 2

    @property
    def excess(self) -> float:
        """``judged`` minus limit, in the unit of the name; above 0 if the limit is broken."""
        return self.judged - self.limit

    @property
    def is_broken(self) -> bool:
        """Whether the limit is broken."""
        return self.excess > 0


@dataclass(frozen=True)
class Budget:
    """Upper limits in the units of the names; ``inf`` means no limit. A cost equal to its limit fits.

    Attributes:
        confidence: latency and energy are compared by their upper bound at this confidence; None: by their estimate.
        spreads: spread of measured arrays around their estimates, by quantity; see ``hardware.mapped.intervals``.
    """

    max_parameters: float = inf
    max_area_mm2: float = inf
    max_latency_ms: float = inf
    max_energy_uj: float = inf
    confidence: float | None = None
    spreads: "Mapping[str, Spread]" = field(default_factory=dict, compare=False)

    @property
    def limits(self) -> dict[str, float]:
        """Limit of each budgeted quantity."""
        return {name: getattr(self, f"max_{name}") for name in BUDGETED}

    def only(self, names: Container[str]) -> "Budget":
        """The budget restricted to the limits on these quantities."""
        kept: dict[str, Any] = {f"max_{name}": limit if name in names else inf for name, limit in self.limits.items()}
        return replace(self, **kept)

    def judged(self, totals: "Totals") -> "dict[str, Array]":
        """[n] values compared with each limit: the cost, with its arrays' part at the upper bound if requested."""
        found = {name: getattr(totals, name) for name in BUDGETED}
        for name, factor in self._factors.items():
            array = getattr(totals, f"array_{name}", None)
            if array is not None:
                found[name] = found[name] + (factor - 1) * array
        return found

    @property
    def _factors(self) -> dict[str, float]:
        """Factors on the arrays' part of a cost before it is compared with the limit."""
        if self.confidence is None:
            return {}
        return {name: spread.below(self.confidence) for name, spread in self.spreads.items()}

    def excess(self, totals: "Totals") -> "dict[str, Array]":
        """[n] cost minus limit: above 0 is a violation, 0 or less fits. -inf where there is no limit."""
        judged = self.judged(totals)
        return {name: judged[name] - limit for name, limit in self.limits.items()}

    def relative_excess(self, totals: "Totals") -> "Array":
        """[n, 4] excess as a share of the limit (the cost itself if the limit is 0, -inf if there is no limit)."""
        import numpy as np

        judged = self.judged(totals)
        return np.stack([_relative(judged[name], limit) for name, limit in self.limits.items()], axis=1)

    def uses(self, cost: Costed) -> tuple[BudgetUse, ...]:
        """Compare a cost with each limit."""
        return tuple(self._use(cost, name, limit) for name, limit in self.limits.items())

    def _use(self, cost: Costed, name: str, limit: float) -> BudgetUse:
        value = float(getattr(cost, name))
        interval = getattr(cost, "intervals", {}).get(name)  # only of a model that is compared with silicon
        if interval is None or name not in self.spreads:
            return BudgetUse(name, value, limit, value)
        array, judged = interval.array, value + (self._factors.get(name, 1.0) - 1) * interval.array
        if limit == inf or not array:
            return BudgetUse(name, value, limit, judged)
        return BudgetUse(name, value, limit, judged, self.spreads[name].share_below((limit - value + array) / array))

    def violations(self, cost: Costed) -> dict[str, float]:
        """The limits that a cost violates, with the excess in the unit of the quantity (above 0)."""
        return {use.name: use.excess for use in self.uses(cost) if use.is_broken}


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
        return f"the closest misses {word(self.name)}: {value} against a limit of {limit} ({more} over{share})"


def closest(budget: Budget, totals: "Totals") -> Closest:
    """Among candidates that all violate the budget, the one with the smallest worst relative excess."""
    relative = budget.relative_excess(totals)
    index, limit = least_worst(relative)
    name = BUDGETED[limit]
    value = float(budget.judged(totals)[name][index])
    return Closest(index, name, value, budget.limits[name], float(relative[index, limit]))


def least_worst(excess: "Array") -> tuple[int, int]:
    """Of n candidates with the excess [n, limits], the one whose largest excess is smallest, and the limit it is of."""
    index = int(excess.max(axis=1).argmin())
    return index, int(excess[index].argmax())


def _relative(values: "Array", limit: float) -> "Array":
    if limit == inf:
        import numpy as np

        return np.full_like(values, -inf)
    return (values - limit) / limit if limit else values


def rejected(excess: "Mapping[str, Array]") -> list[tuple[str, ...]]:
    """For each candidate, the names of the limits that it violates (empty: it fits)."""
    import numpy as np

    names = list(excess)
    broken = np.stack([excess[name] > 0 for name in names], axis=1)
    return [tuple(name for name, bad in zip(names, row, strict=True) if bad) for row in broken]
