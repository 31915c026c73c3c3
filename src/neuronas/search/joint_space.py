"""The joint space of network and chip: settings, candidates and chips, and their pairs with costs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neuronas.config import distinct_bits
from neuronas.fitness.expected_error import ErrorTerm
from neuronas.fitness.network_error import bits_of_networks, error_after_loss
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
"""Block sizes: intermediate arrays fit in cache, and costs of all chips take a few hundred megabytes."""
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Pairs:
    """Networks and chips of one setting; each network is costed on each chip.

    Attributes:
        setting: index of the setting.
        networks: n networks.
        candidates: [n] indices of the networks among all candidates.
        error: [n] expected error of the networks without a chip.
        uses: [n, k] whether each network has weights of each of the k precisions of the setting.
        chips: m chips.
        numbers: [m] indices of the chips among all chips of the setting.
        kept: [m, k] share of the accuracy above chance that remains on each chip, by precision.
    """

    setting: int
    networks: Networks
    candidates: Numbers
    error: Array
    uses: NDArray[np.bool_]
    chips: Chips
    numbers: Numbers
    kept: Array

    def __len__(self) -> int:
        return len(self.candidates) * len(self.numbers)

    def of_networks(self, chosen: Numbers | slice) -> "Pairs":
        """Restrict to some of the n networks."""
        return replace(
            self,
            networks=self.networks.only(chosen),
            candidates=self.candidates[chosen],
            error=self.error[chosen],
            uses=self.uses[chosen],
        )

    def on_chips(self, chosen: Numbers | slice) -> "Pairs":
        """Restrict to some of the m chips."""
        return replace(self, chips=self.chips.only(chosen), numbers=self.numbers[chosen], kept=self.kept[chosen])

    @property
    def network_kept(self) -> Array:
        """Share that remains of each network on each chip, that of the precision that loses most, [m, n] or [m, 1]."""
        if self.kept.shape[1] == 1:
            return self.kept
        least = np.ones((len(self.numbers), len(self.candidates)))
        for kept, is_used in zip(self.kept.T, self.uses.T, strict=True):
            np.minimum(least, kept[:, None], out=least, where=is_used)
        return least

    def worth_costing(self) -> "Pairs":
        """Remove networks and chips that are provably dominated: two of the bounds of ``search.joint``.

        A network is removed if another one has no larger error and contains no row more often; a chip is removed if
        another one differs only in fewer converter bits and keeps the same accuracy.
        """
        ranked = np.argsort(self.error, kind="stable")
        _, first = np.unique(self.networks.counts[ranked], axis=0, return_index=True)
        best = np.sort(ranked[first])
        networks = best[non_dominated(np.column_stack([self.error[best], self.networks.counts[best]]))]
        names = [name for name in vars(self.chips.arrays) if name != "adc_bits"]
        columns = [*(getattr(self.chips.arrays, name) for name in names), self.chips.replication, *self.kept.T]
        order = np.argsort(self.chips.arrays.adc_bits, kind="stable")
        _, first = np.unique(np.column_stack(columns)[order], axis=0, return_index=True)
        return self.of_networks(networks).on_chips(np.sort(order[first]))


@dataclass(frozen=True)
class CostedPairs:
    """Pairs with their costs under one schedule.

    Attributes:
        pairs: n networks and m chips.
        values: [4, m, n] error, energy, latency and area.
        totals: costs; each quantity is [m, n].
        fits: [m, n] whether a pair meets all limits.
    """

    pairs: Pairs
    values: Array
    totals: Totals
    fits: NDArray[np.bool_]


@dataclass(frozen=True)
class JointSpace:
    """The joint space of networks and chips.

    Attributes:
        base: the accelerator whose arrays are changed.
        values: axes of the chip (``hardware.design_chips``).
        settings: network settings.
        networks_at: function from a setting to all n candidates, as counts of rows.
        fitness: [n] fitness of the candidates; -inf if there is none.
        budget: the limits.
        error: model of the expected error.
        n_classes: number of classes of the data set.
        activity: firing rates of the layers' inputs.
        sensor: sensor that provides the images.
        resolution: resolution of the front; see ``search.joint``.
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
        """The chips for the networks of a setting."""
        return self.chips_at(setting.lowest_bits)

    def chips_at(self, weight_bits: int) -> Chips:
        """The chips for networks whose lowest weight precision this is; cached."""
        if weight_bits not in self._made:
            self._made[weight_bits] = design_chips(self.values, self.base, weight_bits)
        return self._made[weight_bits]

    @cached_property
    def _made(self) -> dict[int, Chips]:
        return {}

    @cached_property
    def known(self) -> Numbers:
        """Indices of the candidates with a fitness."""
        return np.flatnonzero(np.isfinite(self.fitness))

    def networks(self, setting: NetworkSetting) -> Networks:
        """The candidates with a fitness as networks of a setting."""
        return self.networks_at(setting).only(self.known)

    def network_error(self, setting: NetworkSetting, networks: Networks) -> Array:
        """Expected error of ``networks(setting)`` without a chip, [n]."""
        bits = bits_of_networks(networks, setting.weight_bits)
        fitness, n_weights = self.fitness[self.known], networks.n_weights
        return self.error.network(fitness, n_weights, setting.channels, setting.timesteps, bits)

    def pairs(self, number: int) -> Pairs:
        """All candidates with a fitness, on all chips, at the setting with index ``number``."""
        setting = self.settings[number]
        networks, chips = self.networks(setting), self.chips(setting)
        precisions, row_bits = distinct_bits(setting.weight_bits), networks.row_bits(setting.weight_bits)
        kept = [self.error.kept(self.base, chips.arrays, bits, setting.channels) for bits in precisions]
        return Pairs(
            setting=number,
            networks=networks,
            candidates=self.known,
            error=self.network_error(setting, networks),
            uses=np.column_stack([(networks.counts[:, row_bits == bits] > 0).any(axis=1) for bits in precisions]),
            chips=chips,
            numbers=np.arange(len(chips)),
            kept=np.column_stack(kept),
        )

    def costed(self, pairs: Pairs, schedules: Sequence[Schedule]) -> Iterator[CostedPairs]:
        """Cost every pair under every schedule, in blocks of consecutive networks with all chips."""
        for first in range(0, len(pairs.candidates), _NETWORKS_AT_ONCE):
            part = pairs.of_networks(slice(first, first + _NETWORKS_AT_ONCE))
            error = error_after_loss(part.error, part.network_kept, self.n_classes)
            for totals in self._totals(part, schedules):
                values = np.stack([error, totals.energy_uj, totals.latency_ms, totals.area_mm2])
                within = [excess <= 0 for excess in self.budget.excess(totals).values()]
                fits = np.logical_and.reduce([error <= self.max_error, *within])
                yield CostedPairs(part, values, totals, fits)

    def _totals(self, pairs: Pairs, schedules: Sequence[Schedule]) -> list[Totals]:
        """Totals for each schedule; each quantity is [m, n]."""
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
    """Broadcast every quantity to [n_chips, n_networks]."""
    shape = (len(totals.energy_uj), n_networks)
    return totals.each(lambda one: np.broadcast_to(one, shape))
