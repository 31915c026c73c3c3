"""Formats costs with their units, for messages and reports."""

from math import inf
from typing import Protocol

BUDGETED = ("parameters", "area_mm2", "latency_ms", "energy_uj")
"""The four quantities that a budget can limit."""
UNITS = {"parameters": "", "area_mm2": "mm²", "latency_ms": "ms", "energy_uj": "µJ"}
"""Unit of each budgeted quantity; none for a count."""


def quantity(name: str, value: float) -> str:
    """A cost with its unit: ``51.08 mm²``, ``888,192``, ``no limit``.

    Args:
        name: one of ``BUDGETED``.
        value: in the unit of that name; ``inf`` means no limit.
    """
    if value == inf:
        return "no limit"
    text = f"{value:,.0f}" if name == "parameters" else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    return f"{text} {UNITS[name]}".rstrip()


class QuantityRange(Protocol):
    """Lower and upper limit of a quantity, in its unit."""

    @property
    def low(self) -> float:
        """Lower limit."""

    @property
    def high(self) -> float:
        """Upper limit."""


def with_range(name: str, value: float, limits: QuantityRange | None) -> str:
    """A cost with its unit and, if it is known, its interval: ``2.65 µJ (1.4–5.1)``."""
    if limits is None:
        return quantity(name, value)
    low, high = (f"{one:,.2g}" if one < 100 else f"{one:,.0f}" for one in (limits.low, limits.high))
    return f"{quantity(name, value)} ({low}–{high})"


def word(name: str) -> str:
    """Name of a budgeted quantity without its unit: ``area`` for ``area_mm2``."""
    return name.rsplit("_", 1)[0]


_WRITTEN = {"adc": "ADC", "htree": "H-tree", "noc": "NoC", "pe": "PE"}


def component_name(key: str) -> str:
    """Readable name of a component of cost: ``shift add`` for ``shift_add``, ``H-tree`` for ``htree``."""
    return " ".join(_WRITTEN.get(part, part) for part in key.split("_"))


QUANTITIES = {
    "fitness": ("fitness", ""),
    "screened": ("fitness on the screen's small batch", ""),
    **{name: (word(name), UNITS[name]) for name in BUDGETED},
}
"""Quantities of chart axes: name and unit."""


def axis_label(key: str) -> str:
    """Name and unit of an axis: ``energy in µJ``."""
    name, unit = QUANTITIES[key]
    return f"{name} in {unit}" if unit else name
