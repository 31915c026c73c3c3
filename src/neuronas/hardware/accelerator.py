"""An accelerator as data: every constant of a cost model, read from YAML with its unit and source."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import field_validator, model_validator

from neuronas.config import ACCELERATORS, Section, read_yaml, validate
from neuronas.hardware.quantity import Count, NonNegative, Positive, Quantity

_PRESETS = Path(__file__).parent / "presets"


class Crossbar(Section):
    """One array of ``size`` x ``size`` memory cells.

    Attributes:
        base_weight_bits: the weight width that one array column holds in cost model ``paper``.
        bits_per_cell: the weight bits that one cell holds (``mapped``).
        n_sign_columns: 2 for differential columns, 1 for offset binary or cells that hold a sign (``mapped``).
        cell_read_energy_pj: one cell, driven and read once.
        cell_leakage_pw: one cell at rest; 0 where it is not volatile.
    """

    size: Count
    base_weight_bits: Count
    bits_per_cell: Count
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


class Adc(Section):
    """One analog-to-digital converter; energy per conversion, clock cycles from one conversion to the next."""

    bits: Count
    energy_pj: NonNegative
    area_um2: NonNegative
    conversion_clocks: Positive


class Multiplexer(Section):
    """``ratio`` columns share one ADC: a crossbar is read in so many phases."""

    ratio: Count
    energy_pj: NonNegative
    area_um2: NonNegative


class ProcessingElement(Section):
    """A group of crossbars with its registers and subtractors.

    ``cycle_clocks`` clock cycles a pass (``paper``); ``fill_clocks`` beyond those of the phases (``mapped``).
    Register energy per mux phase.
    """

    cycle_clocks: Positive
    fill_clocks: NonNegative
    n_per_tile: Count
    register_energy_pj: NonNegative
    subtract_energy_pj: NonNegative
    subtract_area_um2: NonNegative


class Tile(Section):
    """A group of PEs with the H-tree that joins them (its energy per PE pass), and ``paper``'s buffer."""

    register_area_um2: NonNegative
    buffer_bits: NonNegative
    buffer_energy_pj: NonNegative
    htree_energy_pj: NonNegative
    htree_area_um2: NonNegative


class Memory(Section):
    """On-chip memory for buffers and neuron state, per bit; ``fetch_energy_pj`` is ``paper``'s buffer fetch."""

    sram_bit_area_um2: NonNegative
    sram_bit_energy_pj: NonNegative
    sram_bit_leakage_pw: NonNegative
    fetch_energy_pj: NonNegative


class Buffers(Section):
    """Capacities of the buffers that ``mapped`` counts: in each PE, in each tile, and one for the chip."""

    pe_bits: NonNegative
    tile_bits: NonNegative
    global_bits: NonNegative


class Digital(Section):
    """The adders behind pooling, node sums and neurons: ``n_lanes`` of them side by side for each layer that needs one.

    ``image_bits`` is the width of a pixel, read bit by bit by the first layer.
    """

    n_lanes: Count
    add_energy_pj: NonNegative
    add_area_um2: NonNegative
    image_bits: Count


class Noc(Section):
    """Mesh network on chip: one router per tile, one word of ``link_bits`` per clock cycle and link."""

    link_bits: Count
    router_area_um2: NonNegative
    bit_hop_energy_pj: NonNegative


class NeuronCircuit(Section):
    """The LIF neuron's state and the energy of its update."""

    state_bits: Count
    energy_pj: NonNegative


class Device(Section):
    """The memory device, as ``neuronas.chip`` simulates it; no cost model reads it.

    Attributes:
        on_resistance_ohm: of a cell at its highest level.
        off_resistance_ohm: of a cell at level 0; larger.
        write_variation: standard deviation of a programmed conductance, relative to it.
        read_noise: standard deviation of a conductance from one read to the next, relative to it.
        stuck_on_share: share of cells that stay at ``on_resistance_ohm`` whatever is written.
        stuck_off_share: share of cells that stay at ``off_resistance_ohm``.
        column_resistance_ohm: of a column's wire between two neighbouring rows.
    """

    on_resistance_ohm: Positive
    off_resistance_ohm: Positive
    write_variation: NonNegative
    read_noise: NonNegative
    stuck_on_share: NonNegative
    stuck_off_share: NonNegative
    column_resistance_ohm: NonNegative

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.off_resistance_ohm <= self.on_resistance_ohm:
            raise ValueError("expected off_resistance_ohm above on_resistance_ohm")
        if self.stuck_on_share + self.stuck_off_share > 1:
            raise ValueError("expected stuck_on_share + stuck_off_share of at most 1")
        return self


class Accelerator(Section):
    """A compute-in-memory accelerator. Without a ``device`` it can be costed, but not simulated."""

    description: str = ""
    technology_nm: Positive
    clock_mhz: Positive
    crossbar: Crossbar
    adc: Adc
    multiplexer: Multiplexer
    pe: ProcessingElement
    tile: Tile
    memory: Memory
    buffers: Buffers
    digital: Digital
    noc: Noc
    neuron: NeuronCircuit
    device: Device | None = None

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Every constant with its dotted key, for provenance."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Quantity):
                yield name, value
            elif isinstance(value, Section):
                yield from ((f"{name}.{key}", getattr(value, key)) for key in type(value).model_fields)


BUILTIN: dict[str, Path] = {path.stem: path for path in sorted(_PRESETS.glob("*.yaml"))}
"""The accelerators that come with neuronas, by name: their files."""


def load_accelerator(given: Accelerator | str) -> Accelerator:
    """Load an accelerator by name, or from a YAML file of the same format; an object stays as it is.

    Raises:
        ConfigurationError: unknown name, unreadable file, missing key, or a value out of range.
    """
    if isinstance(given, str) and given.endswith((".yaml", ".yml")):
        return validate(Accelerator, read_yaml(Path(given)), given)
    found: Accelerator | Path = ACCELERATORS[given] if isinstance(given, str) else given
    return validate(Accelerator, read_yaml(found), str(given)) if isinstance(found, Path) else found
