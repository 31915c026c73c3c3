"""From the terms of rows of work to the totals of a chip; of one network, of many, or of many chips at once."""

from dataclasses import dataclass, fields
from functools import reduce

import numpy as np

from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array, Totals
from neuronas.hardware.mapped import area, energy, mapping
from neuronas.hardware.mapped.intervals import ARRAY
from neuronas.hardware.mapped.latency import LATENCY_NS, SCHEDULES, Schedule
from neuronas.hardware.mapped.mapping import MappedWork
from neuronas.hardware.sensor import AT_ONCE, Sensor

MM2, MS, UJ = 1e-6, 1e-6, 1e-6
"""Conversion factors from um2, ns and pJ."""


@dataclass(frozen=True)
class RowSums:
    """Summable quantities, one array each: of each row, or summed over the rows of each network."""

    parameters: Array
    n_tiles: Array
    area_um2: Array
    time_ns: Array
    energy_pj: Array
    noc_bits: Array
    leaking_pw: Array
    array_ns: Array
    array_pj: Array

    @property
    def arrays(self) -> list[Array]:
        """All quantities in order."""
        return [getattr(self, field.name) for field in fields(self)]


def row_sums(work: MappedWork) -> RowSums:
    """Contribution of each row, [..., n_rows]."""
    return RowSums(
        parameters=mapping.parameters(work),
        n_tiles=work.n_tiles,
        area_um2=reduce(np.add, [term(work) for term in area.AREA_UM2.values()]),
        time_ns=reduce(np.add, [term(work) for term in LATENCY_NS.values()]),
        energy_pj=reduce(np.add, [term(work) for term in energy.ENERGY_PJ.values()]),
        noc_bits=energy.noc_bits(work),
        leaking_pw=energy.leaking_pw(work),
        array_ns=reduce(np.add, [LATENCY_NS[name](work) for name in ARRAY["latency_ms"]]),
        array_pj=reduce(np.add, [energy.ENERGY_PJ[name](work) for name in ARRAY["energy_uj"]]),
    )


def chip_totals(
    sums: RowSums,
    once_ns: Array,
    slowest_ns: Array,
    accelerator: Accelerator,
    schedule: Schedule,
    timesteps: int,
    sensor: Sensor = AT_ONCE,
) -> Totals:
    """Totals of networks on a chip, each quantity of the shape of the sums.

    Args:
        sums: sums over the rows of each network, for one time step; energy for a whole decision.
        once_ns: [2, ...] time of the rows that run once: in total, and of their arrays.
        slowest_ns: the same for the slowest of the other rows; not used by schedule ``layers-in-order``.
        accelerator: constants of the chip; columns correspond to the first axis of the sums.
        schedule: see ``latency``.
        timesteps: number of time steps T.
        sensor: sensor that provides the images.
    """
    each_ns = np.stack([sums.time_ns, sums.array_ns]) - once_ns
    latency_ms, array_ms = _latency_ms(once_ns, each_ns, slowest_ns, schedule, timesteps, sensor)
    energy_pj = sums.energy_pj + energy.noc(sums.noc_bits, sums.n_tiles, accelerator)
    power_pw = sums.leaking_pw + energy.global_leaking_pw(accelerator)
    return Totals(
        parameters=sums.parameters,
        area_mm2=(sums.area_um2 + area.global_buffer(accelerator)) * MM2,
        latency_ms=latency_ms,
        energy_uj=(energy_pj + energy.leakage(power_pw, latency_ms)) * UJ,
        array_latency_ms=array_ms,
        array_energy_uj=sums.array_pj * UJ,
    )


def _latency_ms(
    once_ns: Array, each_ns: Array, slowest_ns: Array, schedule: Schedule, timesteps: int, sensor: Sensor
) -> tuple[Array, Array]:
    """Latency and the arrays' part of it, from times [2, ...] of whole rows and of their arrays."""
    run = SCHEDULES[schedule]
    busy_ms, busy_array_ms = run(once_ns, each_ns, slowest_ns, timesteps) * MS
    if not sensor.window_ms:
        return busy_ms, busy_array_ms
    last_ms, last_array_ms = run(once_ns, each_ns, slowest_ns, 1) * MS
    latency_ms = sensor.decision_ms(busy_ms, last_ms, timesteps)
    waits = latency_ms > sensor.window_ms / timesteps + busy_ms  # for the last image, so that only its time is added
    return latency_ms, np.where(waits, last_array_ms, busy_array_ms)
