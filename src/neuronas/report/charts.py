"""Charts as Vega-Lite declarations, for pages and exported figures (https://vega.github.io/vega-lite/docs).

The declarations are in ``resources/views.json``, where ``"$name"`` is a placeholder for values that ``search_charts``,
``cost_charts`` and ``accuracy_charts`` compute. This module contains their common parts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuronas.report.style import chart_config, colour, resource

View = dict[str, Any]
"""A Vega-Lite view, complete except for its width."""
Row = Mapping[str, Any]

_LABELS = 70  # pixels: an axis with its labels
_CHARACTER, _SYMBOL, _GAP = 6.2, 30, 20  # pixels: of a label's text; a symbol with its gaps; beside an axis
_AXIS, _LONGEST = 60, 200  # pixels: an axis of numbers; the longest name beside an axis


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        title: title of the chart.
        views: one or several views; each is drawn separately on a page.
        columns: number of views per row in a figure.
        width: width of a figure in pixels before scaling.
    """

    title: str
    views: tuple[View, ...]
    columns: int = 1
    width: int = 440

    def figure(self) -> dict[str, Any]:
        """All views as one Vega-Lite specification."""
        whole: dict[str, Any] = {"config": chart_config()}
        if len(self.views) == 1:
            fit = {"type": "fit-x", "contains": "padding"}
            return whole | {"width": self.width, "autosize": fit} | self.views[0]
        views = [{"width": self.width / self.columns - _LABELS} | _nameless(view) for view in self.views]
        shared = {"scale": {"color": "shared"}} if self.columns > 1 else {}
        return whole | {"columns": self.columns, "concat": views, "resolve": shared, "spacing": 12}


def declared(view: str, **values: Any) -> View:
    """A view of ``resources/views.json`` with values in place of its placeholders."""
    found: View = _filled(_declarations()[view], values)
    return found


@cache
def _declarations() -> dict[str, Any]:
    views: dict[str, Any] = json.loads(resource("views.json"))
    return views


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(part, dict):
        return {key: _filled(one, values) for key, one in part.items()}
    if isinstance(part, list):
        return [_filled(one, values) for one in part]
    return values[part[1:]] if isinstance(part, str) and part.startswith("$") else part


def data(rows: Iterable[Row], name: str | None = "rows") -> View:
    """Data of a view; a live page replaces them by name."""
    values = [{key: short(value) for key, value in row.items()} for row in rows]
    return {"data": {"values": values} | ({"name": name} if name else {})}


def number(field: str, title: str | None, **more: Any) -> View:
    """An encoding channel of numbers."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def name(field: str, **more: Any) -> View:
    """An encoding channel of names, in the order of the data."""
    return {"field": field, "type": "nominal", "title": None, "sort": None, **more}


def name_axis(field: str = "name") -> View:
    """An axis of names beside bars or dots."""
    return name(field, axis={"domain": False, "ticks": False, "labelLimit": _LONGEST, "labelColor": colour("ink")})


def colours(
    names: Sequence[str], shades: Sequence[str], *, columns: int | None = None, beside: Iterable[str] = ()
) -> View:
    """Scale and legend of a colour channel.

    Args:
        names: names in the order of the legend.
        shades: colours of the names.
        columns: columns of the legend; 0: all in one row; None: as many as fit above a view of any width.
        beside: names on the left axis; the legend begins to the right of them.
    """
    if columns is None:
        longest, widest = max(map(len, names), default=0), max(map(len, beside), default=0)
        left = max(_AXIS, min(_CHARACTER * widest, _LONGEST) + _GAP)
        room, each = f"(containerSize()[0] || 440) - {left:.0f}", _SYMBOL + _CHARACTER * longest
        legend: View = {
            "columns": {"expr": f"max(1, floor(({room}) / {each:.0f}))"},
            "labelLimit": {"expr": f"max(60, {room} - {_SYMBOL})"},
        }
    else:
        legend = {"columns": columns}
    return {"scale": {"domain": list(names), "range": list(shades)}, "legend": legend}


def domain(low: Any, high: Any) -> View:
    """A scale between two numbers or expressions; values outside are drawn at its limits."""
    return {"scale": {"zero": False, "nice": False, "clamp": True, "domainMin": low, "domainMax": high}}


def span(values: ArrayLike, *, fenced: bool = False) -> tuple[float, float]:
    """Limits of an axis that fit its values.

    Args:
        values: values on the axis.
        fenced: whether to ignore outliers below Tukey's fence, 1.5 interquartile ranges under the lower quartile.
    """
    known = np.asarray(values, dtype=np.float64)
    low, high = float(known.min()), float(known.max())
    if fenced:
        # np.percentile returns the same, but imports numpy.ma, which adds 10 ms to a report.
        lower, upper = np.interp((0.25, 0.75), np.linspace(0, 1, known.size), np.sort(known, axis=None))
        low = max(low, float(lower - 1.5 * (upper - lower)))
    room = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def short(value: Any) -> Any:
    """A number rounded to few digits, to keep pages small; None if JSON cannot represent it; text unchanged."""
    if not isinstance(value, float):
        return value
    if not abs(value) < float("inf"):
        return None
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.7g}")


def _nameless(view: View) -> View:
    """A view with unnamed data, because equal names within one specification would share data."""
    return {**view, "data": {"values": view["data"]["values"]}} if "data" in view else view
