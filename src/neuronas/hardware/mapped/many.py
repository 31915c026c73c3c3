"""Cost model ``mapped`` for many networks on many chips at once: terms are computed once per distinct row of work.

Cost is a sum over rows of work, and the cost of a row depends only on the chip. So the distinct rows of all networks
are costed on all chips, and a matrix product with the count of each row sums them for each network. Terms that depend
on whole networks (hops of the mesh, leakage, the slowest row of a pipeline) follow from the sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neuronas.config import LayerBits, WeightBits, bits_of
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array, Totals
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.latency import Schedule
from neuronas.hardware.mapped.mapping import make_work
from neuronas.hardware.mapped.sums import RowSums, chip_totals, row_sums
from neuronas.hardware.sensor import AT_ONCE, Sensor
from neuronas.space.workload import Layer, Occupancy, Slot, columns


@dataclass(frozen=True)
class Networks:
    """Networks of one shape as counts of rows.

    Attributes:
        rows: the distinct rows of all networks.
        counts: [n_networks, n_rows] how often each network contains each row.
    """

    rows: tuple[Layer, ...]
    counts: Array

    @classmethod
    def of(
        cls, slots: Sequence[Slot], occupancy: Occupancy, weight_bits: WeightBits | None = None, *, named: bool = False
    ) -> "Networks":
        """Count rows.

        Args:
            slots: places for work (``space.workload``).
            occupancy: [n_networks, n_slots] the choice at each place.
            weight_bits: if layers have different bits: rows with different keys in it are distinct, and a row with
                weights has its key as its name.
            named: whether rows with different names are distinct, as required for firing rates by layer.
        """

        def name_of(row: Layer) -> str:
            if named:
                return row.name
            if isinstance(weight_bits, LayerBits) and row.has_weights:
                return weight_bits.key_of(row.name) or row.name
            return ""

        numbers: dict[Layer, int] = {}
        counts = np.zeros((len(occupancy), 0))
        for column in columns(slots, occupancy):
            for choice, row in column.rows.items():
                number = numbers.setdefault(replace(row, name=name_of(row)), len(numbers))
                if number == counts.shape[1]:
                    counts = np.hstack([counts, np.zeros((len(occupancy), 1))])
                counts[:, number] += occupancy[:, column.slot] == choice
        return cls(tuple(numbers), counts)

    def __len__(self) -> int:
        return len(self.counts)

    def only(self, chosen: NDArray[np.intp] | slice) -> "Networks":
        """A subset of the networks."""
        return Networks(self.rows, self.counts[chosen])

    @property
    def n_weights(self) -> Array:
        """Number of weights of each network, [n_networks]."""
        found: Array = self.counts @ self.row_weights
        return found

    def memory_bits(self, weight_bits: WeightBits) -> Array:
        """Bits of all weights of each network, [n_networks]."""
        found: Array = self.counts @ (self.row_weights * self.row_bits(weight_bits))
        return found

    @cached_property
    def row_weights(self) -> Array:
        """Number of weights of each row, [n_rows]."""
        return np.array([row.n_weights for row in self.rows], dtype=np.float64)

    def row_bits(self, weight_bits: WeightBits) -> Array:
        """Bits of the weights of each row, [n_rows]; 0 without weights."""
        return np.array([bits_of(weight_bits, row.name) if row.has_weights else 0.0 for row in self.rows])

    @cached_property
    def kinds(self) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Distinct sets of rows, [n_kinds, n_rows]; and the index of the set of each network, [n_networks]."""
        held, kind = np.unique(self.counts > 0, axis=0, return_inverse=True)
        return held, kind.reshape(-1)


@dataclass(frozen=True)
class ManyCosts:
    """Costs of networks on n chips.

    Attributes:
        accelerator: accelerator with constants as columns [n, 1] (``scaling.many_chips``).
        weight_bits: weight bits; if layers have different ones, the same as of the networks.
        timesteps: number of time steps T.
        replication: copies of each layer's weights, [n, 1].
        activity: firing rates of the layers' inputs.
        sensor: sensor that provides the images.
    """

    accelerator: Accelerator
    weight_bits: WeightBits
    timesteps: int
    replication: Array
    activity: Activity
    sensor: Sensor = AT_ONCE

    def totals(self, networks: Networks, schedules: Sequence[Schedule]) -> list[Totals]:
        """Totals for each schedule; each quantity is [n, n_networks], ``parameters`` [n_networks]."""
        work = make_work(
            networks.rows,
            self.accelerator,
            self.weight_bits,
            self.timesteps,
            self.replication,
            self.activity,
            sensor=self.sensor,
        )
        rows, n = row_sums(work), len(self.replication)
        each = [np.broadcast_to(values, (n, len(networks.rows))) for values in rows.arrays]
        counts = np.ascontiguousarray(networks.counts.T)
        is_once = np.array([row.reads == "image" for row in networks.rows])
        sums = RowSums(*(values @ counts for values in each))
        times = np.broadcast_to([rows.time_ns, rows.array_ns], (2, n, len(networks.rows)))
        once_ns = times[:, :, is_once] @ counts[is_once]
        slowest_ns = self._slowest(times, networks, is_once) if set(schedules) - {"layers-in-order"} else once_ns
        return [
            replace(
                chip_totals(sums, once_ns, slowest_ns, self.accelerator, schedule, self.timesteps, self.sensor),
                parameters=sums.parameters[0],
            )
            for schedule in schedules
        ]

    def _slowest(self, times: Array, networks: Networks, is_once: NDArray[np.bool_]) -> Array:
        """Times of the slowest row among those that run at each time step, [2, n, n_networks]."""
        held, kind = networks.kinds
        found = np.zeros((2, times.shape[1], len(held)))
        for number, rows in enumerate(held & ~is_once):
            own = times[:, :, rows]
            if own.shape[2]:
                slowest = own[0].argmax(axis=1)[None, :, None]
                found[:, :, number] = np.take_along_axis(own, slowest, axis=2)[:, :, 0]
        return found[:, :, kind]
