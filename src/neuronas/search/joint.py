"""The Pareto front over network and chip together, by enumeration: every chip of a design space for every network.

Cost is a closed form and fitness depends only on the cells, so nothing has to be sampled. Three exact bounds reduce the
enumeration:

- cells: among networks with equal rows of work, only the one with the lowest error is costed. A network that contains
  each row at least as often as another one with no larger error costs at least as much on every chip. (This is not
  proven for the latency of a pipeline under a budget with a confidence, which considers the array's part of the slowest
  row.)
- converters: more bits cost more. Among chips that differ only in converter bits and keep the same accuracy, only the
  one with the fewest bits is costed.
- schedule: ``pipelined-over-timesteps`` is never slower than ``layers-in-order``, takes the same area and no more
  energy. If both are offered, only the pipelined one is costed.

Objectives are compared on a grid of relative width ``resolution``: for each omitted design, the front has one that is
worse by at most this share in every objective (0: exact). The result does not depend on the number of workers.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuronas.hardware.budget import least_worst
from neuronas.hardware.cost import Array
from neuronas.hardware.pareto import non_dominated
from neuronas.search.joint_designs import Designs, Nearest, logarithms, on_grid
from neuronas.search.joint_space import CostedPairs, JointSpace


@dataclass(frozen=True)
class Explored:
    """All designs of one network setting.

    Attributes:
        front: non-dominated designs that meet all limits, including the limit of the error.
        n_covered: number of designs covered by enumeration or by a bound.
        n_costed: number of these that were costed one by one.
        n_feasible: number of costed designs that meet all limits.
        chips: [n] indices of the costed chips among those of the setting.
        means: [n, 4] mean over the costed networks of the logarithms of error, energy, latency and area.
        nearest: the design that misses the limits by the least; None if any design meets them.
    """

    front: Designs
    n_covered: int
    n_costed: int
    n_feasible: int
    chips: NDArray[np.intp]
    means: Array
    nearest: Nearest | None


def explore(space: JointSpace, number: int) -> Explored:
    """Cost all chips for all networks of one setting.

    Args:
        space: the joint space.
        number: index of the setting.
    """
    every = space.pairs(number)
    pairs, schedules = every.worth_costing(), every.chips.schedules
    front, n_feasible, nearest = Designs.none(), 0, None
    sums = np.zeros((len(pairs.numbers), 4))
    for costed in space.costed(pairs, schedules[-1:]):
        sums += logarithms(costed.values).sum(axis=2).T
        n_feasible += int(costed.fits.sum())
        front = front.with_others(*_fronts(space, costed), resolution=space.resolution)
        if not n_feasible and costed.fits.size:
            nearest = _nearer(nearest, space, costed)
    return Explored(
        front=front,
        n_covered=len(every.numbers) * len(schedules) * len(space.fitness),
        n_costed=len(pairs),
        n_feasible=n_feasible,
        chips=pairs.numbers,
        means=sums / max(1, len(pairs.candidates)),
        nearest=None if n_feasible else nearest,
    )


def explored(space: JointSpace, first: int, n_workers: int) -> Iterator[Explored]:
    """Explore all settings from ``first`` on, in order.

    Args:
        space: the joint space.
        first: index of the first setting.
        n_workers: number of threads; does not affect the result.
    """
    with ThreadPoolExecutor(n_workers) as threads:
        futures = [threads.submit(explore, space, number) for number in range(first, len(space.settings))]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _fronts(space: JointSpace, costed: CostedPairs) -> Iterator[Designs]:
    """Pareto front of each network of a block."""
    pairs = costed.pairs
    memory_bits = pairs.networks.memory_bits(space.settings[pairs.setting].weight_bits)
    compared = on_grid(costed.values, space.resolution)
    for column, candidate in enumerate(pairs.candidates):
        rows = np.flatnonzero(costed.fits[:, column])
        rows = rows[non_dominated(compared[:, rows, column].T)]
        memory = np.full(len(rows), memory_bits[column])
        origin = (np.full_like(rows, pairs.setting), np.full_like(rows, candidate), pairs.numbers[rows])
        yield Designs(np.column_stack([costed.values[:, rows, column].T, memory]), np.column_stack(origin))


def _nearer(known: Nearest | None, space: JointSpace, costed: CostedPairs) -> Nearest:
    pairs = costed.pairs
    totals, error = costed.totals.each(np.ravel), costed.values[0].ravel()
    excess = np.column_stack([space.budget.relative_excess(totals), error / space.max_error - 1])
    index, worst = least_worst(excess)
    relative = float(excess[index, worst])
    if known is not None and known.relative <= relative:
        return known
    name, values = [*space.budget.judged(totals).items(), ("error", error)][worst]
    chip, column = divmod(index, len(pairs.candidates))
    origin = (pairs.setting, int(pairs.candidates[column]), int(pairs.numbers[chip]))
    return Nearest(relative, name, float(values[index]), origin)
