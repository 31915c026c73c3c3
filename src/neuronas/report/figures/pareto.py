"""Pareto views: fitness against each cost, with the front, the budgets and the answer."""

from math import inf, isfinite

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.pareto import non_dominated
from neuronas.hardware.units import axis_label
from neuronas.report.facts import RunFacts
from neuronas.report.figures.curves import FEW, RASTER_FROM
from neuronas.report.figures.style import BLUE, INK, SKY, VERMILION, legend_above, new_figure, plain_numbers
from neuronas.runs.candidates import Candidates


def pareto_figure(run: RunFacts, candidates: Candidates) -> Figure:
    """Four panels; only candidates with a fitness are shown."""
    known = np.isfinite(candidates.fitness)
    fitness = candidates.fitness[known]
    chosen = candidates.number_of(run.answer.text) if run.answer else None
    name_of_answer = "answer" if run.is_answered else "best so far"
    figure = new_figure(3.3)
    for axes, name in zip(figure.subplots(2, 2, sharey=True).flat, BUDGETED, strict=True):
        costs = candidates.costs[name]
        _panel(axes, costs[known], fitness)
        if chosen is not None and isfinite(candidates.fitness[chosen]):
            answer = costs[chosen], candidates.fitness[chosen]
            axes.plot(*answer, "o", markersize=6, markerfacecolor="none", color=INK, label=name_of_answer)
        limit = run.budget.limits[name]
        low, high = axes.get_xlim()
        if limit != inf and low < limit <= high:
            axes.axvline(limit, color=VERMILION, linewidth=0.9, linestyle="--", label="budget")
        axes.set_xlabel(axis_label(name))
        axes.locator_params(axis="x", nbins=4)
        plain_numbers(axes.xaxis, axes.yaxis)
    for axes in figure.axes[::2]:
        axes.set_ylabel("fitness")
    legend_above(figure)
    return figure


def _panel(axes: Axes, costs: np.ndarray, fitness: np.ndarray) -> None:
    axes.plot(
        costs,
        fitness,
        linestyle="none",
        marker=".",
        markersize=2.5 if len(fitness) > FEW else 4,
        markeredgewidth=0,
        color=SKY,
        label="candidates",
        rasterized=len(fitness) > RASTER_FROM,
    )
    front = non_dominated(np.stack([costs, -fitness], axis=1))
    front.sort(key=lambda index: float(costs[index]))
    axes.plot(costs[front], fitness[front], color=BLUE, drawstyle="steps-post", marker="o", markersize=2,
              label="Pareto front")  # fmt: skip
