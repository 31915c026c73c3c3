"""Parameters of a simulated chip: memory device, crossbar and ADC. Each non-ideality can be switched off."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from neuronas.chip.slicing import SCHEMES
from neuronas.config import FULL_PRECISION, WeightBits, distinct_bits, duration, keys_with
from neuronas.errors import ConfigurationError, named, unknown_name
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.circuits import sign_scheme_of
from neuronas.hardware.device_model import DeviceModel

VARIATIONS = ("normal", "lognormal")
MAX_ADC_BITS = 24
"""Column sums are float32, which represents integers exactly only up to 24 bits."""


@dataclass(frozen=True)
class ChipModel:
    """Parameters of a chip. A field at its ideal value switches its non-ideality off; see ``NON_IDEALITIES``.

    Attributes:
        weight_bits: weight precision of the network, of all layers or by layer.
        bits_per_cell: bits that one memory cell stores.
        crossbar_size: number of wordlines and of columns of a crossbar.
        rows_per_read: wordlines that a column sums and converts at once; None: all of them.
        sign_scheme: representation of signed weights, one of ``slicing.SCHEMES``.
        on_resistance_ohm: resistance of a cell at its highest level.
        off_resistance_ohm: resistance of a cell at level 0.
        write_variation: relative standard deviation of a programmed conductance.
        variation: distribution of the write variation, one of ``VARIATIONS``.
        read_noise: relative standard deviation of a conductance between reads.
        stuck_on_share: share of cells that are stuck at the highest level.
        stuck_off_share: share of cells that are stuck at level 0.
        column_resistance_ohm: wire resistance of a column between two neighbouring rows.
        adc_bits: resolution of the ADCs; None: ideal ADCs.
        gain_calibration: whether the gain of each column is calibrated on training images, directly after programming.
        device_model: measured statistics of the cells, used instead of ``write_variation``.
        after_s: time after programming.
        programming_error: whether cells have the programming error of the device model.
        drift: whether cells change over time according to the device model.
        slow_noise: whether cells have the slow noise of the device model.
        drift_compensation: whether the currents of each block are rescaled to their sum at programming.
    """

    weight_bits: WeightBits
    bits_per_cell: int
    crossbar_size: int
    sign_scheme: str
    on_resistance_ohm: float
    off_resistance_ohm: float = inf
    write_variation: float = 0.0
    variation: str = "normal"
    read_noise: float = 0.0
    stuck_on_share: float = 0.0
    stuck_off_share: float = 0.0
    column_resistance_ohm: float = 0.0
    adc_bits: int | None = None
    gain_calibration: bool = True
    device_model: DeviceModel | None = None
    after_s: float = 0.0
    programming_error: bool = False
    drift: bool = False
    slow_noise: bool = False
    drift_compensation: bool = False
    rows_per_read: int | None = None

    @property
    def rows_read(self) -> int:
        """``rows_per_read``, or else ``crossbar_size``."""
        return self.rows_per_read or self.crossbar_size

    @property
    def largest_level(self) -> int:
        """Highest level of a cell."""
        return int(2**self.bits_per_cell) - 1

    @property
    def level_siemens(self) -> float:
        """Difference in conductance between two neighbouring levels."""
        return (1 / self.on_resistance_ohm - 1 / self.off_resistance_ohm) / self.largest_level

    @property
    def off_levels(self) -> float:
        """Conductance of a cell at level 0, in levels."""
        return 1 / self.off_resistance_ohm / self.level_siemens

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the non-idealities that are not switched off."""
        return tuple(
            name
            for name, ideal in NON_IDEALITIES.items()
            if any(getattr(self, field) != value for field, value in ideal.items())
        )

    @property
    def is_random(self) -> bool:
        """Whether any non-ideality is random, so that chips with different numbers differ."""
        return bool({"write_variation", "drift", "stuck_cells", "read_noise"} & set(self.active))

    @property
    def fresh(self) -> "ChipModel":
        """The same chip directly after programming, when it is calibrated."""
        return self if self.device_model is None else self.after(self.device_model.first_s)

    def after(self, after_s: float) -> "ChipModel":
        """The same chip some time after programming.

        Raises:
            ConfigurationError: its cells have no device model, or the first measurement of the model is later.
        """
        device = self.device_model
        if device is None:
            raise ConfigurationError("after given, but the chip has no device model; expected one")
        if after_s < device.first_s:
            raise ConfigurationError(
                f"--after {duration(after_s)} given; expected at least {duration(device.first_s)}, when cells of "
                f"device model {device.name or 'of the accelerator'} were first measured"
            )
        drift = after_s > device.first_s and (device.drift is not None or len(device.deviations) > 1)
        return replace(self, after_s=after_s, drift=drift)

    def without(self, names: Iterable[str]) -> "ChipModel":
        """Return the same chip with some non-idealities switched off.

        Raises:
            ConfigurationError: a name is unknown.
        """
        changed: dict[str, float | None] = {}
        for name in names:
            changed |= named("non-ideality", name, NON_IDEALITIES)
        return replace(self, **changed)  # type: ignore[arg-type]


NON_IDEALITIES: dict[str, dict[str, float | None]] = {
    "write_variation": {"write_variation": 0.0, "programming_error": False},
    "drift": {"drift": False},
    "wire_resistance": {"column_resistance_ohm": 0.0},
    "stuck_cells": {"stuck_on_share": 0.0, "stuck_off_share": 0.0},
    "read_noise": {"read_noise": 0.0, "slow_noise": False},
    "off_conductance": {"off_resistance_ohm": inf},
    "adc": {"adc_bits": None},
}
"""Each non-ideality with the fields that switch it off."""


def chip_model(
    accelerator: Accelerator,
    name: str,
    weight_bits: WeightBits,
    *,
    sign_scheme: str | None = None,
    variation: str = "normal",
    gain_calibration: bool = True,
    device_model: DeviceModel | None = None,
    drift_compensation: bool = False,
) -> ChipModel:
    """Make the parameters of a chip from an accelerator.

    Args:
        accelerator: an accelerator with a ``device`` section.
        name: name of the accelerator, for error messages.
        weight_bits: weight precision of the network, of all layers or by layer.
        sign_scheme: see ``ChipModel``; None: ``differential`` if the crossbar has two sign columns, otherwise
            ``offset-binary``.
        variation: distribution of the write variation.
        gain_calibration: see ``ChipModel``.
        device_model: device model of the cells, used instead of that of the accelerator.
        drift_compensation: see ``ChipModel``.

    Returns:
        the chip directly after programming.

    Raises:
        ConfigurationError: the accelerator has no device, weights are not quantised, or a name or value is invalid.
    """
    device, crossbar = accelerator.device, accelerator.crossbar
    if device is None:
        raise ConfigurationError(f"hardware {name}: section 'device' not found; expected one, as in spikeflow-rram")
    precisions = distinct_bits(weight_bits)
    least, most = precisions[0], precisions[-1]
    if most == FULL_PRECISION:
        raise ConfigurationError(
            f"weight_bits 32 given{keys_with(weight_bits, most)}; expected 2 to 16, since crossbars store integers"
        )
    if crossbar.bits_per_cell > least:
        raise ConfigurationError(
            f"hardware {name}: bits_per_cell {crossbar.bits_per_cell:g} given for weights of {least} bits"
            f"{keys_with(weight_bits, least)}; expected no more bits in a cell than in a weight"
        )
    if accelerator.adc.bits > MAX_ADC_BITS:
        raise ConfigurationError(
            f"hardware {name}: adc.bits {accelerator.adc.bits:g} given; expected at most {MAX_ADC_BITS} for simulation"
        )
    sign_scheme = sign_scheme or sign_scheme_of(crossbar.n_sign_columns)
    if sign_scheme not in SCHEMES:
        raise unknown_name("sign scheme", sign_scheme, SCHEMES)
    if variation not in VARIATIONS:
        raise unknown_name("variation", variation, VARIATIONS)
    measured = device_model or device.model
    if measured is None and drift_compensation:
        raise ConfigurationError(f"--drift-compensation given, but {_without_model(name)}")
    if measured is not None and variation != "normal":
        raise ConfigurationError(
            f"variation {variation} given with device model {measured.name}, which has its own; expected one of them"
        )
    return ChipModel(
        weight_bits=weight_bits,
        bits_per_cell=int(crossbar.bits_per_cell),
        crossbar_size=int(crossbar.size),
        sign_scheme=sign_scheme,
        on_resistance_ohm=float(device.on_resistance_ohm),
        off_resistance_ohm=float(device.off_resistance_ohm),
        write_variation=float(device.write_variation) if measured is None else 0.0,
        variation=variation,
        read_noise=float(device.read_noise),
        stuck_on_share=float(device.stuck_on_share),
        stuck_off_share=float(device.stuck_off_share),
        column_resistance_ohm=float(device.column_resistance_ohm),
        adc_bits=int(accelerator.adc.bits),
        gain_calibration=gain_calibration,
        device_model=measured,
        after_s=measured.first_s if measured else 0.0,
        programming_error=measured is not None,
        slow_noise=measured is not None and measured.slow_noise is not None,
        drift_compensation=drift_compensation,
        rows_per_read=None if crossbar.rows_per_read is None else int(crossbar.rows_per_read),
    )


def aged_models(model: ChipModel, times_s: Iterable[float], hardware: str) -> list[ChipModel]:
    """The same chip at several times after programming.

    Args:
        model: the chip directly after programming.
        times_s: times, s.
        hardware: name of the accelerator, for error messages.

    Raises:
        ConfigurationError: its cells do not change with time, or were first measured later.
    """
    if model.device_model is None or not model.device_model.changes:
        raise ConfigurationError(f"--after given, but {_without_model(hardware)}")
    return [model.after(one) for one in times_s]


def _without_model(hardware: str) -> str:
    return (
        f"cells of hardware {hardware} do not change with time; expected device.model in its file, or --device-model "
        "such as rram-wan-2022"
    )
