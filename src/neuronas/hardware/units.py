"""Costs as text for people."""

from math import inf

UNITS = {"parameters": "", "area_mm2": "mm²", "latency_ms": "ms", "energy_uj": "µJ"}
"""Unit of each budgeted quantity; none for a count."""


def quantity(name: str, value: float) -> str:
    """A cost with its unit: ``51.08 mm²``, ``888,192``, ``no limit``.

    Args:
        name: one of ``hardware.cost.BUDGETED``.
        value: in the unit of that name; ``inf`` means no limit.
    """
    if value == inf:
        return "no limit"
    text = f"{value:,.0f}" if name == "parameters" else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    return f"{text} {UNITS[name]}".rstrip()
