"""An accelerator as data: every constant of a cost model, read from YAML with its unit and source."""

from collections.abc import Iterator
from pathlib import Path

from neuronas.config import Section, read_yaml, validate
from neuronas.errors import unknown_name
from neuronas.hardware.quantity import Count, NonNegative, Positive, Quantity

_PRESETS = Path(__file__).parent / "presets"


class Crossbar(Section):
    """One array of memory devices; ``base_weight_bits`` is the weight width that one array column holds."""

    size: Count
    base_weight_bits: Count
    n_per_pe: Count
    energy_pj: NonNegative
    area_um2: NonNegative


class Adc(Section):
    """One analog-to-digital converter; energy per conversion."""

    bits: Count
    energy_pj: NonNegative
    area_um2: NonNegative


class Multiplexer(Section):
    """``ratio`` columns share one ADC."""

    ratio: Count
    energy_pj: NonNegative
    area_um2: NonNegative


class ProcessingElement(Section):
    """A group of crossbars with its registers and subtractors; ``cycle_clocks`` clock cycles a pass."""

    cycle_clocks: Positive
    n_per_tile: Count
    register_energy_pj: NonNegative
    subtract_energy_pj: NonNegative
    subtract_area_um2: NonNegative


class Tile(Section):
    """A group of PEs with its buffer and the H-tree that joins them."""

    register_area_um2: NonNegative
    buffer_bits: NonNegative
    buffer_energy_pj: NonNegative
    htree_energy_pj: NonNegative
    htree_area_um2: NonNegative


class Memory(Section):
    """SRAM bit area, and the energy of one buffer fetch."""

    sram_bit_area_um2: NonNegative
    fetch_energy_pj: NonNegative


class NeuronCircuit(Section):
    """The LIF neuron's state and the energy of its update."""

    state_bits: NonNegative
    energy_pj: NonNegative


class Accelerator(Section):
    """A compute-in-memory accelerator."""

    description: str = ""
    technology_nm: Positive
    clock_mhz: Positive
    crossbar: Crossbar
    adc: Adc
    multiplexer: Multiplexer
    pe: ProcessingElement
    tile: Tile
    memory: Memory
    neuron: NeuronCircuit

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Every constant with its dotted key, for provenance."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Quantity):
                yield name, value
            elif isinstance(value, Section):
                yield from ((f"{name}.{key}", getattr(value, key)) for key in type(value).model_fields)


def preset_names() -> list[str]:
    """Names of the accelerators that come with neuronas."""
    return sorted(path.stem for path in _PRESETS.glob("*.yaml"))


def load_accelerator(name_or_file: str) -> Accelerator:
    """Load an accelerator by preset name, or from a YAML file of the same format.

    Raises:
        ConfigurationError: unknown name, unreadable file, missing key, or a value out of range.
    """
    if name_or_file.endswith((".yaml", ".yml")):
        return validate(Accelerator, read_yaml(Path(name_or_file)), name_or_file)
    if name_or_file not in preset_names():
        raise unknown_name("hardware", name_or_file, [*preset_names(), "FILE.yaml"])
    return validate(Accelerator, read_yaml(_PRESETS / f"{name_or_file}.yaml"), name_or_file)
