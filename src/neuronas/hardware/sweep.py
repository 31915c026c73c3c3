"""Sweep: the cost of an architecture for several values of one accelerator constant."""

from collections.abc import Callable
from dataclasses import dataclass

from neuronas.config import validate
from neuronas.errors import ConfigurationError, unknown_name
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Cost
from neuronas.hardware.units import BUDGETED

MAX_POINTS = 100


@dataclass(frozen=True)
class Sweep:
    """A sweep: dotted key of a constant in the accelerator file, such as ``crossbar.size``, and its values."""

    key: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class SweepPoint:
    """A value of the constant, and the cost at this value."""

    value: float
    cost: Cost


def parse_sweep(text: str, accelerator: Accelerator) -> Sweep:
    """Parse text such as ``crossbar_size=32,64,128``; the dots of a key may be written as underscores.

    Raises:
        ConfigurationError: no such key, no values, or a value that is not a number.
    """
    name, separator, listed = text.partition("=")
    if not separator or not listed.strip():
        raise ConfigurationError(f"--sweep: given '{text}'; expected KEY=VALUE,VALUE, such as crossbar_size=32,64,128")
    keys = {key.replace(".", "_"): key for key, _ in accelerator.quantities()}
    key = name.strip().replace(".", "_")
    if key not in keys:
        raise unknown_name("accelerator constant", name.strip(), keys)
    try:
        values = tuple(float(value) for value in listed.split(","))
    except ValueError:
        raise ConfigurationError(f"--sweep: given '{listed}'; expected numbers with commas between them") from None
    if len(values) > MAX_POINTS:
        raise ConfigurationError(f"--sweep: given {len(values)} values; expected at most {MAX_POINTS}")
    return Sweep(keys[key], values)


def vary(accelerator: Accelerator, key: str, value: float) -> Accelerator:
    """Return a copy of the accelerator with another value of one constant.

    Raises:
        ConfigurationError: the value is out of the constant's range.
    """
    content = accelerator.model_dump()
    *sections, last = key.split(".")
    section = content
    for name in sections:
        section = section[name]
    section[last] = {"value": value, "source": "swept"}
    return validate(Accelerator, content, "--sweep")


def run_sweep(sweep: Sweep, accelerator: Accelerator, cost: Callable[[Accelerator], Cost]) -> list[SweepPoint]:
    """Compute the cost of one architecture at each value of a sweep."""
    return [SweepPoint(value, cost(vary(accelerator, sweep.key, value))) for value in sweep.values]


def changes_nothing(points: list[SweepPoint]) -> bool:
    """Whether the cost is equal for all values: the cost model does not use the constant."""
    return len(points) > 1 and len({tuple(getattr(point.cost, name) for name in BUDGETED) for point in points}) == 1
