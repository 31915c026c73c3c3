"""Scaling laws: the constants of an accelerator with changed arrays.

An accelerator file describes a measured or published point. Each law below gives the factor by which one constant
changes from that point to other arrays, so that the arrays of the file keep its constants. Constants without a law do
not change: the area and leakage of a memory cell, even if it stores more bits; the digital units, network on chip and
neurons; the clock cycles that fill a pass; the global buffer; the registers of a tile.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from neuronas.config import validate
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array
from neuronas.hardware.mapped.array_view import as_macro
from neuronas.hardware.mapped.latency import clock_ns
from neuronas.hardware.quantity import Quantity
from neuronas.hardware.silicon.adc_survey import area_ratio, conversion_fj
from neuronas.hardware.silicon.calibration import silicon_calibration
from neuronas.hardware.silicon.macro import Macros, operation_parts_fj, settling


@dataclass(frozen=True)
class ChipArrays:
    """Arrays of n chips, [n] each.

    Attributes:
        crossbar_size: rows and columns of a crossbar, X; crossbars are square.
        rows_per_read: rows that a column sums in one read.
        bits_per_cell: bits that a memory cell stores.
        adc_bits: bits of an ADC.
        adcs_per_array: ADCs of a crossbar; X / adcs_per_array columns share one.
        n_sign_columns: 2 for differential columns, 1 for offset binary or cells with a sign.
    """

    crossbar_size: Array
    rows_per_read: Array
    bits_per_cell: Array
    adc_bits: Array
    adcs_per_array: Array
    n_sign_columns: Array

    @classmethod
    def of(cls, accelerator: Accelerator) -> "ChipArrays":
        """The arrays of one accelerator, [1] each."""
        crossbar = accelerator.crossbar
        values = {
            "crossbar_size": crossbar.size,
            "rows_per_read": crossbar.rows_read,
            "bits_per_cell": crossbar.bits_per_cell,
            "adc_bits": accelerator.adc.bits,
            "adcs_per_array": -(-crossbar.size // accelerator.multiplexer.ratio),
            "n_sign_columns": crossbar.n_sign_columns,
        }
        return cls(**{name: np.array([float(value)]) for name, value in values.items()})

    def __len__(self) -> int:
        return len(self.crossbar_size)

    def __getitem__(self, chosen: Any) -> "ChipArrays":
        return ChipArrays(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    @property
    def columns_per_adc(self) -> Array:
        """Columns that share a converter."""
        shared: Array = np.ceil(self.crossbar_size / self.adcs_per_array)
        return shared


Law = Callable[[Accelerator, ChipArrays], Array]
"""Factor on a constant of an accelerator for other arrays, [n]."""


def cell_read_energy(chip: Accelerator, new: ChipArrays) -> Array:
    """Read of a cell: bits_per_cell * (cells + currents), over that of the chip's own arrays.

    Both by ``silicon.macro``: capacitances take bits_per_cell times the energy of an operation; currents flow as long
    as rows_per_read rows take to settle. Source: the laws calibrated on measured chips.
    """

    def each(arrays: ChipArrays) -> Array:
        parts = operation_parts_fj(_macros(chip, arrays), silicon_calibration().energy, silicon_calibration().time)
        return arrays.bits_per_cell * (parts["cells"] + parts["currents"])

    return each(new) / each(ChipArrays.of(chip))


def conversion_clocks(chip: Accelerator, new: ChipArrays) -> Array:
    """Clock cycles of a conversion: adc_bits * settling(rows_per_read), over that of the chip's own arrays.

    A successive-approximation ADC converts one bit after another (McCreary and Gray, JSSC 10(6), 1975). The
    more rows a column sums, the longer it settles: 1 + w * rows / 64, calibrated on measured chips
    (``silicon.macro``). The file does not separate the two parts of the time, so both factors apply to all of it: an
    upper estimate above the file's rows and bits, a lower one below.
    """
    time, own = silicon_calibration().time, ChipArrays.of(chip)
    return (new.adc_bits / own.adc_bits) * (settling(_macros(chip, new), time) / settling(_macros(chip, own), time))


def conversion_energy(chip: Accelerator, new: ChipArrays) -> Array:
    """Conversion: 2^(0.65 adc_bits) * rate^0.37, over that of the chip's own arrays.

    The rate is 1 over the clock cycles of a conversion. Source: the survey of converters, ``silicon.adc_survey``.
    """

    def each(bits: Array, factor: Array | float) -> Array:
        ns = chip.adc.conversion_clocks * factor * clock_ns(chip)
        return conversion_fj(bits, chip.technology_nm, 1e9 / ns)

    return each(new.adc_bits, conversion_clocks(chip, new)) / each(ChipArrays.of(chip).adc_bits, 1.0)


def converter_area(chip: Accelerator, new: ChipArrays) -> Array:
    """Converter: 2^(0.08 adc_bits), over that of the chip's own arrays.

    Source: the regression of area in ``silicon.adc_survey``.
    """
    return area_ratio(new.adc_bits, ChipArrays.of(chip).adc_bits)


def shared_columns(chip: Accelerator, new: ChipArrays) -> Array:
    """Column multiplexer: columns_per_adc, over that of the chip's own arrays.

    A pass gate for each column, whose drains load the line to the converter (as NeuroSim's: Chen, Peng and Yu, TCAD
    37(12), 2018).
    """
    return new.columns_per_adc / ChipArrays.of(chip).columns_per_adc


def converters(chip: Accelerator, new: ChipArrays) -> Array:
    """Registers and shift-add circuits of a PE: adcs_per_array, over that of the chip's own arrays.

    One for each ADC, which gives one value per phase (ISAAC, ISCA 2016).
    """
    return new.adcs_per_array / ChipArrays.of(chip).adcs_per_array


def rows_and_columns(chip: Accelerator, new: ChipArrays) -> Array:
    """Buffers of PEs and tiles: X, over that of the chip's own arrays.

    They store the inputs of the crossbars' rows and the outputs of their columns (sizes for X = 64: NeuroNAS, Table I).
    """
    return new.crossbar_size / ChipArrays.of(chip).crossbar_size


def wire_length(chip: Accelerator, new: ChipArrays) -> Array:
    """Wires of a tile: (area of a PE)^0.5, over that of the chip's own arrays.

    An H-tree over squares is as long as their side; its wires have the same width (NeuroSim: Chen, Peng and Yu, TCAD
    37(12), 2018).
    """
    length: Array = np.sqrt(_pe_um2(chip, new) / _pe_um2(chip, ChipArrays.of(chip)))
    return length


def wire_energy(chip: Accelerator, new: ChipArrays) -> Array:
    """Transfers between PE and tile: X * (area of a PE)^0.5, over that of the chip's own arrays.

    Bits of a pass times the length of the wires, whose energy per bit and length is a constant (Ho, Mai and Horowitz,
    Proc. IEEE 89(4), 2001).
    """
    return rows_and_columns(chip, new) * wire_length(chip, new)


def pass_clocks(chip: Accelerator, new: ChipArrays) -> Array:
    """Clock cycles of a PE pass: columns_per_adc * conversion_clocks + fill_clocks, over that of the chip's own arrays.

    Cost model ``paper`` has it as a constant; here it changes in proportion to ``pass_ns`` of cost model ``mapped``.
    """

    def clocks(arrays: ChipArrays, factor: Array | float) -> Array:
        found: Array = arrays.columns_per_adc * chip.adc.conversion_clocks * factor + chip.pe.fill_clocks
        return found

    return clocks(new, conversion_clocks(chip, new)) / clocks(ChipArrays.of(chip), 1.0)


LAWS: Mapping[str, Law] = {
    "crossbar.cell_read_energy_pj": cell_read_energy,
    "adc.energy_pj": conversion_energy,
    "adc.area_um2": converter_area,
    "adc.conversion_clocks": conversion_clocks,
    "multiplexer.energy_pj": shared_columns,
    "multiplexer.area_um2": shared_columns,
    "pe.cycle_clocks": pass_clocks,
    "pe.register_energy_pj": converters,
    "pe.subtract_area_um2": converters,
    "buffers.pe_bits": rows_and_columns,
    "buffers.tile_bits": rows_and_columns,
    "tile.htree_energy_pj": wire_energy,
    "tile.htree_area_um2": wire_length,
}
"""The law of each constant that depends on the arrays."""
CHOSEN: Mapping[str, Callable[[ChipArrays], Array]] = {
    "crossbar.size": lambda arrays: arrays.crossbar_size,
    "crossbar.rows_per_read": lambda arrays: arrays.rows_per_read,
    "crossbar.bits_per_cell": lambda arrays: arrays.bits_per_cell,
    "crossbar.n_sign_columns": lambda arrays: arrays.n_sign_columns,
    "adc.bits": lambda arrays: arrays.adc_bits,
    "multiplexer.ratio": lambda arrays: arrays.columns_per_adc,
}
"""The constants that are the arrays themselves."""


def many_chips(base: Accelerator, arrays: ChipArrays) -> Accelerator:
    """One accelerator whose constants are columns [n, 1], as ``mapped.many`` reads it."""
    columns = {key: choice(arrays)[:, None] for key, choice in CHOSEN.items()}
    columns |= {key: (_constant(base, key) * law(base, arrays))[:, None] for key, law in LAWS.items()}
    return _changed(base, columns)


def scaled_accelerator(base: Accelerator, arrays: ChipArrays, name: str) -> Accelerator:
    """The accelerator with other arrays; the source of each changed constant names its law.

    Args:
        base: measured or published accelerator.
        arrays: arrays of one chip.
        name: name of ``base``, for sources.

    Raises:
        ConfigurationError: a constant is out of its range.
    """
    changes: dict[str, Quantity] = {}
    for key, choice in CHOSEN.items():
        value, own = float(choice(arrays)[0]), _constant(base, key)
        reads_all = key == "crossbar.rows_per_read" and base.crossbar.rows_per_read is None  # however many there are
        if value != (arrays.crossbar_size[0] if reads_all else own):
            changes[key] = Quantity(value, f"chosen by a design; {name} has {own:g}")
    for key, law in LAWS.items():
        factor, constant = float(law(base, arrays)[0]), _constant(base, key)
        if factor != 1 and constant:
            source = f"{factor:.4g} times {name} ({constant.source}): hardware/scaling.py, {law.__name__}"
            changes[key] = Quantity(constant * factor, source)
    return validate(Accelerator, _changed(base, changes).model_dump(), name)


def _macros(chip: Accelerator, arrays: ChipArrays) -> Macros:
    """Phases of reads, as ``mapped.array_view`` has them, with these arrays."""
    one, n = as_macro(chip), len(arrays)
    columns = {name: np.repeat(column, n) for name, column in vars(one).items()}
    own = {
        "rows": arrays.rows_per_read,
        "n_adcs": arrays.adcs_per_array,
        "weight_bits": arrays.bits_per_cell,
        "adc_bits": arrays.adc_bits,
    }
    return Macros(**columns | own)


def _pe_um2(chip: Accelerator, arrays: ChipArrays) -> Array:
    """Area of a PE: its crossbars with converters and multiplexers, its shift-add circuits and its buffer."""
    behind = chip.adc.area_um2 * converter_area(chip, arrays) + chip.multiplexer.area_um2 * shared_columns(chip, arrays)
    crossbar = arrays.crossbar_size**2 * chip.crossbar.cell_area_um2 + arrays.adcs_per_array * behind
    buffer = chip.buffers.pe_bits * rows_and_columns(chip, arrays) * chip.memory.sram_bit_area_um2
    area: Array = chip.crossbar.n_per_pe * crossbar + chip.pe.subtract_area_um2 * converters(chip, arrays) + buffer
    return area


def _constant(base: Accelerator, key: str) -> Quantity:
    section, name = key.split(".")
    found: Quantity = base.crossbar.rows_read if name == "rows_per_read" else getattr(getattr(base, section), name)
    return found


def _changed(base: Accelerator, values: Mapping[str, Any]) -> Accelerator:
    """A copy with other constants, not validated: they may be columns."""
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, name = key.split(".")
        sections.setdefault(section, {})[name] = value
    return base.model_copy(
        update={section: getattr(base, section).model_copy(update=own) for section, own in sections.items()}
    )
