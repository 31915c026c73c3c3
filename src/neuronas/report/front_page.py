"""The page of a Pareto front of networks and chips: answer, parallel coordinates, pairs of objectives, axis effects."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from neuronas.hardware.design_space import FREE
from neuronas.report import front_tables
from neuronas.report.charts import Chart, View, colours, data, declared, name, name_axis, number, span
from neuronas.report.front_tables import NAMES, OBJECTIVES, amount, factor
from neuronas.report.page import single_page
from neuronas.report.rendering import render
from neuronas.report.style import colour, series
from neuronas.runs.design_fronts import DesignFront, DesignPoint
from neuronas.runs.network_setting import setting_values

_MOST = 400
"""Largest number of designs in a chart; more would make the page slow to open."""
_TITLES = {"front": "Answer", "designs": "Designs", "effects": "Axes"}
_CHIP = tuple(name for name in FREE if name != "schedule")
"""Axes of the chip. All designs of a front have the same schedule."""
_CHOSEN, _OTHERS = "chosen", "on the front"
GROUPS = {_OTHERS: series(0), _CHOSEN: colour("ink")}
"""Colour of each group of designs."""


def front_page(front: DesignFront, members: Sequence[DesignPoint]) -> str:
    """The page.

    Args:
        front: the document of the front.
        members: all designs on the front.
    """
    shown = _some(front, members)
    drawn = {"parallel": _parallel(front, shown), "pairs": _pairs(front, shown), "effects": _effects(front)}
    values: dict[str, Any] = {"front": front, "members": shown, "drawn": drawn, "front_tables": front_tables}
    sections = {key: render(f"sections/{key}.html", id=key, title=title, **values) for key, title in _TITLES.items()}
    return single_page(f"Designs for {front.dataset}", _TITLES, sections, drawn)


def _some(front: DesignFront, members: Sequence[DesignPoint]) -> list[DesignPoint]:
    """At most ``_MOST`` designs, evenly spread over the front by energy, including the chosen and the extreme ones."""
    ranked = sorted(members, key=lambda one: (one.energy_uj, one.area_mm2))
    chosen = np.unique(np.linspace(0, len(ranked) - 1, min(len(ranked), _MOST)).round().astype(int))
    spread = [ranked[row] for row in chosen]
    others = {one.model_dump_json(): one for one in (*spread, *front.extremes.values()) if one != front.chosen}
    return [*others.values(), front.chosen]  # drawn last


def _group(front: DesignFront, one: DesignPoint) -> str:
    return _CHOSEN if one == front.chosen else _OTHERS


def _colours() -> View:
    return name("group", **colours([*GROUPS], [*GROUPS.values()]))


def _parallel(front: DesignFront, shown: Sequence[DesignPoint]) -> Chart:
    """Parallel coordinates: each design as a line over axes and objectives."""
    axes = setting_values([one.setting for one in shown])
    axes |= {axis: [getattr(one, axis) for one in shown] for axis in _CHIP}
    axes = {axis: values for axis, values in axes.items() if len(set(values)) > 1}
    costs = {objective: [getattr(one, objective) for one in shown] for objective in OBJECTIVES}
    titles = [*(axis.replace("_", " ") for axis in axes), *NAMES.values()]
    texts = [list(map(str, values)) for values in axes.values()]
    texts += [[amount(objective, value) for value in values] for objective, values in costs.items()]
    heights = [_heights(values, is_cost=False) for values in axes.values()]
    heights += [_heights(values, is_cost=True) for values in costs.values()]
    rows = [
        {
            "number": number_of, "axis": title, "height": height[number_of], "group": _group(front, one),
            "design": one.text, "text": text[number_of],
        }
        for number_of, one in enumerate(shown)
        for title, height, text in zip(titles, heights, texts, strict=True)
    ]  # fmt: skip
    view = declared(
        "parallel",
        x={"field": "axis", "type": "nominal", "sort": titles, "title": None, "axis": {"labelAngle": -40}},
        y=number("height", None, axis=None, scale={"domain": [0, 1]}),
        colours=_colours(),
    )
    return Chart("Parallel coordinates", (data(rows) | view,))


def _heights(values: Sequence[Any], *, is_cost: bool) -> list[float]:
    """Positions on an axis, 0 to 1: axis values equally spaced, costs on a logarithmic scale."""
    if not is_cost:
        levels = sorted(set(values))
        return [levels.index(value) / max(1, len(levels) - 1) for value in values]
    logarithms = np.log(np.maximum(np.array(values, dtype=np.float64), 1e-9))
    low, high = logarithms.min(), logarithms.max()
    found: list[float] = ((logarithms - low) / (high - low if high > low else 1)).tolist()
    return found


def _pairs(front: DesignFront, shown: Sequence[DesignPoint]) -> Chart:
    """Each pair of objectives as a scatter plot."""
    views = []
    for x, y in combinations(OBJECTIVES, 2):
        rows = [
            {"x": getattr(one, x), "y": getattr(one, y), "group": _group(front, one), "design": one.text}
            for one in shown
        ]
        view = declared(
            "designs", x=_logarithmic("x", x, rows), y=_logarithmic("y", y, rows), colours=_colours(), size=24
        )
        views.append(data(rows) | view)
    return Chart("Each two objectives", tuple(views), columns=2)


def _logarithmic(field: str, objective: str, rows: Sequence[dict[str, Any]]) -> View:
    low, high = span([np.log10(max(row[field], 1e-9)) for row in rows])
    scale = {"type": "log", "domain": [float(10**low), float(10**high)]}
    unit = {"energy_uj": " in µJ", "latency_ms": " in ms", "area_mm2": " in mm²"}.get(objective, "")
    return number(field, NAMES[objective] + unit, scale=scale)


def _effects(front: DesignFront) -> Chart:
    """Factor by which each value of each axis changes each objective."""
    views = []
    for objective in OBJECTIVES:
        rows = [
            {
                "name": f"{one.axis.replace('_', ' ')} {one.value}", "axis": one.axis.replace("_", " "),
                "percent": 100 * (one.factors[objective] - 1), "text": factor(one.factors[objective]),
            }
            for one in front.effects
        ]  # fmt: skip
        axes = list(dict.fromkeys(one.axis.replace("_", " ") for one in front.effects))
        shades = [series(place) for place in range(len(axes))]
        view = declared(
            "effects",
            height=max(60, 13 * len(rows)),
            y=name_axis(),
            x=number("percent", f"{NAMES[objective]}, % above mean"),
            start={"datum": 0},
            colours=name("axis", **colours(axes, shades, beside=[str(row["name"]) for row in rows])),
        )
        views.append(data(rows) | view)
    return Chart("What each value does", tuple(views), columns=2)
