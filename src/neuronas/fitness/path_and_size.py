"""Fitness of cells in networks of any size: ``path-information``, and what a small network loses.

Fitness is -log2 of the error that ``fitness.network_error`` expects of the trained network, from ``path-information``,
width, number of weights, time steps and bits: a fitness higher by one means half as many errors. In wide networks it
ranks as ``path-information`` does, in narrow ones by the number of weights as well. It can compare networks of
different width, T and precision. Its constants are not fitted to the given data, so it ranks networks; the error itself
only holds for data like digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from neuronas.config import WeightBits, bits_of
from neuronas.fitness.measure import Reading, Task
from neuronas.fitness.path_information import ENOUGH_CHANNELS, PathInformation
from neuronas.fitness.patterns import Patterns
from neuronas.space.genotype import Architecture

if TYPE_CHECKING:
    from torch import Tensor

    from neuronas.hardware.cost import Array


@dataclass(frozen=True)
class PathAndSize:
    """The fitness measure ``path-and-size``; see the docstring of the module."""

    paths: PathInformation = field(default_factory=PathInformation)
    task: Task | None = None
    reads_output: ClassVar[bool] = False
    enough_channels: ClassVar[int] = ENOUGH_CHANNELS
    of_cells: ClassVar[str] = "path-information"

    @property
    def rule(self) -> str:
        """The constants; see ``neuronas.fitness.measure.rule_of``."""
        from neuronas.fitness.calibration import calibration  # noqa: PLC0415

        return f"{self.paths.rule}, {calibration().narrow.constants}"

    def for_task(self, task: Task) -> PathAndSize:
        """See ``neuronas.fitness.measure.for_task``."""
        return replace(self, paths=self.paths.for_task(task), task=task)

    def read(self, patterns: Patterns) -> Tensor:
        """Entropy of a spike in bits, [T] float64; see ``Measure``."""
        return self.paths.read(patterns)

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        """See ``Measure``."""
        return self.sized(self.paths.combine(architecture, n_cells, layers), architecture)

    def sized(self, paths: float, architecture: Architecture) -> float:
        """Fitness of a network whose cells have the ``path-information`` ``paths``."""
        import numpy as np  # noqa: PLC0415 - choices are listed without it

        from neuronas.space.workload import rows  # noqa: PLC0415

        task = self._task
        weights = {row.name: row.n_weights for row in rows(architecture, task.shape) if row.n_weights}
        n_weights = float(sum(weights.values()))
        found = self.of_networks(np.array([paths]), np.array([n_weights]), _effective_bits(weights, task.weight_bits))
        return float(f"{found[0]:.12g}")

    def of_networks(self, cells: Array, n_weights: Array, weight_bits: Array | float) -> Array:
        """See ``SizedMeasure``."""
        import numpy as np  # noqa: PLC0415

        from neuronas.fitness.calibration import calibration  # noqa: PLC0415
        from neuronas.fitness.network_error import error_by_size  # noqa: PLC0415

        shape = self._task.shape
        found: Array = -np.log2(
            error_by_size(
                calibration().narrow.fittest - cells,
                n_weights,
                max(shape.n_classes, 2),  # a single class is never confused: the error would be 0
                channels=shape.channels,
                timesteps=self._task.timesteps,
                weight_bits=weight_bits,
            )
        )
        return found

    @property
    def _task(self) -> Task:
        if self.task is None:
            raise ValueError("fitness path-and-size given without a task; expected the result of its for_task")
        return self.task


def _effective_bits(weights: dict[str, int], bits: WeightBits) -> float:
    import numpy as np  # noqa: PLC0415

    from neuronas.fitness.network_error import effective_bits  # noqa: PLC0415

    if isinstance(bits, int):
        return bits
    return float(effective_bits(np.array([*weights.values()]), np.array([bits_of(bits, layer) for layer in weights])))
