"""Cost model ``mapped``: each total is the sum of named terms over rows of work (``space.workload``)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from neuronas.config import WeightBits
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array, Cost, LayerCost, Totals, tabulate
from neuronas.hardware.mapped import area, energy, mapping
from neuronas.hardware.mapped.activity import DENSE, Activity
from neuronas.hardware.mapped.array_view import array_view
from neuronas.hardware.mapped.intervals import ARRAY, intervals, not_validated
from neuronas.hardware.mapped.latency import LATENCY_NS, Schedule, clock_count
from neuronas.hardware.mapped.mapping import MappedWork, make_work
from neuronas.hardware.mapped.sums import MM2, MS, UJ, RowSums, chip_totals, row_sums
from neuronas.hardware.sensor import AT_ONCE, Sensor
from neuronas.space.workload import Column, Layer, Occupancy, Slot, always, columns

_CHUNK = 8192  # rows costed at a time: keeps the intermediate arrays in cache

ASSUMPTIONS = (
    "cost is an analytical estimate (cost model 'mapped', docs/hardware-model.md), not a measurement",
    "constants keep the technology node of their source; none is scaled to the chip's",
    "batch norm is folded into weights and thresholds; row drivers, clock tree, controller and pads are not counted",
    "leakage counts memory cells, not logic; off-chip access and programming the weights are not counted",
    "transfers, passes and neuron updates of a layer do not overlap",
)
ARTIFICIAL = (
    "artificial network: neurons give {bits} bits, for each of which a crossbar is read, converted and its input "
    "buffered and moved; a quantised ReLU costs {bits} comparisons and has no membrane"
)
"""Assumption for a network of quantised ReLU instead of LIF neurons."""


@dataclass(frozen=True)
class MappedCostModel:
    """The model; see ``docs/reference/cost-equations.md`` for its equations.

    Attributes:
        schedule: ``layers-in-order`` or ``pipelined-over-timesteps``.
        replication: copies of each layer's weights that work on different pixels.
        activity: firing rates of the layers' inputs.
        sensor: sensor that provides the images.
        activation_bits: for an artificial network of quantised ReLU, which has one time step: bits of the neurons'
            outputs, which a crossbar reads one after the other; None: LIF neurons.
    """

    accelerator: Accelerator
    weight_bits: WeightBits
    timesteps: int
    schedule: Schedule = "layers-in-order"
    replication: int = 1
    activity: Activity = DENSE
    activation_bits: int | None = None
    sensor: Sensor = AT_ONCE

    def __post_init__(self) -> None:
        if self.activation_bits is not None and self.timesteps != 1:
            raise ValueError(f"{self.timesteps} time steps given for an artificial network; expected 1")

    @property
    def name(self) -> str:
        """See ``CostModel``."""
        return "mapped"

    def totals(self, slots: Sequence[Slot], occupancy: Occupancy) -> Totals:
        """See ``CostModel``."""
        places = columns(slots, occupancy)
        table = tabulate(places, occupancy, lambda rows: np.stack(row_sums(self.work(rows)).arrays, axis=1))
        starts = range(0, len(occupancy), _CHUNK)
        chunks = [self._chunk(places, table, occupancy[start : start + _CHUNK]) for start in starts]
        return Totals.joined(chunks)

    def estimate(self, layers: Sequence[Layer]) -> Cost:
        """See ``CostModel``."""
        totals = self.totals(*always(layers))
        work = self.work(layers)
        parts = {
            "area_mm2": self._area_parts(work),
            "latency_ms": self._latency_parts(layers, work),
            "energy_uj": self._energy_parts(work, totals.latency_ms),
        }
        by_row = {name: np.sum(list(terms.values()), axis=0) for name, terms in parts.items()}
        used = mapping.utilisation(work)
        counted = tuple(
            LayerCost(
                layer=row,
                weight_bits=int(work.weight_bits[index]),
                n_crossbars=int(work.n_crossbars[index]),
                n_pes=int(work.n_pes[index]),
                n_tiles=int(work.n_tiles[index]),
                utilisation=float(used[index]),
                area_mm2=float(by_row["area_mm2"][index]),
                latency_ms=float(by_row["latency_ms"][index]),
                energy_uj=float(by_row["energy_uj"][index]),
            )
            for index, row in enumerate(layers)
        )
        known = {name: float(getattr(totals, name)[0]) for name in ARRAY}
        arrays = {name: float(getattr(totals, f"array_{name}")[0]) for name in ARRAY}
        sums = {name: {one: float(part.sum()) for one, part in parts[name].items()} for name in ARRAY}
        said = (*ASSUMPTIONS, *self._choices(), array_view(self.accelerator), *not_validated(sums))
        ranges = intervals(self.accelerator, known, arrays)
        memory_bits = int((mapping.parameters(work) * work.weight_bits).sum())
        return Cost.of(totals, memory_bits, counted, parts, said, ranges)

    def _chunk(self, places: Sequence[Column], table: Array, occupancy: Occupancy) -> Totals:
        names = [field.name for field in fields(RowSums)]
        times = [names.index("time_ns"), names.index("array_ns")]
        total = np.zeros((len(occupancy), len(names)))
        once_ns, slowest_ns = np.zeros((2, len(occupancy))), np.zeros((2, len(occupancy)))
        for number, place in enumerate(places):
            row = table[occupancy[:, place.slot], number]
            total += row
            if place.is_static:
                once_ns += row[:, times].T
            elif self.schedule != "layers-in-order":  # the only schedule that does not need the slowest row
                own = row[:, times].T
                np.copyto(slowest_ns, own, where=own[0] > slowest_ns[0])
        sums = RowSums(*np.ascontiguousarray(total.T))
        return chip_totals(sums, once_ns, slowest_ns, self.accelerator, self.schedule, self.timesteps, self.sensor)

    def work(self, rows: Sequence[Layer]) -> MappedWork:
        """Rows of work (``space.workload``), mapped to the chip."""
        return make_work(
            rows,
            self.accelerator,
            self.weight_bits,
            self.timesteps,
            self.replication,
            self.activity,
            self.activation_bits,
            self.sensor,
        )

    def _area_parts(self, work: MappedWork) -> dict[str, Array]:
        parts = {name: term(work) * MM2 for name, term in area.AREA_UM2.items()}
        shared = _share(work) * area.global_buffer(self.accelerator) * MM2
        return parts | {"global_buffer": shared}

    def _latency_parts(self, rows: Sequence[Layer], work: MappedWork) -> dict[str, Array]:
        each = np.array([row.reads != "image" for row in rows])
        counts, time_ns = np.ones(len(rows)), row_sums(work).time_ns
        counts[each] = clock_count(self.schedule, time_ns[each], self.timesteps)
        parts = {name: counts * term(work) * MS for name, term in LATENCY_NS.items()}
        if not self.sensor.window_ms:
            return parts
        busy_ms, last_ms = (counts * time_ns).sum(keepdims=True) * MS, time_ns.sum(keepdims=True) * MS
        waiting_ms = self.sensor.decision_ms(busy_ms, last_ms, self.timesteps) - busy_ms
        first = np.arange(len(rows)) == next(index for index, row in enumerate(rows) if row.reads == "sequence")
        return parts | {"sensor": first * waiting_ms}

    def _energy_parts(self, work: MappedWork, latency_ms: Array) -> dict[str, Array]:
        sums = row_sums(work)
        n_tiles = sums.n_tiles.sum(keepdims=True)
        power_pw = sums.leaking_pw + _share(work) * energy.global_leaking_pw(self.accelerator)
        parts = {name: term(work) * UJ for name, term in energy.ENERGY_PJ.items()}
        return parts | {
            "noc": energy.noc(sums.noc_bits, n_tiles, self.accelerator) * UJ,
            "leakage": energy.leakage(power_pw, latency_ms) * UJ,
        }

    def _choices(self) -> tuple[str, ...]:
        activity = self.activity
        measured = "as forecast, not measured" if activity.is_forecast else "as traced"
        rates = measured if activity.trace is not None else f"{activity.rate:g}"
        dense = " (dense, the worst case)" if activity.trace is None and activity.rate == 1 else ""
        copies = "one copy" if self.replication == 1 else f"{self.replication} copies"
        bits = self.activation_bits
        share = "firing rate of inputs" if bits is None else "share of input bits that are 1"
        return (
            f"schedule {self.schedule}, {copies} of each layer's weights",
            f"{share} {rates}{dense}; it saves crossbar reads and silent conversions only",
            *(() if bits is None else (ARTIFICIAL.format(bits=bits),)),
            *self.sensor.assumptions("latency and leakage include"),
        )


def _share(work: MappedWork) -> Array:
    """Share of each row in the parts that the chip has once, in proportion to its tiles."""
    share: Array = work.n_tiles / work.n_tiles.sum()
    return share
