"""Designs of network and chip together: what is to be minimised, sets of designs, and their front."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuronas.hardware.cost import Array
from neuronas.hardware.pareto import non_dominated

OBJECTIVES = ("error", "energy_uj", "latency_ms", "area_mm2", "memory_bits")
"""All to be minimised."""
_SMALLEST = 1e-9


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

    def with_others(self, *others: "Designs", resolution: float) -> "Designs":
        """The front of all; of equal ones the first."""
        sets = (self, *others)
        every = Designs(np.vstack([one.points for one in sets]), np.vstack([one.origins for one in sets]))
        return every.only(non_dominated(on_grid(every.points, resolution)))


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


def on_grid(points: Array, resolution: float) -> Array:
    """Values, any shape, as numbers of cells, each larger by ``resolution`` than the one before; 0: as they are."""
    if not resolution:
        return points
    cells: Array = np.floor(logarithms(points) / np.log1p(resolution))
    return cells


def logarithms(values: Array) -> Array:
    """Natural logarithms of values of objectives, of which an error may be 0."""
    found: Array = np.log(np.maximum(values, _SMALLEST))
    return found
