"""What the answer costs: against each budget, by layer, and by component."""

from matplotlib.figure import Figure

from neuronas.hardware.cost import Cost
from neuronas.hardware.units import axis_label, quantity, word
from neuronas.report.cost_tables import COSTED, BudgetUse, Component, components
from neuronas.report.figures.style import BLUE, COLOURS, FAINT, INK, SOFT, VERMILION, new_figure, plain_numbers
from neuronas.report.tables import share

_ROW_INCHES = 0.145


def budget_figure(uses: tuple[BudgetUse, ...]) -> Figure:
    """A bar for each budget: how much of it is used."""
    figure = new_figure(0.5 + 0.31 * len(uses))
    axes = figure.subplots()
    end = 100 * max(1.0, *(use.used or 0.0 for use in uses))
    for row, use in enumerate(uses):
        used = 100 * (use.used or 0.0)
        over = used > 100
        axes.barh(row, end, 0.42, color=FAINT, alpha=0.45)
        axes.barh(row, used, 0.42, color=VERMILION if over else BLUE, hatch="////" if over else None, linewidth=0)
        text = f"{quantity(use.name, use.cost)}, no limit"
        if use.used is not None:
            text = f"{quantity(use.name, use.cost)} of {quantity(use.name, use.limit)}, {share(use.used)}"
        axes.text(0.01 * end, row - 0.4, text, va="center_baseline", fontsize=6.5)
    rows = range(len(uses))
    axes.vlines([100] * len(uses), [row - 0.21 for row in rows], [row + 0.3 for row in rows], color=INK, linewidth=1.2)
    axes.set_ylim(len(uses) - 0.65, -0.75)
    axes.set_yticks(rows, [word(use.name) for use in uses])
    axes.set_xlim(0, 1.03 * end)
    axes.set_xlabel("used share of the budget in %")
    axes.tick_params(left=False)
    plain_numbers(axes.xaxis)
    return figure


def layers_figure(cost: Cost) -> Figure:
    """A row for each layer that costs something, a panel for each quantity."""
    rows = [row for row in cost.layers if row.area_mm2 or row.latency_ms or row.energy_uj]
    figure = new_figure(0.55 + _ROW_INCHES * len(rows))
    for axes, name, colour in zip(figure.subplots(1, len(COSTED), sharey=True), COSTED, COLOURS, strict=False):
        axes.barh(range(len(rows)), [getattr(row, name) for row in rows], 0.7, color=colour)
        axes.set_xlabel(axis_label(name))
        axes.locator_params(axis="x", nbins=3)
        axes.grid(axis="x")
        axes.tick_params(axis="y", left=False)
        plain_numbers(axes.xaxis)
    first = figure.axes[0]
    first.set_yticks(range(len(rows)), [row.layer.name for row in rows])
    first.set_ylim(len(rows) - 0.4, -0.6)
    return figure


def components_figure(cost: Cost) -> Figure:
    """A bar for each quantity, in its components; the smallest together as others."""
    drawn = _largest(components(cost), len(COLOURS))
    figure = new_figure(1.1 + 0.12 * ((len(drawn) + 2) // 3))
    axes = figure.subplots()
    ends = dict.fromkeys(COSTED, 0.0)
    for one, colour in zip(drawn, (*COLOURS, SOFT), strict=False):
        widths = [100 * one.shares.get(name, 0.0) for name in COSTED]
        axes.barh(range(len(COSTED)), widths, 0.62, [ends[name] for name in COSTED], color=colour, label=one.name,
                  edgecolor="white", linewidth=0.4)  # fmt: skip
        ends = {name: ends[name] + width for name, width in zip(COSTED, widths, strict=True)}
    axes.set_yticks(range(len(COSTED)), [f"{word(name)}, {quantity(name, getattr(cost, name))}" for name in COSTED])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the total in %")
    axes.tick_params(left=False)
    figure.legend(loc="outside upper center", ncols=3, handlelength=1, columnspacing=1.2)
    return figure


def _largest(parts: tuple[Component, ...], n: int) -> list[Component]:
    """The n components with the largest share of anything, in their order, and what is left as one."""
    if len(parts) <= n + 1:
        return list(parts)
    kept = sorted(parts, key=lambda one: max(one.shares.values()), reverse=True)[:n]
    rest = [one for one in parts if one not in kept]
    shares = {name: sum(one.shares.get(name, 0.0) for one in rest) for name in COSTED}
    values = {name: sum(one.values.get(name, 0.0) for one in rest) for name in COSTED}
    return [*(one for one in parts if one in kept), Component(f"{len(rest)} others", values, shares)]
