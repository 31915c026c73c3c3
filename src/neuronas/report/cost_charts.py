"""Charts of an architecture's cost: against each budget, by layer, by component, over a sweep."""

from collections.abc import Sequence

from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Cost
from neuronas.hardware.sweep import Sweep, SweepPoint
from neuronas.hardware.units import axis_label, quantity, word
from neuronas.report.charts import Chart, colours, data, declared, name, name_axis, number
from neuronas.report.cost_tables import COSTED, Component, components
from neuronas.report.style import N_SERIES, colour, series
from neuronas.report.tables import share


def budget_chart(cost: Cost, budget: Budget) -> Chart:
    """The used share of each budget, as bars."""
    rows, uses = [], budget.uses(cost)
    for use in uses:
        text = f"{quantity(use.name, use.cost)}, no limit"
        if use.used is not None:
            text = f"{quantity(use.name, use.cost)} of {quantity(use.name, use.limit)}, {share(use.used)}"
        used = use.used or 0.0
        rows.append({"name": word(use.name), "used": 100 * used, "over": used > 1, "text": text})
    end = 100 * max(1.0, *(use.used or 0.0 for use in uses))
    view = declared("budget", height=38 * len(rows), names=name_axis(), end=end)
    return Chart("Cost against budget", (data(rows) | view,))


def layers_chart(cost: Cost) -> Chart:
    """Area, latency and energy of each layer with nonzero cost, as shares of the totals."""
    totals = {key: _total(cost, key) for key in COSTED}
    rows = [
        {
            "layer": row.layer.name,
            "quantity": totals[key],
            "share": 100 * getattr(row, key) / (getattr(cost, key) or 1.0),
            "amount": quantity(key, getattr(row, key)),
        }
        for row in cost.layers
        if row.area_mm2 or row.latency_ms or row.energy_uj
        for key in COSTED
    ]
    shades = [series(number) for number in range(len(totals))]
    legend = colours(list(totals.values()), shades, beside=[row["layer"] for row in rows])
    view = declared("layers", height=6 * len(rows), names=name_axis("layer"), colours=name("quantity", **legend))
    return Chart("Cost by layer", (data(rows) | view,))


def components_chart(cost: Cost) -> Chart:
    """Area, latency and energy, each as a bar of its components; the smallest are combined."""
    parts = _largest(components(cost), N_SERIES)
    rows = [
        {
            "quantity": _total(cost, key),
            "component": part.name,
            "share": 100 * part.shares[key],
            "order": order,
            "amount": quantity(key, part.values[key]),
        }
        for order, part in enumerate(parts)
        for key in COSTED
        if key in part.shares
    ]
    shades = [*(series(number) for number in range(N_SERIES)), colour("soft")]
    names, totals = [part.name for part in parts], [_total(cost, key) for key in COSTED]
    view = declared(
        "components",
        height=30 * len(COSTED),
        names=name_axis("quantity") | {"sort": totals},
        colours=name("component", **colours(names, shades[: len(names)], beside=totals)),
    )
    return Chart("Cost by component", (data(rows) | view,))


def sweep_chart(sweep: Sweep, points: Sequence[SweepPoint], model: str) -> Chart:
    """Area, latency and energy over the swept constant."""
    rows = [{"value": point.value} | {key: getattr(point.cost, key) for key in COSTED} for point in points]
    values = [point.value for point in points]
    views = tuple(
        data(rows) | declared("sweep", constant=sweep.key, values=values, y=number(key, axis_label(key)))
        for key in COSTED
    )
    return Chart(f"Estimates of cost model '{model}'", views, columns=len(views), width=900)


def _total(cost: Cost, key: str) -> str:
    return f"{word(key)}, {quantity(key, getattr(cost, key))}"


def _largest(parts: tuple[Component, ...], n: int) -> list[Component]:
    """The n components with the largest share of any quantity, in their order, and the rest as one component."""
    if len(parts) <= n + 1:
        return list(parts)
    kept = sorted(parts, key=lambda one: max(one.shares.values()), reverse=True)[:n]
    rest = [one for one in parts if one not in kept]
    shares = {name: sum(one.shares.get(name, 0.0) for one in rest) for name in COSTED}
    values = {name: sum(one.values.get(name, 0.0) for one in rest) for name in COSTED}
    return [*(one for one in parts if one in kept), Component(f"{len(rest)} others", values, shares)]
