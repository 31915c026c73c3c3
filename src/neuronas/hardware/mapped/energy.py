"""Energy terms of cost model ``mapped``: pJ per row of work for one image, [..., n_rows]; and of the whole chip."""

from collections.abc import Callable

import numpy as np

from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array
from neuronas.hardware.mapped import digital_work, mapping
from neuronas.hardware.mapped.area import buffer_bits, state_bits
from neuronas.hardware.mapped.mapping import MappedWork


def crossbar(work: MappedWork) -> Array:
    """Reads of memory cells: passes * cells * rate * cell_read_energy, pJ.

    Only cells that hold a weight are driven. With 4 bits per cell, one sign column, X = 64 and dense spikes this
    is SpikeSim's 9 * 8 * 1.76423 pJ for each PE pass of a 3x3 layer (arXiv 2210.12899, ela_spikesim.py).
    """
    cell_pj = work.accelerator.crossbar.cell_read_energy_pj
    return mapping.passes(work) * mapping.used_cells(work) * work.rate * cell_pj


def adc(work: MappedWork) -> Array:
    """Conversions: conversions * awake_share * adc.energy, pJ (SpikeSim's converter, counted per crossbar)."""
    return _awake_conversions(work) * work.accelerator.adc.energy_pj


def multiplexer(work: MappedWork) -> Array:
    """Column selection: conversions * awake_share * multiplexer.energy, pJ (SpikeSim)."""
    return _awake_conversions(work) * work.accelerator.multiplexer.energy_pj


def shift_add(work: MappedWork) -> Array:
    """Accumulation over slices, signs and row blocks: conversions * awake_share * add_energy, pJ.

    One 32-bit addition for each conversion (Horowitz, ISSCC 2014).
    """
    return _awake_conversions(work) * work.accelerator.digital.add_energy_pj


def register(work: MappedWork) -> Array:
    """PE registers: passes * reads * PEs of one copy * mux ratio * register_energy, pJ; one access per phase."""
    accelerator = work.accelerator
    per_read = accelerator.multiplexer.ratio * accelerator.pe.register_energy_pj
    return mapping.passes(work) * mapping.reads(work) * _pes_of_a_copy(work) * per_read


def buffer(work: MappedWork) -> Array:
    """Buffer accesses: passes * (k^2 * C_in read + C_out written) bits * sram_bit_energy, pJ (Horowitz, ISSCC 2014).

    Spikes are buffered as single bits. Inputs are read again for each pixel: no sliding window is assumed.
    """
    bits = mapping.passes(work) * (work.kernel_area * work.c_in + work.c_out)
    return bits * work.accelerator.memory.sram_bit_energy_pj


def htree(work: MappedWork) -> Array:
    """Wires between PEs and tile buffer: passes * PEs of one copy * htree_energy, pJ (SpikeSim)."""
    return mapping.passes(work) * _pes_of_a_copy(work) * work.accelerator.tile.htree_energy_pj


def neuron(work: MappedWork) -> Array:
    """LIF updates: steps * neurons * neuron.energy, pJ; each neuron once in each time step (SpikeSim).

    A quantised ReLU instead has neuron_operations comparisons of add_energy (Horowitz, ISSCC 2014).
    """
    accelerator = work.accelerator
    is_lif = work.activation_bits is None
    each_pj = accelerator.neuron.energy_pj if is_lif else accelerator.digital.add_energy_pj
    return work.steps * digital_work.neuron_operations(work) * each_pj


def neuron_state(work: MappedWork) -> Array:
    """Membrane memory: steps * 2 * neurons * state_bits * sram_bit_energy, pJ; each state is read and written."""
    return work.steps * 2 * state_bits(work) * work.accelerator.memory.sram_bit_energy_pj


def digital(work: MappedWork) -> Array:
    """Pooling and node sums: additions * add_energy, pJ (Horowitz, ISSCC 2014)."""
    return digital_work.additions(work) * work.accelerator.digital.add_energy_pj


def noc_bits(work: MappedWork) -> Array:
    """Bits on the mesh for one image: input_traffic_bits + partial_sum_bits."""
    return mapping.input_traffic_bits(work) + mapping.partial_sum_bits(work)


def mean_hops(n_tiles: Array) -> Array:
    """Mean distance of two tiles in a square mesh of s * s >= n_tiles: 2 * (s^2 - 1) / (3 * s), at least 1 hop.

    The expected Manhattan distance for uniform traffic (Dally and Towles, Principles and Practices of
    Interconnection Networks, 2004); the floorplan puts successive layers nearer, so this is an upper estimate.
    """
    side = np.ceil(np.sqrt(np.maximum(n_tiles, 1.0)))
    hops: Array = np.maximum(1.0, 2 * (side**2 - 1) / (3 * side))
    return hops


def noc(bits: Array, n_tiles: Array, accelerator: Accelerator) -> Array:
    """Mesh network: noc_bits * mean_hops(tiles of the chip) * bit_hop_energy, pJ."""
    return bits * mean_hops(n_tiles) * accelerator.noc.bit_hop_energy_pj


def leaking_pw(work: MappedWork) -> Array:
    """Power at rest: (buffer and neuron-state bits) * sram_bit_leakage + crossbar cells * cell_leakage, pW."""
    array, memory = work.accelerator.crossbar, work.accelerator.memory
    cells = work.n_crossbars * array.size**2
    bits = buffer_bits(work) + state_bits(work)
    return bits * memory.sram_bit_leakage_pw + cells * array.cell_leakage_pw


def global_leaking_pw(accelerator: Accelerator) -> float:
    """Power at rest of the global buffer: global_bits * sram_bit_leakage, pW."""
    return accelerator.buffers.global_bits * accelerator.memory.sram_bit_leakage_pw


def leakage(power_pw: Array, latency_ms: Array) -> Array:
    """Leakage over one image: power at rest * latency of the whole network, pJ (1 pW * 1 ms = 0.001 pJ)."""
    return power_pw * latency_ms * 1e-3


def _awake_conversions(work: MappedWork) -> Array:
    return mapping.conversions(work) * work.awake


def _pes_of_a_copy(work: MappedWork) -> Array:
    return work.n_pes / np.maximum(1, mapping.replicas(work))


ENERGY_PJ: dict[str, Callable[[MappedWork], Array]] = {
    "crossbar": crossbar,
    "adc": adc,
    "multiplexer": multiplexer,
    "shift_add": shift_add,
    "register": register,
    "buffer": buffer,
    "htree": htree,
    "neuron": neuron,
    "neuron_state": neuron_state,
    "digital": digital,
}
"""The parts of a row's own energy; ``noc`` and ``leakage`` depend on the whole chip."""
