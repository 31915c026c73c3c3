"""The interface of fitness measures: a reading of each LIF layer per time step, combined to one number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from neuronas.config import WeightBits
from neuronas.fitness.patterns import Patterns
from neuronas.fitness.scores import Kernel, log_determinant
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape

if TYPE_CHECKING:
    from torch import Tensor

    from neuronas.hardware.cost import Array


@dataclass(frozen=True)
class Reading:
    """Sum of readings over time steps, in a cell with feedback also over its LIF layers.

    Attributes:
        total: sum of the readings.
        count: number of readings; 0 if nothing reached the neurons (feedback with a single time step).
    """

    total: Tensor
    count: int

    @classmethod
    def added(cls, readings: Iterable[Tensor]) -> Reading:
        """Sum single readings in order."""
        import torch

        each = list(readings)
        return cls(reduce(add, each) if each else torch.zeros(()), len(each))


class Measure(Protocol):
    """A fitness measure: a pure function of spikes."""

    def read(self, patterns: Patterns) -> Tensor:
        """Read one LIF layer: [T, …], one reading per time step."""
        ...

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        """Combine readings to a fitness; higher is better.

        Args:
            architecture: the architecture without dead edges.
            n_cells: number of cells of the network.
            layers: readings in network order. For each cell: that of the reduction before it (not for the first cell),
                then one per convolution of its layer graph (``space.lowering.lower_cell``), or a single one if the cell
                has feedback and convolutions. Finally that of the LIF layer after the last cell, unless the measure
                has an attribute ``reads_output`` that is False; and that of the LIF layer in a linear head, if the
                measure has an attribute ``reads_hidden`` that is True.
        """
        ...


@runtime_checkable
class SizedMeasure(Measure, Protocol):
    """A measure that also depends on the size of the network, given by its task.

    Attributes:
        of_cells: name of the measure that compares the cells alone.
    """

    of_cells: ClassVar[str]

    def of_networks(self, cells: Array, n_weights: Array, weight_bits: Array | int) -> Array:
        """Fitness of networks, [n].

        Args:
            cells: [n] fitness of their cells by the measure ``of_cells``.
            n_weights: [n] number of weights.
            weight_bits: bits of each weight; if layers have different ones, [n] ``network_error.effective_bits``.
        """
        ...


def reads_output(measure: Measure) -> bool:
    """Whether a measure reads the LIF layer after the last cell, without which the last convolutions are not needed."""
    return getattr(measure, "reads_output", True)


def reads_hidden(measure: Measure) -> bool:
    """Whether a measure also reads the LIF layer between the linear layers of the head, where there is one."""
    return getattr(measure, "reads_hidden", False)


def enough_channels(measure: Measure) -> int | None:
    """Width from which a wider network is not ranked differently, an attribute of measures that have such a width."""
    return getattr(measure, "enough_channels", None)


def rule_of(measure: Measure) -> str:
    """The constants of a measure as text, its attribute ``rule``; a calibration holds for one rule."""
    return getattr(measure, "rule", "")


@dataclass(frozen=True)
class Task:
    """What the networks of a run have in common, apart from their cells.

    Attributes:
        shape: sizes of the network around the cells, images and classes.
        timesteps: number of time steps T.
        weight_bits: bits of the weights.
    """

    shape: NetworkShape
    timesteps: int
    weight_bits: WeightBits


def for_task(measure: Measure, task: Task) -> Measure:
    """Adapt a measure to the networks of a run, by its method ``for_task(task) -> Measure`` if it has one."""
    adapt = getattr(type(measure), "for_task", None)
    return measure if adapt is None else adapt(measure, task)


@dataclass(frozen=True)
class KernelMeasure:
    """Log-determinant of the sum of a kernel over all LIF layers and time steps, or of its mean.

    For B images and n readings (layers times time steps), the log-determinant of the sum exceeds that of the mean by
    B ln n: it rewards layers with neurons. T adds the same constant to all candidates without feedback.

    Attributes:
        kernel: the kernel.
        mean: whether the sum is divided by n.
        reads_hidden: whether the LIF layer of a linear head counts as well.
    """

    kernel: Kernel
    mean: bool
    reads_hidden: bool = False

    def read(self, patterns: Patterns) -> Tensor:
        """See ``Measure``."""
        return self.kernel(patterns)

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        """See ``Measure``."""
        import torch

        total = torch.stack([layer.total for layer in layers if layer.count]).sum(dim=0)
        return log_determinant(total / sum(layer.count for layer in layers) if self.mean else total)
