"""The Pareto front of network and chip together, by enumeration: every chip of a design space for every network.

Cost is a closed form and fitness depends on the cells alone, so nothing has to be sampled. Three bounds, all exact,
make the enumeration smaller:

- cells: of networks with equal rows of work the fittest stands for all, and a network that holds each row at least as
  often as another one that is at least as fit costs at least as much on every chip (not proven for a pipeline's latency
  under a budget with a confidence, which judges the array's part of its slowest row);
- converters: more bits cost more; of chips that differ in nothing else and keep the same accuracy, that with the fewest
  stands for all;
- schedule: ``pipelined-over-timesteps`` is never slower than ``layers-in-order`` and takes the same area, and no more
  energy; where both are offered, only it is costed.

Objectives are compared on a grid of ``resolution``, relative: of each design left out, the front holds one that is
worse by at most this share in every objective. 0: exactly. The result does not depend on the number of workers.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuronas.fitness.expected_error import ErrorTerm, expected_error
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import Budget, closest
from neuronas.hardware.cost import Array, Totals
from neuronas.hardware.design_chips import Chips, Values, design_chips
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.many import ManyCosts, Networks
from neuronas.hardware.pareto import non_dominated
from neuronas.hardware.scaling import many_chips
from neuronas.hardware.sensor import Sensor
from neuronas.runs.network_setting import NetworkSetting

OBJECTIVES = ("error", "energy_uj", "latency_ms", "area_mm2", "memory_bits")
"""All to be minimised."""
_CHIPS_AT_ONCE, _NETWORKS_AT_ONCE = 256, 128
"""Keep intermediate arrays in cache, and costs of all chips within some hundred megabytes."""
_SMALLEST = 1e-9


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
        resolution: see above.
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


@dataclass(frozen=True)
class Designs:
    """Designs, one a row.

    Attributes:
        points: [n, 5] values of ``OBJECTIVES``.
        origins: [n, 3] numbers of the setting, of the candidate, and of the chip among those of the setting.
    """

    points: Array
    origins: NDArray[np.int64]

    @classmethod
    def none(cls) -> "Designs":
        """No design."""
        return cls(np.zeros((0, len(OBJECTIVES))), np.zeros((0, 3), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.points)

    def only(self, chosen: NDArray[np.int64] | list[int]) -> "Designs":
        """Some of them."""
        return Designs(self.points[chosen], self.origins[chosen])

    def with_others(self, others: "Designs", resolution: float) -> "Designs":
        """The front of both; of equal ones the first."""
        both = Designs(np.vstack([self.points, others.points]), np.vstack([self.origins, others.origins]))
        return both.only(non_dominated(on_grid(both.points, resolution)))


@dataclass(frozen=True)
class Nearest:
    """The design that misses the budget by the smallest share.

    Attributes:
        relative: by which share it misses the limit that it misses most.
        name: the quantity of that limit.
        value: of the design.
        origin: see ``Designs.origins``.
    """

    relative: float
    name: str
    value: float
    origin: tuple[int, int, int]


@dataclass(frozen=True)
class Explored:
    """All designs of one setting.

    Attributes:
        front: those that keep all limits and that no other one of the setting beats.
        n_covered: designs, by enumeration or bound.
        n_costed: of these, costed one by one.
        n_feasible: of these, keep all limits.
        chips: [n] numbers of the costed chips among those of the setting.
        means: [n, 4] mean over the costed networks of the logarithm of error, energy, latency and area.
        nearest: where none keeps all limits.
    """

    front: Designs
    n_covered: int
    n_costed: int
    n_feasible: int
    chips: NDArray[np.intp]
    means: Array
    nearest: Nearest | None


def on_grid(points: Array, resolution: float) -> Array:
    """Points [n, d] whose values are numbers of cells, each larger by ``resolution`` than the one before; 0: as is."""
    if not resolution:
        return points
    return _cells(logarithms(points), resolution)


def logarithms(values: Array) -> Array:
    """Natural logarithms of values of objectives, of which an error may be 0."""
    found: Array = np.log(np.maximum(values, _SMALLEST))
    return found


def _cells(on_scale: Array, resolution: float) -> Array:
    cells: Array = np.floor(on_scale / np.log1p(resolution))
    return cells


def networks_worth_costing(networks: Networks, fitness: Array) -> NDArray[np.intp]:
    """Numbers of the networks that no other one equals or beats in fitness and in how often it holds each row."""
    known = np.flatnonzero(np.isfinite(fitness))
    ranked = known[np.argsort(-fitness[known], kind="stable")]
    _, first = np.unique(networks.counts[ranked], axis=0, return_index=True)
    fittest = np.sort(ranked[first])
    points = np.column_stack([-fitness[fittest], networks.counts[fittest]])
    return fittest[non_dominated(points)]


def chips_worth_costing(chips: Chips, kept: Array) -> NDArray[np.intp]:
    """Numbers of the chips without those that only have more bits of converters, and keep no more accuracy for it."""
    names = [name for name in vars(chips.arrays) if name != "adc_bits"]
    columns = [*(getattr(chips.arrays, name) for name in names), chips.replication, kept]
    order = np.argsort(chips.arrays.adc_bits, kind="stable")
    _, first = np.unique(np.column_stack(columns)[order], axis=0, return_index=True)
    return np.sort(order[first])


def explore(space: JointSpace, number: int) -> Explored:
    """Cost all chips for all networks of one setting.

    Args:
        space: what is enumerated.
        number: of the setting.
    """
    setting = space.settings[number]
    chips, networks = space.chips(setting), space.networks_at(setting)
    chosen = networks_worth_costing(networks, space.fitness)
    n_schedules = len(chips.schedules)
    front, n_feasible, nearest = Designs.none(), 0, None
    without = space.error.network(space.fitness[chosen], **setting.plain())
    kept = space.error.kept(space.base, chips.arrays, setting.weight_bits, setting.channels)
    n_chips, worth = len(chips), chips_worth_costing(chips, kept)
    chips, kept, sums = chips.only(worth), kept[worth], np.zeros((len(worth), 4))
    for first in range(0, len(chosen), _NETWORKS_AT_ONCE):
        part = chosen[first : first + _NETWORKS_AT_ONCE]
        totals = _totals(space, setting, chips, networks.only(part))
        error = expected_error(without[first : first + len(part)], kept[:, None], space.n_classes)
        fits = np.logical_and.reduce([excess <= 0 for excess in space.budget.excess(totals).values()])
        values = np.stack([error, totals.energy_uj, totals.latency_ms, totals.area_mm2])
        on_scale = logarithms(values)
        sums += on_scale.sum(axis=2).T
        compared = _cells(on_scale, space.resolution) if space.resolution else values
        n_feasible += int(fits.sum())
        found = [front]
        for column, candidate in enumerate(part):
            rows = np.flatnonzero(fits[:, column])
            rows = rows[non_dominated(compared[:, rows, column].T)]
            memory = np.full(len(rows), totals.parameters[0, column] * setting.weight_bits)
            origins = np.column_stack([np.full_like(rows, number), np.full_like(rows, candidate), worth[rows]])
            found.append(Designs(np.column_stack([values[:, rows, column].T, memory]), origins))
        everything = Designs(np.vstack([one.points for one in found]), np.vstack([one.origins for one in found]))
        front = Designs.none().with_others(everything, space.resolution)
        if not n_feasible and len(chips):
            nearest = _nearer(nearest, space, totals, number, part, worth)
    return Explored(
        front=front,
        n_covered=n_chips * n_schedules * len(space.fitness),
        n_costed=len(chips) * len(chosen),
        n_feasible=n_feasible,
        chips=worth,
        means=sums / max(1, len(chosen)),
        nearest=None if n_feasible else nearest,
    )


def explored(space: JointSpace, first: int, n_workers: int) -> Iterator[Explored]:
    """All settings from a number on, in order.

    Args:
        space: what is enumerated.
        first: number of the first setting.
        n_workers: threads; the result is the same for any number.
    """
    with ThreadPoolExecutor(n_workers) as threads:
        futures = [threads.submit(explore, space, number) for number in range(first, len(space.settings))]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _totals(space: JointSpace, setting: NetworkSetting, chips: Chips, networks: Networks) -> Totals:
    """Costs of networks on all chips, each quantity [n_chips, n_networks]."""
    found = []
    for first in range(0, len(chips), _CHIPS_AT_ONCE):
        part = slice(first, first + _CHIPS_AT_ONCE)
        many = ManyCosts(
            many_chips(space.base, chips.arrays[part]),
            setting.weight_bits,
            setting.timesteps,
            chips.replication[part, None],
            space.activity,
            space.sensor,
        )
        found += many.totals(networks, chips.schedules[-1:])
    return Totals.joined([_whole(one, len(networks)) for one in found])


def _whole(totals: Totals, n_networks: int) -> Totals:
    """Every quantity of one shape."""
    shape = (len(totals.energy_uj), n_networks)
    return _each(totals, lambda one: np.broadcast_to(one, shape))


def _each(totals: Totals, change: Callable[[Array], Array]) -> Totals:
    values: dict[str, Any] = {name: None if one is None else change(one) for name, one in vars(totals).items()}
    return Totals(**values)


def _nearer(
    known: Nearest | None,
    space: JointSpace,
    totals: Totals,
    number: int,
    candidates: NDArray[np.intp],
    worth: NDArray[np.intp],
) -> Nearest:
    found = closest(space.budget, _each(totals, np.ravel))
    if known is not None and known.relative <= found.relative:
        return known
    chip, column = divmod(found.index, len(candidates))
    return Nearest(found.relative, found.name, found.value, (number, int(candidates[column]), int(worth[chip])))
