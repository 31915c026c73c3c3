"""Charts of a search: fitness against cost with the Pareto front, and fitness over the proposed candidates."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from neuronas.hardware.budget import Budget
from neuronas.hardware.pareto import non_dominated
from neuronas.hardware.units import axis_label
from neuronas.report.charts import Chart, View, colours, data, declared, domain, name, number, span
from neuronas.report.style import colour, series
from neuronas.runs.candidates import Candidates

CANDIDATES, FRONT, EXCEEDED = "candidates", "Pareto front", "over the budget"
_MOST, _FEW = 3000, 500
"""Largest number of candidates in a chart, besides those on fronts; more would make it slow to open. Fewer candidates
are drawn larger."""


def scatter(
    groups: Mapping[str, str],
    answer: str,
    look: Mapping[str, Any],
    columns: int | None = None,
    source: Callable[[str], View] | None = None,
) -> View:
    """Candidates on two axes, with their Pareto front, the answer, and the budgets that are near.

    Args:
        groups: colour of each group of candidates.
        answer: label of the answer.
        columns: columns of the legend, see ``colours``.
        look: titles of the axes ``x`` and ``y``, their limits (``x_low``, ``x_high``, …), ``step`` of the front's line,
            ``size`` and ``opacity`` of points.
        source: the data ``candidates`` (x, y, group), ``front``, ``answers`` (x, y) and ``budgets`` (x or y); None:
            the data are named, and the page's script provides them.
    """
    source = source or (lambda name: {"data": {"name": name}})
    legend = colours([*groups, FRONT, answer], [*groups.values(), colour("accent"), colour("ink")], columns=columns)
    return declared(
        "scatter",
        **{axis: number(axis, None, axis={"title": look[axis]}, **domain(look[f"{axis}_low"], look[f"{axis}_high"]))
           for axis in ("x", "y")},
        **{name: source(name)["data"] for name in ("candidates", "budgets", "front", "answers")},
        **{name: look[name] for name in ("size", "opacity", "step")},
        colours=name("group", **legend),
        answer=answer,
    )  # fmt: skip


def pareto_chart(candidates: Candidates, budget: Budget, answer: str | None, answer_name: str) -> Chart:
    """Fitness against each cost; only candidates with a fitness are shown.

    Args:
        candidates: candidates of a search.
        budget: limits of the search.
        answer: text of the architecture to mark; None for none.
        answer_name: label of that architecture.
    """
    fitness = candidates.fitness
    known = np.flatnonzero(np.isfinite(fitness))
    shown = np.intersect1d(known, candidates.representatives(_MOST))
    marked = candidates.number_of(answer) if answer else None
    views = []
    for key, limit in budget.limits.items():
        costs = candidates.costs[key]
        low, high = float(costs[known].min()), float(costs[known].max())
        front = known[non_dominated(np.stack([costs[known], -fitness[known]], axis=1))]
        rows = {
            "candidates": _points(costs, fitness, shown, group=CANDIDATES),
            "front": _points(costs, fitness, front[np.argsort(costs[front])]),
            "answers": _points(costs, fitness, [] if marked is None or not isfinite(fitness[marked]) else [marked]),
            "budgets": [{"x": limit}] if low < limit <= high + (high - low) / 4 else [],
        }
        look: dict[str, Any] = {"x": axis_label(key), "y": "fitness", "step": "step-after", "opacity": 0.8}
        near = [row["x"] for row in rows["budgets"]]
        look["x_low"], look["x_high"] = span([low, high, *near])
        look["y_low"], look["y_high"] = span(fitness[known], fenced=True)
        look["size"] = 12 if len(shown) > _FEW else 26
        view = scatter({CANDIDATES: colour("point")}, answer_name, look, 3, partial(_source, rows))
        views.append(view | {"height": 150})
    return Chart("Fitness against cost", tuple(views), columns=2)


def progress_chart(candidates: Candidates) -> Chart:
    """Fitness of the candidates in order of proposal, and the best fitness so far within the budgets."""
    best, every = "best so far", -(-len(candidates) // _MOST)
    improved = [*candidates.improvements, (len(candidates), candidates.improvements[-1][1])]
    chosen = {*range(0, len(candidates), every), *(number - 1 for number, _ in candidates.improvements)}
    known = candidates.fitness[np.isfinite(candidates.fitness)]
    rows = [
        {"number": i + 1, "fitness": float(candidates.fitness[i]), "line": CANDIDATES}
        for i in sorted(chosen)
        if isfinite(candidates.fitness[i])
    ]
    rows += [{"number": number, "fitness": fitness, "line": best} for number, fitness in improved]
    view = declared(
        "progress",
        x=number("number", "candidates proposed", **domain(0, len(candidates))),
        y=number("fitness", "fitness", **domain(*span(known, fenced=True))),
        colours=name("line", **colours((CANDIDATES, best), (colour("point"), series(0)))),
        size=8 if len(rows) > _FEW else 20,
    )
    return Chart("Best fitness so far", (data(rows) | view,))


def _source(rows: Mapping[str, list[dict[str, Any]]], name: str) -> View:
    return data(rows[name], None)


def _points(costs: Any, fitness: Any, numbers: Iterable[int], **more: str) -> list[dict[str, Any]]:
    return [{"x": float(costs[number]), "y": float(fitness[number]), **more} for number in numbers]
