"""Accelerator description: all constants of the cost models, read from YAML with units and sources."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuronas.config import ACCELERATORS, Section, load_named
from neuronas.errors import ConfigurationError
from neuronas.hardware.circuits import (
    Adc,
    Buffers,
    Crossbar,
    Digital,
    Macro,
    Memory,
    Multiplexer,
    NeuronCircuit,
    Noc,
    ProcessingElement,
    Tile,
)
from neuronas.hardware.device_model import Device
from neuronas.hardware.quantity import Megahertz, Nanometres, Quantity

_PRESETS = Path(__file__).parent / "presets"


class Accelerator(Section):
    """A compute-in-memory accelerator. Without a ``device``, its cost can be estimated but it cannot be simulated.

    Attributes:
        description: one line.
        technology_nm: technology node of the arrays (comparison with measured arrays).
        clock_mhz: clock frequency.
        crossbar: the arrays.
        adc: the converters.
        multiplexer: the column multiplexers.
        pe: the processing elements.
        tile: the tiles.
        memory: memory of buffers and neuron states.
        buffers: sizes of buffers.
        digital: adders.
        noc: the network on chip.
        neuron: the neurons.
        macro: kind of the arrays among measured ones.
        device: the memory device.
    """

    description: str = ""
    technology_nm: Nanometres
    clock_mhz: Megahertz
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
    macro: Macro | None = None
    device: Device | None = None

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """All constants with their dotted keys, such as ``crossbar.size``."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            found: Iterator[tuple[str, Any]] = iter([(name, value)])
            if isinstance(value, Section):
                own = {"rows_per_read": value.rows_read} if isinstance(value, Crossbar) else {}
                found = ((f"{name}.{key}", own.get(key, getattr(value, key))) for key in type(value).model_fields)
            yield from ((key, one) for key, one in found if isinstance(one, Quantity))


ALL = "all"
"""Name that stands for all accelerators in commands that compare several."""
BUILTIN: dict[str, Path] = {path.stem: path for path in sorted(_PRESETS.glob("*.yaml"))}
"""Files of the built-in accelerators, by name."""


def load_accelerator(given: Accelerator | str) -> Accelerator:
    """Load an accelerator by name or from a YAML file; an accelerator object is returned unchanged.

    Raises:
        ConfigurationError: the name is unknown, the file cannot be read, a key is missing, or a value is out of range.
    """
    if given == ALL:
        raise ConfigurationError(
            f"accelerator '{ALL}' given; expected one: {', '.join(ACCELERATORS)}, or FILE.yaml (only 'neuronas "
            f"estimate' compares '{ALL}': --hardware {ALL}, in Python on_all_hardware())"
        )
    return load_named(Accelerator, ACCELERATORS, given)
