"""One constant of an accelerator at several values, everything else as it is."""

from collections.abc import Callable
from dataclasses import dataclass

from neuronas.config import validate
from neuronas.errors import ConfigurationError, unknown_name
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import BUDGETED, Cost

MAX_POINTS = 100


@dataclass(frozen=True)
class Sweep:
    """Which constant, by its key in the accelerator file with dots (``crossbar.size``), and its values."""

    key: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class SweepPoint:
    """A value of the constant, and the cost with it."""

    value: float
    cost: Cost


def parse_sweep(text: str, accelerator: Accelerator) -> Sweep:
    """Read ``crossbar_size=32,64,128``; a key's dots may be written as underscores.

    Raises:
        ConfigurationError: no such key, no values, or a value that is not a number.
    """
    name, separator, listed = text.partition("=")
    if not separator or not listed.strip():
        raise ConfigurationError(f"--sweep: given '{text}'; expected KEY=VALUE,VALUE, such as crossbar_size=32,64,128")
    keys = {key.replace(".", "_"): key for key, _ in accelerator.quantities()}
    wanted = name.strip().replace(".", "_")
    if wanted not in keys:
        raise unknown_name("accelerator constant", name.strip(), keys)
    try:
        values = tuple(float(value) for value in listed.split(","))
    except ValueError:
        raise ConfigurationError(f"--sweep: given '{listed}'; expected numbers with commas between them") from None
    if len(values) > MAX_POINTS:
        raise ConfigurationError(f"--sweep: given {len(values)} values; expected at most {MAX_POINTS}")
    return Sweep(keys[wanted], values)


def vary(accelerator: Accelerator, key: str, value: float) -> Accelerator:
    """Return the accelerator with one constant at another value.

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
    """Cost one architecture at each value."""
    return [SweepPoint(value, cost(vary(accelerator, sweep.key, value))) for value in sweep.values]


def changes_nothing(points: list[SweepPoint]) -> bool:
    """Whether several values all cost the same: the constant is in no equation of the cost model."""
    return len(points) > 1 and len({tuple(getattr(point.cost, name) for name in BUDGETED) for point in points}) == 1
