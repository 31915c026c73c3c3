"""Tables of cost: against a budget, by layer, by component, by cost model, over a sweep, along a Pareto front."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from neuronas.hardware.budget import Budget, BudgetUse
from neuronas.hardware.cost import Cost
from neuronas.hardware.sweep import Sweep, SweepPoint
from neuronas.hardware.units import BUDGETED, UNITS, component_name, quantity, with_range, word
from neuronas.report.style import resource
from neuronas.report.tables import Table, aligned, share
from neuronas.runs.costs import CostSummary
from neuronas.runs.history_file import TARGET
from neuronas.space.shape import Side, size_of

if TYPE_CHECKING:
    from neuronas.runs.candidates import Candidates
    from neuronas.runs.costs import HardwareComparison
    from neuronas.runs.results import ParetoFront

COSTED = ("area_mm2", "latency_ms", "energy_uj")
"""The quantities that have components and layers."""
MOST_FRONT_ROWS = 20


@dataclass(frozen=True)
class Component:
    """Contribution of one component to area, latency and energy.

    Attributes:
        name: readable name: ``tile buffer``, ``PE passes``.
        values: contribution to each quantity, in its unit; quantities without a contribution are left out.
        shares: share of the total of each quantity, 0 to 1; quantities without a contribution are left out.
    """

    name: str
    values: dict[str, float]
    shares: dict[str, float]


@cache
def counted() -> tuple[dict[str, str], ...]:
    """How each cost model treats each aspect (``what``) of a chip; equations: ``docs/reference/cost-equations.md``."""
    return tuple(json.loads(resource("cost-models.json")))


def components(cost: Cost) -> tuple[Component, ...]:
    """The components of all quantities, in the cost model's order."""
    found = []
    for name in dict.fromkeys(name for parts in cost.components.values() for name in parts):
        values = {quantity: parts[name] for quantity, parts in cost.components.items() if name in parts}
        totals = {quantity: float(getattr(cost, quantity)) for quantity in values}
        shares = {quantity: value / totals[quantity] if totals[quantity] else 0.0 for quantity, value in values.items()}
        found.append(Component(component_name(name), values, shares))
    return tuple(found)


def budget_table(cost: CostSummary, budget: Budget, *, judges_other: bool = True) -> Table:
    """Cost by both models against each limit; exceeded limits are marked.

    Args:
        cost: cost.
        budget: limits.
        judges_other: whether the limits also hold for the cost by the other model.
    """
    rows, alerts, bars, known = [], [], [], any(use.fits is not None for use in budget.uses(cost))
    for number, (use, other) in enumerate(zip(budget.uses(cost), budget.uses(cost.other_model), strict=True)):
        name, used = use.name, use.used
        broken = ((1, use.is_broken), (3, use.is_broken), (5 + known, judges_other and other.is_broken))
        alerts += [(number, column) for column, is_broken in broken if is_broken]
        margin = f"over by {quantity(name, use.excess)}" if use.is_broken else "" if used is None else share(1 - used)
        amounts = (with_range(name, use.cost, cost.intervals.get(name)), quantity(name, use.limit))
        fits = (("" if use.fits is None else f"{use.fits:.0%}"),) if known else ()
        shares = ("" if used is None else share(used), *fits)
        rows.append((word(name), *amounts, margin, *shares, quantity(name, other.cost)))
        bars.append(used)
    other_title = f"cost ({cost.other_model.cost_model})"
    titles = ("", f"cost ({cost.cost_model})", "budget", "margin", "used", *(["fits"] if known else []), other_title)
    return Table("Cost against budget", titles, tuple(rows), alerts=alerts, bars={4: bars})


def disagreements(cost: CostSummary, budget: Budget) -> tuple[str, ...]:
    """A sentence for each limit that is kept by one cost model and exceeded by the other."""
    found = []
    for pair in zip(budget.uses(cost), budget.uses(cost.other_model), strict=True):
        (kept, model), (broken, other) = sorted(
            zip(pair, (cost.cost_model, cost.other_model.cost_model), strict=True), key=lambda one: one[0].is_broken
        )
        if broken.is_broken and not kept.is_broken:
            found.append(
                f"{word(kept.name)}: the budget of {quantity(kept.name, kept.limit)} is kept by cost model '{model}' "
                f"and broken by '{other}' ({quantity(broken.name, broken.cost)}{_bound(broken)})"
            )
    return tuple(found)


def _bound(use: BudgetUse) -> str:
    """The bound that is compared with the limit, if it is not the cost itself."""
    if use.judged == use.cost:
        return ""
    return f", up to {quantity(use.name, use.judged)} with the confidence asked for"


def limits_table(candidates: "Candidates", budget: Budget) -> Table:
    """Number of candidates of a search that exceeded each limit, and the range of their costs."""
    rows = []
    for name, limit in budget.limits.items():
        n_broken, n_only = candidates.breaks(name)
        costs = candidates.costs[name]
        span = f"{quantity(name, float(costs.min()))} to {quantity(name, float(costs.max()))}"
        part = share(n_broken / len(candidates))
        rows.append((word(name), quantity(name, limit), f"{n_broken:,}", f"{n_only:,}", part, span))
    n_broken, n_only = candidates.breaks(TARGET)
    parts = [candidates.breaks(name)[0] / len(candidates) for name in budget.limits]
    if n_broken:
        rows.append(("chip", "target", f"{n_broken:,}", f"{n_only:,}", share(n_broken / len(candidates)), "–"))
        parts.append(n_broken / len(candidates))
    titles = ("limit on", "budget", "exceeded it", "exceeded only it", "share that exceeded it", "candidates cost")
    return Table("Candidates by limit", titles, tuple(rows), bars={4: parts})


def layer_table(cost: Cost) -> Table:
    """One row for each layer; layers that the model does not count are marked.

    A column of weight bits is added if they differ between layers.
    """
    amounts = (aligned([getattr(row, name) for row in cost.layers]) for name in COSTED)
    rows = tuple(
        (
            row.layer.name,
            row.layer.kind,
            *(texts if row.area_mm2 or row.energy_uj else ("not counted", "", "")),
            f"{row.layer.in_channels}→{row.layer.out_channels}",
            _size(size_of(row.layer.kernel)) if row.layer.kernel else "",
            f"{_size(row.layer.in_side)}→{_size(row.layer.out_side)}",
            *((str(row.weight_bits or ""),) if cost.is_mixed else ()),
            *((f"{row.n_crossbars:,}", f"{row.n_pes:,}", f"{row.n_tiles:,}", share(row.utilisation))
              if row.n_crossbars else ("", "", "", "")),
        )
        for row, *texts in zip(cost.layers, *amounts, strict=True)
    )  # fmt: skip
    units = (UNITS[name] for name in COSTED)
    shape = ("channels", "kernel", "side", *(("bits",) if cost.is_mixed else ()))
    titles = ("layer", "kind", *units, *shape, "crossbars", "PEs", "tiles", "used")
    bars = {}
    for column, key in enumerate(COSTED, start=2):
        largest = max((getattr(row, key) for row in cost.layers), default=0.0)
        bars[column] = [getattr(row, key) / largest if largest and getattr(row, key) else None for row in cost.layers]
    return Table("Cost by layer", titles, rows, text_columns=(0, 1), bars=bars)


def _size(side: Side) -> str:
    return str(side) if isinstance(side, int) else "×".join(map(str, side))


def component_table(cost: Cost) -> Table:
    """One row for each component, with its share of each total."""
    parts = components(cost)
    columns: list[Sequence[str]] = [[one.name for one in parts]]
    bars = {}
    for name in COSTED:
        bars[len(columns) + 1] = [one.shares.get(name) for one in parts]
        columns.append(aligned([one.values.get(name) for one in parts]))
        columns.append([share(one.shares[name]) if name in one.shares else "" for one in parts])
    titles = ("component", *(title for name in COSTED for title in (UNITS[name], "share")))
    return Table("Cost by component", titles, tuple(zip(*columns, strict=True)), bars=bars)


def model_table(costs: Mapping[str, Cost], chosen: str) -> Table:
    """Cost of one architecture by all cost models, then how each model treats each aspect."""
    titles = ("cost model", *(f"{name} (chosen)" if name == chosen else name for name in costs))
    totals = [(word(name), *(quantity(name, getattr(cost, name)) for cost in costs.values())) for name in BUDGETED]
    aspects = [(one["what"], *(one.get(name, "") for name in costs)) for one in counted()]
    return Table("Cost models", titles, (*totals, *aspects), text_columns=range(len(titles)))


def sweep_table(sweep: Sweep, points: Sequence[SweepPoint]) -> Table:
    """One row for each value of the swept constant."""
    rows = []
    for point in points:
        n_crossbars = sum(row.n_crossbars for row in point.cost.layers)
        used = sum(row.n_crossbars * row.utilisation for row in point.cost.layers) / max(n_crossbars, 1)
        n_tiles = sum(row.n_tiles for row in point.cost.layers)
        costs = (quantity(name, getattr(point.cost, name)) for name in BUDGETED)
        rows.append((f"{point.value:g}", f"{n_tiles:,}", share(used), *costs))
    titles = (sweep.key, "tiles", "used", *map(word, BUDGETED))
    return Table(f"Cost over {sweep.key}", titles, tuple(rows), text_columns=())


def hardware_table(compared: "HardwareComparison") -> Table:
    """Cost of a network on every accelerator; exceeded limits are marked."""
    rows, alerts = [], []
    for number, chip in enumerate(compared.chips):
        costs = (with_range(name, getattr(chip, name), chip.intervals.get(name)) for name in COSTED)
        rows.append((chip.hardware, f"{chip.technology_nm:g} nm", f"{chip.rows_per_read:,}", *costs, chip.description))
        alerts += [(number, 3 + COSTED.index(name)) for name in chip.violations if name in COSTED]
    titles = ("chip", "node", "rows read", *map(word, COSTED), "")
    return Table("The network on every chip", titles, tuple(rows), text_columns=(0, len(titles) - 1), alerts=alerts)


def front_table(front: "ParetoFront") -> Table:
    """The fittest members of a Pareto front; the chosen one is marked."""
    rows = tuple(
        (
            "*" if one.architecture == front.chosen else "",
            f"{one.fitness:.6g}",
            *(quantity(name, getattr(one, name)) for name in BUDGETED),
            one.architecture,
        )
        for one in front.front[:MOST_FRONT_ROWS]
    )
    titles = ("", "fitness", *map(word, BUDGETED), "architecture")
    return Table("Pareto front", titles, rows, text_columns=(0, len(titles) - 1))
