"""What is enumerated of network and chip together: settings, candidates and chips, and their pairs with their costs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neuronas.fitness.expected_error import ErrorTerm, expected_error
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Array, Totals
from neuronas.hardware.design_chips import Chips, Values, design_chips
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.latency import Schedule
from neuronas.hardware.mapped.many import ManyCosts, Networks
from neuronas.hardware.pareto import non_dominated
from neuronas.hardware.scaling import many_chips
from neuronas.hardware.sensor import Sensor
from neuronas.runs.network_setting import NetworkSetting

_CHIPS_AT_ONCE, _NETWORKS_AT_ONCE = 256, 128
"""Keep intermediate arrays in cache, and costs of all chips within some hundred megabytes."""
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Pairs:
    """Networks and chips of a setting, each network to be costed on each chip.

    Attributes:
        setting: number of the setting.
        networks: n networks.
        candidates: [n] their numbers among all candidates.
        error: [n] that they let expect without a chip.
        chips: m chips.
        numbers: [m] their numbers among all chips of the setting.
        kept: [m] share of the accuracy above chance that they keep.
    """

    setting: int
    networks: Networks
    candidates: Numbers
    error: Array
    chips: Chips
    numbers: Numbers
    kept: Array

    def __len__(self) -> int:
        return len(self.candidates) * len(self.numbers)

    def of_networks(self, chosen: Numbers | slice) -> "Pairs":
        """Those of some of the n networks."""
        return replace(
            self,
            networks=self.networks.only(chosen),
            candidates=self.candidates[chosen],
            error=self.error[chosen],
        )

    def on_chips(self, chosen: Numbers | slice) -> "Pairs":
        """Those of some of the m chips."""
        return replace(self, chips=self.chips.only(chosen), numbers=self.numbers[chosen], kept=self.kept[chosen])

    def worth_costing(self) -> "Pairs":
        """Without networks and chips that others are proven to beat: two of the bounds of ``search.joint``.

        A network goes if another one has at most its error and holds no row more often; a chip, if another one only has
        fewer bits of converters, and keeps the same accuracy.
        """
        ranked = np.argsort(self.error, kind="stable")
        _, first = np.unique(self.networks.counts[ranked], axis=0, return_index=True)
        best = np.sort(ranked[first])
        networks = best[non_dominated(np.column_stack([self.error[best], self.networks.counts[best]]))]
        names = [name for name in vars(self.chips.arrays) if name != "adc_bits"]
        columns = [*(getattr(self.chips.arrays, name) for name in names), self.chips.replication, self.kept]
        order = np.argsort(self.chips.arrays.adc_bits, kind="stable")
        _, first = np.unique(np.column_stack(columns)[order], axis=0, return_index=True)
        return self.of_networks(networks).on_chips(np.sort(order[first]))


@dataclass(frozen=True)
class Costed:
    """Pairs with one schedule, costed.

    Attributes:
        pairs: n networks and m chips.
        values: [4, m, n] error, energy, latency and area.
        totals: costs, each quantity [m, n].
        fits: [m, n] whether a pair keeps all limits.
    """

    pairs: Pairs
    values: Array
    totals: Totals
    fits: NDArray[np.bool_]


@dataclass(frozen=True)
class JointSpace:
    """What is enumerated.

    Attributes:
        base: the accelerator whose arrays are changed.
        values: axes of the chip (``hardware.design_chips``).
        settings: of the network.
        networks_at: all n candidates at a setting, as counts of rows.
        fitness: [n] of the candidates; -inf: none.
        budget: the limits.
        error: what accuracy to expect.
        n_classes: of the data set.
        activity: firing rates of the layers' inputs.
        sensor: that gives the images.
        resolution: of the front; see ``search.joint``.
        max_error: limit of the expected error on the chip.
    """

    base: Accelerator
    values: Values
    settings: tuple[NetworkSetting, ...]
    networks_at: Callable[[NetworkSetting], Networks]
    fitness: Array
    budget: Budget
    error: ErrorTerm
    n_classes: int
    activity: Activity
    sensor: Sensor
    resolution: float
    max_error: float = 1.0

    def chips(self, setting: NetworkSetting) -> Chips:
        """The chips for networks of a setting."""
        return self.chips_at(setting.weight_bits)

    def chips_at(self, weight_bits: int) -> Chips:
        """The chips for weights of a precision; made once."""
        if weight_bits not in self._made:
            self._made[weight_bits] = design_chips(self.values, self.base, weight_bits)
        return self._made[weight_bits]

    @cached_property
    def _made(self) -> dict[int, Chips]:
        return {}

    def pairs(self, number: int) -> Pairs:
        """All candidates that have a fitness, on all chips, at the setting of a number."""
        setting = self.settings[number]
        known = np.flatnonzero(np.isfinite(self.fitness))
        networks, chips = self.networks_at(setting).only(known), self.chips(setting)
        return Pairs(
            setting=number,
            networks=networks,
            candidates=known,
            error=self.error.network(self.fitness[known], networks.n_weights, **setting.plain()),
            chips=chips,
            numbers=np.arange(len(chips)),
            kept=self.error.kept(self.base, chips.arrays, setting.weight_bits, setting.channels),
        )

    def costed(self, pairs: Pairs, schedules: Sequence[Schedule]) -> Iterator[Costed]:
        """Cost every pair with every schedule: blocks of networks in their order, each with all chips."""
        for first in range(0, len(pairs.candidates), _NETWORKS_AT_ONCE):
            part = pairs.of_networks(slice(first, first + _NETWORKS_AT_ONCE))
            error = expected_error(part.error, part.kept[:, None], self.n_classes)
            for totals in self._totals(part, schedules):
                values = np.stack([error, totals.energy_uj, totals.latency_ms, totals.area_mm2])
                within = [excess <= 0 for excess in self.budget.excess(totals).values()]
                fits = np.logical_and.reduce([error <= self.max_error, *within])
                yield Costed(part, values, totals, fits)

    def _totals(self, pairs: Pairs, schedules: Sequence[Schedule]) -> list[Totals]:
        """Totals by schedule, each quantity [m, n]."""
        setting, chips = self.settings[pairs.setting], pairs.chips
        found = []
        for first in range(0, len(chips), _CHIPS_AT_ONCE):
            part = chips.only(slice(first, first + _CHIPS_AT_ONCE))
            many = ManyCosts(
                many_chips(self.base, part.arrays), setting.weight_bits, setting.timesteps, part.replication[:, None],
                self.activity, self.sensor,
            )  # fmt: skip
            found.append(many.totals(pairs.networks, schedules))
        columns = len(pairs.candidates)
        return [
            Totals.joined([_whole(one, columns) for one in of_schedule]) for of_schedule in zip(*found, strict=True)
        ]


def _whole(totals: Totals, n_networks: int) -> Totals:
    """Every quantity of one shape, [n_chips, n_networks]."""
    shape = (len(totals.energy_uj), n_networks)
    return totals.each(lambda one: np.broadcast_to(one, shape))
