"""Charts of measured values against their estimates."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any, Protocol

from neuronas.report.charts import Chart, View, colours, data, declared, name, number
from neuronas.report.style import series

_NEAR = 1.5  # dashed lines: this factor from equality
_N_NAMED = 4


class Compared(Protocol):
    """A measurement and its estimate."""

    @property
    def chip(self) -> str:
        """Name of the chip."""

    @property
    def group(self) -> str:
        """Kind of the chip."""

    @property
    def quantity(self) -> str:
        """Measured quantity; each has its own view."""

    @property
    def unit(self) -> str:
        """Unit of both values."""

    @property
    def published(self) -> float:
        """Measured value."""

    @property
    def ours(self) -> float:
        """Estimated value."""

    @property
    def factor(self) -> float:
        """Factor between both values, at least 1."""


def parity_chart(rows: Sequence[Compared], level: float) -> Chart:
    """Measured against estimated values on logarithmic axes, one view per quantity; dashed: a factor of 1.5 off."""
    quantities = dict.fromkeys(row.quantity for row in rows)
    groups = list(dict.fromkeys(row.group for row in rows))
    views = tuple(_view([row for row in rows if row.quantity == one], groups) for one in quantities)
    title = f"Measured chips against estimates calibrated on other papers; {level:.0%} intervals in silicon.json"
    return Chart(title, views, columns=len(views), width=900)


def _view(rows: Sequence[Compared], groups: Sequence[str]) -> View:
    values = [value for row in rows for value in (row.published, row.ours)]
    low, high = min(values) / 1.3, max(values) * 1.3
    decades = [10.0**power for power in range(floor(log10(low)), ceil(log10(high)) + 1)]
    axis = {"values": [value for value in decades if low <= value <= high]}
    scale = {"scale": {"type": "log", "domain": [low, high], "nice": False}, "axis": axis}
    unit = rows[0].unit

    def line(factor: float) -> Any:
        # both ends are inside, so that nothing is drawn beyond the axes
        ends = [(low * max(1, 1 / factor), low * max(1, factor)), (high / max(1, factor), high / max(1, 1 / factor))]
        return data([{"x": x, "y": y} for x, y in ends], None)["data"]

    worst = sorted(rows, key=lambda row: row.factor, reverse=True)[:_N_NAMED]
    shades = [series(place) for place in range(len(groups))]
    return declared(
        "parity",
        x=number("x", f"{rows[0].quantity}, estimated, in {unit}", **scale),
        y=number("y", f"{rows[0].quantity}, measured, in {unit}", **scale),
        equal=line(1.0),
        above=line(_NEAR),
        below=line(1 / _NEAR),
        chips=data(map(_point, rows), None)["data"],
        worst=data(map(_point, worst), None)["data"],
        colours=name("group", **colours(groups, shades, columns=0)),
    )


def _point(row: Compared) -> dict[str, object]:
    short = " ".join(word for word in row.chip.split() if word not in ("et", "al.", "al"))
    return {"x": row.ours, "y": row.published, "group": row.group, "name": short}
