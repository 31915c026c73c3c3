"""Parts of a cost: what is used of each budget, and what each component takes."""

from dataclasses import dataclass
from math import inf

from neuronas.hardware.cost import Cost
from neuronas.report.facts import RunFacts

COSTED = ("area_mm2", "latency_ms", "energy_uj")
"""The quantities that have components and layers."""
_WRITTEN = {"adc": "ADC", "htree": "H-tree", "noc": "NoC", "pe": "PE"}


@dataclass(frozen=True)
class BudgetUse:
    """What the answer takes of one budget.

    Attributes:
        name: one of ``hardware.cost.BUDGETED``.
        cost: of the answer, in the unit of that name.
        limit: in the same unit; ``inf`` for none.
    """

    name: str
    cost: float
    limit: float

    @property
    def used(self) -> float | None:
        """Share of the limit, above 1 where it is broken; None where there is no limit."""
        if self.limit == inf:
            return None
        return self.cost / self.limit if self.limit else float(self.cost > 0) * 2


@dataclass(frozen=True)
class Component:
    """One component's part of area, latency and energy, under the names of ``Cost.components``.

    Attributes:
        name: for people.
        values: in the unit of each quantity; a quantity is missing where the component has no part in it.
        shares: of the answer's total, 0 to 1, likewise.
    """

    name: str
    values: dict[str, float]
    shares: dict[str, float]


def _component_word(name: str) -> str:
    """A component for people: ``tile buffer``, ``PE passes``."""
    return " ".join(_WRITTEN.get(word, word) for word in name.split("_"))


def budget_uses(run: RunFacts) -> tuple[BudgetUse, ...]:
    """The answer against each budget; empty where there is no answer."""
    if run.answer is None:
        return ()
    cost = run.answer.cost
    return tuple(BudgetUse(name, float(getattr(cost, name)), limit) for name, limit in run.budget.limits.items())


def components(cost: Cost) -> tuple[Component, ...]:
    """The components of all quantities in the model's order."""
    found = []
    for name in dict.fromkeys(name for parts in cost.components.values() for name in parts):
        values = {quantity: parts[name] for quantity, parts in cost.components.items() if name in parts}
        totals = {quantity: float(getattr(cost, quantity)) for quantity in values}
        shares = {quantity: value / totals[quantity] if totals[quantity] else 0.0 for quantity, value in values.items()}
        found.append(Component(_component_word(name), values, shares))
    return tuple(found)
