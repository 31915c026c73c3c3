"""The circuits of an accelerator: constants of arrays, converters, memories, adders and wires, from its YAML file."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from neuronas.config import Section
from neuronas.hardware.quantity import Bits, Count, CountOrNone, NonNegative, Positive, Quantity

SIGN_COLUMNS = {"differential": 2, "offset-binary": 1}
"""Number of sign columns of each sign scheme."""


def sign_scheme_of(n_sign_columns: float) -> str:
    """The sign scheme of arrays with this number of sign columns."""
    return next(name for name, n in SIGN_COLUMNS.items() if n == n_sign_columns)


class Crossbar(Section):
    """One array of ``size`` x ``size`` memory cells.

    Attributes:
        size: number of rows, which is the number of columns.
        rows_per_read: rows that a column sums in one read (cost model ``mapped``, simulated chips); default: all rows.
            A pass reads the rows in use in successive sets, with a conversion for each set.
        base_weight_bits: weight bits that one column stores in cost model ``paper``.
        bits_per_cell: weight bits that one cell stores (cost model ``mapped``).
        n_sign_columns: 2 for differential columns, 1 for offset binary or cells with a sign (cost model ``mapped``).
        n_per_pe: crossbars of a PE.
        cell_read_energy_pj: energy of one read of one cell.
        cell_area_um2: area of one cell.
        cell_leakage_pw: leakage power of one cell; 0 for non-volatile cells.
    """

    size: Count
    rows_per_read: CountOrNone = None
    base_weight_bits: Bits
    bits_per_cell: Bits
    n_sign_columns: Count
    n_per_pe: Count
    cell_read_energy_pj: NonNegative
    cell_area_um2: NonNegative
    cell_leakage_pw: NonNegative

    @field_validator("n_sign_columns")
    @classmethod
    def _one_or_two(cls, value: Quantity) -> Quantity:
        if not 1 <= value <= 2:
            raise ValueError("expected 1 or 2")
        return value

    @model_validator(mode="after")
    def _rows_are_there(self) -> Self:
        if self.rows_per_read is not None and self.rows_per_read > self.size:
            raise ValueError(f"expected rows_per_read of at most size, {self.size:g}; {self.rows_per_read:g} given")
        return self

    @property
    def rows_read(self) -> Quantity:
        """``rows_per_read``, or else ``size``."""
        if self.rows_per_read is None:
            return Quantity(self.size, "as crossbar.size: all rows at once")
        rows: Quantity = self.rows_per_read
        return rows


class Adc(Section):
    """One analog-to-digital converter.

    Attributes:
        bits: resolution (simulated chips, comparison with measured arrays).
        energy_pj: energy of one conversion.
        area_um2: area of one converter; 0 if the area of the cells contains it.
        conversion_clocks: clock cycles from one conversion to the next.
    """

    bits: Bits
    energy_pj: NonNegative
    area_um2: NonNegative
    conversion_clocks: Positive


class Multiplexer(Section):
    """One column multiplexer.

    Attributes:
        ratio: columns that share one ADC; a crossbar is read in this number of phases.
        energy_pj: energy of one column selection, which each conversion takes.
        area_um2: area of one multiplexer.
    """

    ratio: Count
    energy_pj: NonNegative
    area_um2: NonNegative


class ProcessingElement(Section):
    """A group of crossbars with its registers and subtractors.

    Attributes:
        cycle_clocks: clock cycles of one pass (cost model ``paper``).
        fill_clocks: clock cycles of one pass in addition to those of the conversions (cost model ``mapped``).
        n_per_tile: PEs of a tile.
        register_energy_pj: energy of the registers in one phase of a multiplexer.
        subtract_energy_pj: energy of one subtraction (cost model ``paper``).
        subtract_area_um2: area of a shift-add and subtract circuit.
    """

    cycle_clocks: Positive
    fill_clocks: NonNegative
    n_per_tile: Count
    register_energy_pj: NonNegative
    subtract_energy_pj: NonNegative
    subtract_area_um2: NonNegative


class Tile(Section):
    """A group of PEs connected by an H-tree.

    Attributes:
        register_area_um2: area of the registers of one tile.
        buffer_bits: size of the tile buffer (cost model ``paper``).
        buffer_energy_pj: energy of the tile buffer in one pass of a PE (cost model ``paper``).
        htree_energy_pj: energy of the H-tree in one pass of a PE.
        htree_area_um2: area of the H-tree of one tile.
    """

    register_area_um2: NonNegative
    buffer_bits: NonNegative
    buffer_energy_pj: NonNegative
    htree_energy_pj: NonNegative
    htree_area_um2: NonNegative


class Memory(Section):
    """On-chip memory of buffers and neuron states.

    Attributes:
        sram_bit_area_um2: area of one bit.
        sram_bit_energy_pj: energy of reading or writing one bit (cost model ``mapped``).
        sram_bit_leakage_pw: leakage power of one bit (cost model ``mapped``).
        fetch_energy_pj: energy of fetching the inputs of one pass of a PE (cost model ``paper``).
    """

    sram_bit_area_um2: NonNegative
    sram_bit_energy_pj: NonNegative
    sram_bit_leakage_pw: NonNegative
    fetch_energy_pj: NonNegative


class Buffers(Section):
    """Sizes of buffers (cost model ``mapped``).

    Attributes:
        pe_bits: buffers of one PE.
        tile_bits: buffers of one tile.
        global_bits: buffer of the chip.
    """

    pe_bits: NonNegative
    tile_bits: NonNegative
    global_bits: NonNegative


class Digital(Section):
    """Adders for pooling, node sums and neurons.

    Attributes:
        n_lanes: parallel adders of one unit.
        add_energy_pj: energy of one addition.
        add_area_um2: area of one adder.
        image_bits: maximum number of bits of a pixel that the first layer reads, one after another.
    """

    n_lanes: Count
    add_energy_pj: NonNegative
    add_area_um2: NonNegative
    image_bits: Bits


class Noc(Section):
    """Mesh network on chip, with one router per tile (cost model ``mapped``).

    Attributes:
        link_bits: bits that a link transfers per clock cycle.
        router_area_um2: area of one router.
        bit_hop_energy_pj: energy of one bit over one hop.
    """

    link_bits: Count
    router_area_um2: NonNegative
    bit_hop_energy_pj: NonNegative


class NeuronCircuit(Section):
    """The circuit of LIF neurons.

    Attributes:
        state_bits: bits of one membrane potential.
        energy_pj: energy of one update of a neuron.
    """

    state_bits: Bits
    energy_pj: NonNegative


class Macro(Section):
    """Kind of the array among measured ones (``hardware.silicon``); determines intervals of cost model ``mapped``.

    Attributes:
        cell: kind of memory cell: ``sram``, ``rram``, ``pcm``, ``mram`` or ``flash``.
        supply_v: supply voltage (comparison with measured arrays).
    """

    cell: Literal["sram", "rram", "pcm", "mram", "flash"]
    supply_v: Positive
