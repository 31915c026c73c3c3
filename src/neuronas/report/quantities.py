"""The quantities of a candidate under the names and units that page, figures and script use."""

from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.units import UNITS


def word(name: str) -> str:
    """A budgeted quantity without its unit: ``area`` of ``area_mm2``."""
    return name.rsplit("_", 1)[0]


QUANTITIES = {
    "fitness": ("fitness", ""),
    "screened": ("fitness on the screen's small batch", ""),
    **{name: (word(name), UNITS[name]) for name in BUDGETED},
}
"""What an axis can show: its name for people and its unit."""


def axis_label(key: str) -> str:
    """Name and unit of an axis: ``energy in µJ``."""
    name, unit = QUANTITIES[key]
    return f"{name} in {unit}" if unit else name
