"""What is simulated: the device, the crossbar and the converter, each non-ideality with a switch of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from neuronas.chip.slicing import SCHEMES
from neuronas.errors import ConfigurationError, named, unknown_name
from neuronas.hardware.accelerator import Accelerator
from neuronas.snn.quantisation import FULL_PRECISION

VARIATIONS = ("normal", "lognormal")
MAX_ADC_BITS = 24
"""Sums are float32, which counts no further."""


@dataclass(frozen=True)
class ChipModel:
    """One kind of chip. A field at its ideal value switches its non-ideality off; see ``NON_IDEALITIES``.

    Attributes:
        weight_bits: of the network.
        bits_per_cell: that a cell holds.
        crossbar_size: wordlines of a crossbar, and its columns.
        sign_scheme: how weights with a sign are held, one of ``slicing.SCHEMES``.
        on_resistance_ohm, off_resistance_ohm: of a cell at its highest and lowest level.
        write_variation: relative standard deviation of a programmed conductance.
        variation: its distribution, one of ``VARIATIONS``.
        read_noise: relative standard deviation of a conductance from read to read.
        stuck_on_share, stuck_off_share: of all cells.
        column_resistance_ohm: of a column's wire between two rows.
        adc_bits: of the converters; None: they are ideal.
        gain_calibration: trim the gain of each column on training images.
    """

    weight_bits: int
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

    @property
    def largest_level(self) -> int:
        """Highest level of a cell."""
        return int(2**self.bits_per_cell) - 1

    @property
    def level_siemens(self) -> float:
        """Conductance between two neighbouring levels."""
        return (1 / self.on_resistance_ohm - 1 / self.off_resistance_ohm) / self.largest_level

    @property
    def off_levels(self) -> float:
        """Conductance of a cell at level 0, in levels."""
        return 1 / self.off_resistance_ohm / self.level_siemens

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the non-idealities that are on."""
        return tuple(
            name
            for name, ideal in NON_IDEALITIES.items()
            if any(getattr(self, field) != value for field, value in ideal.items())
        )

    @property
    def is_random(self) -> bool:
        """Whether two chips differ."""
        return bool({"write_variation", "stuck_cells", "read_noise"} & set(self.active))

    def without(self, names: Iterable[str]) -> "ChipModel":
        """The same chip with non-idealities switched off.

        Raises:
            ConfigurationError: an unknown name.
        """
        changed: dict[str, float | None] = {}
        for name in names:
            changed |= named("non-ideality", name, NON_IDEALITIES)
        return replace(self, **changed)  # type: ignore[arg-type]


NON_IDEALITIES: dict[str, dict[str, float | None]] = {
    "write_variation": {"write_variation": 0.0},
    "wire_resistance": {"column_resistance_ohm": 0.0},
    "stuck_cells": {"stuck_on_share": 0.0, "stuck_off_share": 0.0},
    "read_noise": {"read_noise": 0.0},
    "off_conductance": {"off_resistance_ohm": inf},
    "adc": {"adc_bits": None},
}
"""Each non-ideality with the fields that switch it off."""


def chip_model(
    accelerator: Accelerator,
    name: str,
    weight_bits: int,
    *,
    sign_scheme: str | None = None,
    variation: str = "normal",
    gain_calibration: bool = True,
) -> ChipModel:
    """Read the chip from an accelerator.

    Args:
        accelerator: with a device.
        name: of it, for errors.
        weight_bits: of the network.
        sign_scheme: how weights with a sign are held; None: differential where the crossbar has two sign columns, else
            offset binary.
        variation: distribution of the write variation.
        gain_calibration: trim the gain of each column.

    Raises:
        ConfigurationError: no device, weights that are not integers, or an unknown name.
    """
    device, crossbar = accelerator.device, accelerator.crossbar
    if device is None:
        raise ConfigurationError(f"hardware {name}: has no section 'device'; expected one, as in spikeflow-rram")
    if weight_bits == FULL_PRECISION:
        raise ConfigurationError("weight_bits 32 given; expected 4 to 16, since a crossbar holds integers")
    if crossbar.bits_per_cell > weight_bits:
        raise ConfigurationError(
            f"hardware {name}: bits_per_cell {crossbar.bits_per_cell:g} given for weights of {weight_bits} bits; "
            "expected no more bits in a cell than in a weight"
        )
    if accelerator.adc.bits > MAX_ADC_BITS:
        raise ConfigurationError(
            f"hardware {name}: adc.bits {accelerator.adc.bits:g} given; expected at most {MAX_ADC_BITS} to be simulated"
        )
    sign_scheme = sign_scheme or ("differential" if crossbar.n_sign_columns == 2 else "offset-binary")
    if sign_scheme not in SCHEMES:
        raise unknown_name("sign scheme", sign_scheme, SCHEMES)
    if variation not in VARIATIONS:
        raise unknown_name("variation", variation, VARIATIONS)
    return ChipModel(
        weight_bits=weight_bits,
        bits_per_cell=int(crossbar.bits_per_cell),
        crossbar_size=int(crossbar.size),
        sign_scheme=sign_scheme,
        on_resistance_ohm=float(device.on_resistance_ohm),
        off_resistance_ohm=float(device.off_resistance_ohm),
        write_variation=float(device.write_variation),
        variation=variation,
        read_noise=float(device.read_noise),
        stuck_on_share=float(device.stuck_on_share),
        stuck_off_share=float(device.stuck_off_share),
        column_resistance_ohm=float(device.column_resistance_ohm),
        adc_bits=int(accelerator.adc.bits),
        gain_calibration=gain_calibration,
    )
