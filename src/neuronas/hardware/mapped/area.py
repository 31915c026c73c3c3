"""Area terms of cost model ``mapped``: um2 per row of work, [..., n_rows]; and parts that the chip has once."""

from collections.abc import Callable

import numpy as np

from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array
from neuronas.hardware.mapped.digital_work import digital_units, neurons
from neuronas.hardware.mapped.mapping import MappedWork


def crossbar(work: MappedWork) -> Array:
    """Memory arrays: crossbars * X^2 * cell_area, um2. Source: the accelerator file's cell."""
    array = work.accelerator.crossbar
    return work.n_crossbars * array.size**2 * array.cell_area_um2


def adc(work: MappedWork) -> Array:
    """Converters: crossbars * ceil(X / mux ratio) * adc.area, um2. Every crossbar has its own (ISAAC, ISCA 2016)."""
    return _n_adcs(work) * work.accelerator.adc.area_um2


def multiplexer(work: MappedWork) -> Array:
    """Column multiplexers: converters * multiplexer.area, um2; one in front of each (SpikeSim)."""
    return _n_adcs(work) * work.accelerator.multiplexer.area_um2


def shift_add(work: MappedWork) -> Array:
    """Shift-add and subtract circuits: PEs * pe.subtract_area, um2 (SpikeSim's DIFF, one per PE)."""
    return work.n_pes * work.accelerator.pe.subtract_area_um2


def register(work: MappedWork) -> Array:
    """Tile registers: tiles * tile.register_area, um2 (SpikeSim's Temp_Buff)."""
    return work.n_tiles * work.accelerator.tile.register_area_um2


def buffer(work: MappedWork) -> Array:
    """Buffers: (PEs * pe_bits + tiles * tile_bits) * sram_bit_area, um2 (sizes: NeuroNAS, Table I)."""
    return buffer_bits(work) * work.accelerator.memory.sram_bit_area_um2


def htree(work: MappedWork) -> Array:
    """Wiring between PEs and tile buffer: tiles * htree_area, um2 (SpikeSim)."""
    return work.n_tiles * work.accelerator.tile.htree_area_um2


def neuron_state(work: MappedWork) -> Array:
    """Membrane potentials of all layers: neurons * state_bits * sram_bit_area, um2 (22 bits: SpikeSim)."""
    return state_bits(work) * work.accelerator.memory.sram_bit_area_um2


def digital(work: MappedWork) -> Array:
    """Adders for pooling, node sums and neurons: digital_units * n_lanes * add_area, um2 (Dally, NIPS 2015)."""
    unit = work.accelerator.digital
    return digital_units(work) * unit.n_lanes * unit.add_area_um2


def noc(work: MappedWork) -> Array:
    """Routers of the mesh: tiles * router_area, um2; one per tile (mesh: NeuroNAS, Table I)."""
    return work.n_tiles * work.accelerator.noc.router_area_um2


def global_buffer(accelerator: Accelerator) -> float:
    """The chip's one global buffer: global_bits * sram_bit_area, um2; reported in parts by each row's tiles."""
    return accelerator.buffers.global_bits * accelerator.memory.sram_bit_area_um2


def buffer_bits(work: MappedWork) -> Array:
    """Bits of the buffers in PEs and tiles: PEs * pe_bits + tiles * tile_bits."""
    buffers = work.accelerator.buffers
    return work.n_pes * buffers.pe_bits + work.n_tiles * buffers.tile_bits


def state_bits(work: MappedWork) -> Array:
    """Bits of neuron state: neurons * state_bits; none without LIF neurons."""
    if work.activation_bits is not None:
        return np.zeros_like(work.has_neurons)
    return neurons(work) * work.accelerator.neuron.state_bits


def _n_adcs(work: MappedWork) -> Array:
    accelerator = work.accelerator
    n_per_crossbar = -(-accelerator.crossbar.size // accelerator.multiplexer.ratio)
    n_adcs: Array = work.n_crossbars * n_per_crossbar
    return n_adcs


AREA_UM2: dict[str, Callable[[MappedWork], Array]] = {
    "crossbar": crossbar,
    "adc": adc,
    "multiplexer": multiplexer,
    "shift_add": shift_add,
    "register": register,
    "buffer": buffer,
    "htree": htree,
    "neuron_state": neuron_state,
    "digital": digital,
    "noc": noc,
}
"""The parts of a row's area; together with ``global_buffer`` they add up to the area of the chip."""
