"""Charts as Vega-Lite declarations: a page shows them, a figure exports them (https://vega.github.io/vega-lite/docs).

The declarations are in ``resources/views.json``, where ``"$name"`` stands for what ``search_charts``, ``cost_charts``
and ``accuracy_charts`` compute. Here are the parts that they share.
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
"""A Vega-Lite view, complete but for its width."""
Row = Mapping[str, Any]

_LABELS = 70  # pixels: an axis with its labels
_CHARACTER, _SYMBOL, _GAP = 6.2, 30, 20  # pixels: of a label's text; a symbol with its gaps; beside an axis
_AXIS, _LONGEST = 60, 200  # pixels: an axis of numbers; the longest name beside an axis


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        title: what it shows.
        views: one or several; each stands alone on a page.
        columns: how many of them stand beside each other in a figure.
        width: of a figure before it is scaled, in pixels.
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
    """A view of ``resources/views.json``, with values in place of its ``$names``."""
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
    """A view's data; a live page replaces them by their name."""
    values = [{key: short(value) for key, value in row.items()} for row in rows]
    return {"data": {"values": values} | ({"name": name} if name else {})}


def number(field: str, title: str | None, **more: Any) -> View:
    """A channel that shows numbers."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def name(field: str, **more: Any) -> View:
    """A channel that shows names, in the order of the data."""
    return {"field": field, "type": "nominal", "title": None, "sort": None, **more}


def name_axis(field: str = "name") -> View:
    """An axis of names beside bars or dots."""
    return name(field, axis={"domain": False, "ticks": False, "labelLimit": _LONGEST, "labelColor": colour("ink")})


def colours(
    names: Sequence[str], shades: Sequence[str], *, columns: int | None = None, beside: Iterable[str] = ()
) -> View:
    """The scale and legend of a channel that gives each name its colour.

    Args:
        names: in the order of the legend.
        shades: their colours.
        columns: of the legend; 0: all in one row; None: as many as there is room for above a view of any width.
        beside: names on the axis at the left, where the legend does not begin.
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
    """A scale between two numbers or expressions; what lies outside is drawn on its edge."""
    return {"scale": {"zero": False, "nice": False, "clamp": True, "domainMin": low, "domainMax": high}}


def span(values: ArrayLike, *, fenced: bool = False) -> tuple[float, float]:
    """Where an axis begins and ends, so that its numbers fill it.

    Args:
        values: what is shown.
        fenced: far outliers at the lower end do not stretch it: those below Tukey's fence, 1.5 interquartile ranges
            under the lower quartile.
    """
    known = np.asarray(values, dtype=np.float64)
    low, high = float(known.min()), float(known.max())
    if fenced:
        # np.percentile gives the same, but imports numpy.ma, which takes a report 10 ms.
        lower, upper = np.interp((0.25, 0.75), np.linspace(0, 1, known.size), np.sort(known, axis=None))
        low = max(low, float(lower - 1.5 * (upper - lower)))
    room = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def short(value: Any) -> Any:
    """A number with few digits, so that a page stays small; None for one that JSON cannot hold; text as it is."""
    if not isinstance(value, float):
        return value
    if not abs(value) < float("inf"):
        return None
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.7g}")


def _nameless(view: View) -> View:
    """A view whose data have no name, which several views in one specification would share."""
    return {**view, "data": {"values": view["data"]["values"]}} if "data" in view else view
