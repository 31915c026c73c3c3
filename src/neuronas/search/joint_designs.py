"""Designs of network and chip together: objectives, sets of designs, and their Pareto front."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuronas.hardware.cost import Array
from neuronas.hardware.pareto import non_dominated

OBJECTIVES = ("error", "energy_uj", "latency_ms", "area_mm2", "memory_bits")
"""Objectives; all are minimised."""
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Designs:
    """A set of designs, one per row.

    Attributes:
        points: [n, 5] values of ``OBJECTIVES``.
        origins: [n, 3] indices of the setting, of the candidate, and of the chip among those of the setting.
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
        """A subset of the designs."""
        return Designs(self.points[chosen], self.origins[chosen])

    def with_others(self, *others: "Designs", resolution: float) -> "Designs":
        """The Pareto front of these and other designs; only the first of equal ones."""
        sets = (self, *others)
        every = Designs(np.vstack([one.points for one in sets]), np.vstack([one.origins for one in sets]))
        return every.only(non_dominated(on_grid(every.points, resolution)))


@dataclass(frozen=True)
class Nearest:
    """The design that misses the budget by the smallest share.

    Attributes:
        relative: largest relative excess over a limit.
        name: quantity of that limit.
        value: value of the design in this quantity.
        origin: one row of ``Designs.origins``.
    """

    relative: float
    name: str
    value: float
    origin: tuple[int, int, int]


def on_grid(points: Array, resolution: float) -> Array:
    """Values of any shape as indices of a geometric grid of relative width ``resolution``; unchanged if it is 0."""
    if not resolution:
        return points
    cells: Array = np.floor(logarithms(points) / np.log1p(resolution))
    return cells


def logarithms(values: Array) -> Array:
    """Natural logarithms of objective values; finite also for an error of 0."""
    found: Array = np.log(np.maximum(values, _SMALLEST))
    return found
