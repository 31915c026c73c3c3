"""The memory device of a chip: its constants, or measured statistics: programming errors, change over time, noise.

A device model is data: polynomials and laws in the relative target conductance, x = G / G_on, read from YAML
(``device_models/``) or fitted to measurements (``neuronas.hardware.measurements``). ``neuronas.chip.aging`` applies it;
see docs/reference/chip-equations.md for the equations.
"""

from itertools import pairwise
from math import log
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from neuronas.config import DEVICE_MODELS, Section, as_path, load_named
from neuronas.errors import ConfigurationError
from neuronas.hardware.quantity import UNSTATED, Fraction, NonNegative, Positive

_PRESETS = Path(__file__).parent / "device_models"
_CHECKED = 100
"""Number of intervals of the conductance range at which the standard deviation is checked to be non-negative."""
MOST_COEFFICIENTS = 9


Polynomial = Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=MOST_COEFFICIENTS)]
"""Coefficients c_0, c_1, …: c_0 + c_1 x + c_2 x^2 + …"""


def polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """Value of a polynomial at x: a number, an array or a tensor (Horner's rule)."""
    value = coefficients[-1] + 0 * x
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


class ConductanceDeviation(Section):
    """Difference between the conductances of cells and their target, some time after programming.

    Attributes:
        after_s: time since programming.
        mean_us: coefficients of the mean difference, µS, at ``reference_us``.
        std_us: coefficients of the standard deviation between cells, µS.
        source: source of the coefficients.
    """

    after_s: Annotated[float, Field(gt=0)]
    mean_us: Polynomial = (0.0,)
    std_us: Polynomial
    source: str = UNSTATED


class LogLaw(Section):
    """A number that depends on x: ``constant + slope * ln x``, not below ``lowest`` nor above ``highest``."""

    constant: float
    slope: float
    lowest: float
    highest: float

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= self.lowest <= self.highest:
            raise ValueError("expected 0 <= lowest <= highest")
        return self


class Drift(Section):
    """Structural relaxation: G(t) = G(after_s) * (t / after_s)^-nu, with a separate exponent nu for each cell.

    Attributes:
        after_s: time after programming of the first measurement, from which the law holds.
        exponent_mean: mean of nu.
        exponent_std: standard deviation of nu between cells of the same target.
        source: of the law.
    """

    after_s: Annotated[float, Field(gt=0)]
    exponent_mean: LogLaw
    exponent_std: LogLaw
    source: str = UNSTATED


class SlowNoise(Section):
    """1/f noise accumulated since programming, relative to the conductance.

    Its standard deviation is ``Q * sqrt(ln((t + read_s) / (2 read_s)))`` with ``Q = min(factor / x^power, highest)``.

    Attributes:
        factor: Q of a cell that is on.
        power: exponent of the increase of Q towards low conductances.
        highest: upper limit of Q.
        read_s: length of a read.
        source: of the law.
    """

    factor: Annotated[float, Field(ge=0)]
    power: Annotated[float, Field(ge=0)]
    highest: Annotated[float, Field(ge=0)]
    read_s: Annotated[float, Field(gt=0)]
    source: str = UNSTATED


class DeviceModel(Section):
    """Measured statistics of a memory device, used instead of a relative write variation.

    Attributes:
        name: name of a built-in model, or its file.
        description: description of the measurement.
        reference_us: conductance of an on cell in the measurement, µS. For a chip with another on conductance G_on,
            coefficients are scaled by G_on / reference.
        lowest_us: lowest measured target, µS; its statistics are used for lower targets.
        deviations: deviations at one or several times, in ascending order; the first is directly after programming.
        drift: drift from the first measurement on; only with a single entry in ``deviations``.
        slow_noise: see ``SlowNoise``.
    """

    name: str = ""
    description: str = ""
    reference_us: Positive
    lowest_us: NonNegative = Field(default=0.0, validate_default=True)
    deviations: Annotated[tuple[ConductanceDeviation, ...], Field(strict=False, min_length=1, max_length=100)]
    drift: Drift | None = None
    slow_noise: SlowNoise | None = None

    @field_validator("deviations")
    @classmethod
    def _in_order(cls, value: tuple[ConductanceDeviation, ...]) -> tuple[ConductanceDeviation, ...]:
        if any(before.after_s >= after.after_s for before, after in pairwise(value)):
            raise ValueError("expected after_s in ascending order")
        return value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.lowest_us >= self.reference_us:
            raise ValueError("expected lowest_us below reference_us")
        if self.drift is not None and len(self.deviations) > 1:
            raise ValueError("expected drift or several deviations, since these contain it")
        if self.drift is not None and self.drift.after_s != self.deviations[0].after_s:
            raise ValueError("expected the same after_s in drift as in deviations")
        for one in self.deviations:
            for part in range(_CHECKED + 1):
                x = self.lowest + (1 - self.lowest) * part / _CHECKED
                if not polynomial(one.std_us, x) >= 0:
                    raise ValueError(
                        f"expected std_us of at least 0; after {one.after_s:g} s it is "
                        f"{polynomial(one.std_us, x):.3g} at {x * self.reference_us:.3g} µS"
                    )
        return self

    @property
    def lowest(self) -> float:
        """Lowest measured target, as a share of ``reference_us``."""
        return float(self.lowest_us / self.reference_us)

    @property
    def first_s(self) -> float:
        """Time after programming of the first measurement."""
        return self.deviations[0].after_s

    @property
    def changes(self) -> bool:
        """Whether conductances change with time."""
        return len(self.deviations) > 1 or self.drift is not None or self.slow_noise is not None

    def is_extrapolated(self, after_s: float) -> bool:
        """Whether a time is later than all measurements; False for laws in t, whose range their sources state."""
        return self.drift is None and len(self.deviations) > 1 and after_s > self.deviations[-1].after_s

    def weights(self, after_s: float) -> tuple[float, ...]:
        """Weights of the ``deviations`` at a time: linear in its logarithm between two measurements.

        After the last one, the line through the first and the last is extrapolated.

        Args:
            after_s: time after programming, at least ``first_s``.
        """
        times = [log(one.after_s) for one in self.deviations]
        found = [0.0] * len(times)
        if len(times) == 1:
            return (1.0,)
        now, last = log(after_s), len(times) - 1
        if now > times[last]:
            beyond = (now - times[last]) / (times[last] - times[0])
            found[last], found[0] = 1 + beyond, -beyond
            return tuple(found)
        place = max(number for number in range(last) if number == 0 or times[number] <= now)
        share = (now - times[place]) / (times[place + 1] - times[place])
        found[place], found[place + 1] = 1 - share, share
        return tuple(found)


BUILTIN: dict[str, Path] = {path.stem: path for path in sorted(_PRESETS.glob("*.yaml"))}
"""Files of the built-in device models, by name."""


def load_device_model(given: DeviceModel | str) -> DeviceModel:
    """Load a device model by name or from a YAML file, or fit one to a CSV file; an object is returned unchanged.

    Raises:
        ConfigurationError: the name is unknown, the file cannot be read, or a value is out of range.
    """
    if isinstance(given, str) and given.endswith(".csv"):
        from neuronas.hardware.measurements import fitted_device_model  # noqa: PLC0415 - NumPy only where it is needed

        return fitted_device_model(as_path(given))
    return load_named(DeviceModel, DEVICE_MODELS, given, has_name=True)


def _device_model(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return load_device_model(given)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None


class Device(Section):
    """The memory device, for the simulation in ``neuronas.chip``; cost models do not use it.

    Attributes:
        on_resistance_ohm: resistance of a cell at its highest level.
        off_resistance_ohm: resistance of a cell at level 0; above ``on_resistance_ohm``.
        write_variation: relative standard deviation of a programmed conductance: 0.05 for 5 %.
        read_noise: relative standard deviation of a conductance between reads.
        stuck_on_share: share of cells that always have ``on_resistance_ohm``.
        stuck_off_share: share of cells that always have ``off_resistance_ohm``.
        column_resistance_ohm: wire resistance of a column between two neighbouring rows.
        model: measured statistics of the device, used instead of ``write_variation``: a name, or the content of a
            device model file.
    """

    on_resistance_ohm: Positive
    off_resistance_ohm: Positive
    write_variation: Fraction
    read_noise: Fraction
    stuck_on_share: Fraction
    stuck_off_share: Fraction
    column_resistance_ohm: NonNegative
    model: Annotated[DeviceModel | None, BeforeValidator(_device_model)] = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.off_resistance_ohm <= self.on_resistance_ohm:
            raise ValueError("expected off_resistance_ohm above on_resistance_ohm")
        if self.stuck_on_share + self.stuck_off_share > 1:
            raise ValueError("expected stuck_on_share + stuck_off_share of at most 1")
        if self.model is not None and self.write_variation:
            raise ValueError("expected write_variation 0 with a device model, which has it")
        return self
