"""What a fitness is: a reading of each LIF layer at each time step, and how readings become one number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Protocol

from neuronas.fitness.patterns import Patterns
from neuronas.fitness.scores import Kernel, log_determinant
from neuronas.space.genotype import Architecture

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Reading:
    """Readings added over time steps (and, in a cell with feedback, over its LIF layers), and how many they are.

    The count is 0 if nothing reached the neurons, as where one time step has nothing to feed back.
    """

    total: Tensor
    count: int

    @classmethod
    def added(cls, readings: Iterable[Tensor]) -> Reading:
        """Add single readings, from first to last."""
        import torch

        each = list(readings)
        return cls(reduce(add, each) if each else torch.zeros(()), len(each))


class Measure(Protocol):
    """A fitness as a pure function of spikes."""

    def read(self, patterns: Patterns) -> Tensor:
        """Read one LIF layer: [T, …], a reading for each of its T time steps."""
        ...

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        """Turn readings into fitness; higher is better.

        Args:
            architecture: cleaned.
            n_cells: number of cell places.
            layers: in network order: for each cell the reduction before it (not before the first), then one for
                each convolution of its layer graph (``space.lowering.lower_cell``), or a single one if the cell has
                feedback and convolutions; at last the layer behind the last cell.
        """
        ...


@dataclass(frozen=True)
class KernelMeasure:
    """Log-determinant of a kernel's mean over all LIF layers and time steps, or of its sum.

    With the sum, fitness also grows with the number of layers: by the number of images times the logarithm of it.
    """

    kernel: Kernel
    mean: bool = True

    def read(self, patterns: Patterns) -> Tensor:
        """See ``Measure``."""
        return self.kernel(patterns)

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        """See ``Measure``."""
        import torch

        total = torch.stack([layer.total for layer in layers if layer.count]).sum(dim=0)
        return log_determinant(total / sum(layer.count for layer in layers) if self.mean else total)
