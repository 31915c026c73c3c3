"""Latency terms of cost model ``mapped``: ns per row of work in a time step, [..., n_rows]; and the two schedules."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array
from neuronas.hardware.mapped import digital_work, mapping
from neuronas.hardware.mapped.mapping import MappedWork

Schedule = Literal["layers-in-order", "pipelined-over-timesteps"]


def pass_ns(accelerator: Accelerator) -> float:
    """One read of a crossbar: (mux ratio * conversion_clocks + fill_clocks) / clock, ns.

    The columns of a multiplexer are converted one after another; all crossbars of a layer work in parallel.
    For spikeflow-rram 8 * 3 + 2 = 26 clock cycles, 104 ns, as in SpikeSim.
    """
    clocks = accelerator.multiplexer.ratio * accelerator.adc.conversion_clocks + accelerator.pe.fill_clocks
    ns: float = clocks * clock_ns(accelerator)
    return ns


def crossbar(work: MappedWork) -> Array:
    """Crossbar passes: ceil(o^2 / replicas) * input_bits * reads * pass_ns, ns; copies work on different pixels."""
    pixels = np.ceil(work.o_area / np.maximum(1, mapping.replicas(work)))
    return pixels * work.input_bits * mapping.reads(work) * pass_ns(work.accelerator)


def digital(work: MappedWork) -> Array:
    """Pooling, sums, neurons: ceil((additions + neuron_operations) / (digital_units * n_lanes)) clock cycles, ns."""
    n_operations = digital_work.additions(work) / work.steps + digital_work.neuron_operations(work)
    n_adders = np.maximum(1, digital_work.digital_units(work)) * work.accelerator.digital.n_lanes
    return np.ceil(n_operations / n_adders) * clock_ns(work.accelerator)


def noc(work: MappedWork) -> Array:
    """Transfers: (ceil(bits into each receiver / link) + ceil(partial-sum bits / (link * tiles))) clock cycles, ns.

    The tiles of a layer receive the same inputs at the same time (multicast); digital units receive their own
    channels. Partial sums leave over the links of all tiles. Transfers and passes do not overlap: an upper estimate.
    """
    link = work.accelerator.noc.link_bits
    n_receivers = np.maximum(1, np.where(work.has_weights > 0, work.n_tiles, digital_work.digital_units(work)))
    inputs = np.ceil(mapping.input_traffic_bits(work) / n_receivers / work.steps / link)
    sums = np.ceil(mapping.partial_sum_bits(work) / n_receivers / work.steps / link)
    return (inputs + sums) * clock_ns(work.accelerator)


def clock_ns(accelerator: Accelerator) -> float:
    """One clock cycle: 1000 / clock_mhz, ns."""
    return 1e3 / accelerator.clock_mhz


def layers_in_order(once_ns: Array, each_ns: Array, slowest_ns: Array, timesteps: int) -> Array:
    """Schedule ``layers-in-order``: once + T * sum of all rows, ns; one row works at a time.

    ``once`` is the first layer's (the image is convolved once), ``each`` the sum of the others for a time step.
    """
    return once_ns + timesteps * each_ns


def pipelined_over_timesteps(once_ns: Array, each_ns: Array, slowest_ns: Array, timesteps: int) -> Array:
    """Schedule ``pipelined-over-timesteps``: once + sum of all rows + (T - 1) * slowest row, ns.

    All rows work at the same time, each on another time step; the first step fills the pipeline. Backward edges
    are assumed not to stall it.
    """
    return once_ns + each_ns + (timesteps - 1) * slowest_ns


def clock_count(schedule: Schedule, each_ns: Array, timesteps: int) -> Array:
    """Multiplicity of a row's time in the total, [n_rows], for rows that run at each time step.

    T for ``layers-in-order``; when pipelined, 1, and T for the slowest row (the first one if there are several).
    """
    if schedule == "layers-in-order":
        return np.full_like(each_ns, timesteps)
    counts = np.ones_like(each_ns)
    counts[each_ns.argmax() if len(each_ns) else slice(0)] = timesteps
    return counts


LATENCY_NS: dict[str, Callable[[MappedWork], Array]] = {"crossbar": crossbar, "digital": digital, "noc": noc}
"""The parts of a row's time for one time step."""
SCHEDULES = {"layers-in-order": layers_in_order, "pipelined-over-timesteps": pipelined_over_timesteps}
"""Latency of a network from its rows, by name."""
