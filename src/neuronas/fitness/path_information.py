"""Fitness by paths: how much information of the image reaches the output of a cell, through how many convolutions.

Trained accuracy grows with the length of the longest path of convolutions, with diminishing returns. It also grows with
the information that the first neurons of the path pass on, more so for longer paths, and with the selectivity of the
later ones; the evidence is in docs/fitness-results.md. Each node of a cell has a value C, an information I (bits per
spike), the share R of its signal that comes from the cell's input without a convolution, and J, the mean I of the
convolutions in the rest. The cell's input has C = I = 0 and R = 1. A convolution after neurons of entropy h that read
a node (C, I, R) gives

    convolution        I' = R h + (1 - R) I
                       C' = GAIN + KEEP C + INFORMATION I' - SELECTIVITY (1 - R) h
    skip, pooling      I' = I, C' = C

and a node has C and I of the edge with the highest C'. h is the entropy of a spike on the batch in bits, the mean over
time steps. Convolutions have variance 1 after batch normalisation, so R and J follow from how often the node adds the
input and each convolution, including those passed on by skips and pooling. The value of a cell of n convolutions is

    C + OUTPUT ((1 - R) J + R) + CONVOLUTIONS ln n - SPREAD sd(h)

with C, R and J of its output (its input does not consist of spikes and counts as 1 bit) and the standard deviation of h
over its convolutions. The constants depend on the size of the task, classes times pixels (``task_coefficients``).
Fitness is the mean over all cells. A cell of n nodes with feedback is iterated n - 1 times, the most steps in which a
value can reach a new node, and its neurons share one h.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import log, prod
from statistics import pstdev
from typing import TYPE_CHECKING, ClassVar

from neuronas.fitness.measure import Reading, Task
from neuronas.fitness.patterns import Patterns
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.graph import Node
from neuronas.space.lowering import lower_cell
from neuronas.space.node_operations import Image, Pair, Weights

if TYPE_CHECKING:
    from torch import Tensor

_DIGITS = 12  # significant digits; hides rounding differences between libraries
_TINY = 1e-300
_SOURCE = Node("source", Image(), (), (1, 1, 1))
"""Input node of a cell; the information does not depend on its shape."""


@dataclass(frozen=True)
class Coefficients:
    """The constants of the equations above, in points of accuracy; ``keep`` is a share."""

    gain: float
    keep: float
    information: float
    selectivity: float
    output: float
    convolutions: float
    spread: float


FITTED = Coefficients(
    gain=4.86, keep=0.326, information=0.513, selectivity=1.15, output=0.954, convolutions=0.393, spread=1.24
)
"""Fitted on one part of SpikeNAS-Bench's development half by ``benchmarks/fit_path_information.py``."""
ENOUGH_CHANNELS = 16
"""Networks of this width are ranked as wider ones are (``benchmarks/fitness_inputs.py``)."""
_KEPT = 0.5
SMALL_TASK = replace(
    FITTED, information=_KEPT * FITTED.information, output=_KEPT * FITTED.output, spread=_KEPT * FITTED.spread
)
"""Constants of small tasks, such as CIFAR-10 and CIFAR-100: the terms that reward sensitive neurons are halved
(``benchmarks/fitness_frontier.py``)."""
LARGE_TASK = replace(FITTED, information=0.0, output=0.0, convolutions=3 * FITTED.convolutions)
"""Constants of large tasks, such as TinyImageNet-200: sensitive neurons do not help, and additional convolutions
help more (``benchmarks/threshold_effects.py``)."""
_SMALL, _LARGE = 100 * 32 * 32, 200 * 64 * 64
"""Classes times pixels up to which a task counts as small, and from which it counts as large."""


def task_coefficients(n_classes: int, image_size: Pair) -> Coefficients:
    """The constants for a data set: those of small tasks, of large ones, or in between (linear in the logarithm).

    The dependence was derived from three tables of trained networks that differ at the same time in classes, image size
    and number of training images. So another property of the data may be the cause (docs/fitness-results.md).

    Args:
        n_classes: number of classes.
        image_size: height and width in pixels.
    """
    share = log(n_classes * prod(image_size) / _SMALL) / log(_LARGE / _SMALL)
    share = min(max(share, 0.0), 1.0)
    small, large = asdict(SMALL_TASK), asdict(LARGE_TASK)
    return Coefficients(**{name: (1 - share) * small[name] + share * large[name] for name in small})


@dataclass(frozen=True)
class Signal:
    """Properties of a value in a cell.

    Attributes:
        value: C.
        information: I in bits.
        n_input: how many times the cell's input is added without a convolution (its amplitudes add up).
        n_refined: number of convolutions that are added.
        refined: sum of the information of these convolutions in bits.
    """

    value: float
    information: float
    n_input: float
    n_refined: float
    refined: float

    @property
    def input_share(self) -> float:
        """R: the input's share of the energy of the signal."""
        energy = self.n_input**2
        return energy / (energy + self.n_refined)

    @property
    def mixed(self) -> float:
        """Mean information of all summands of the signal, weighted by energy: (1 - R) J + R, in bits."""
        energy = self.n_input**2
        return (energy + self.refined) / (energy + self.n_refined)


_INPUT = Signal(0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class PathInformation:
    """The fitness measure ``path-information``; see the docstring of the module."""

    coefficients: Coefficients = SMALL_TASK
    reads_output: ClassVar[bool] = False  # no equation uses the spikes after the last cell
    enough_channels: ClassVar[int] = ENOUGH_CHANNELS

    @property
    def rule(self) -> str:
        """The constants; see ``neuronas.fitness.measure.rule_of``."""
        return repr(self.coefficients)

    def for_task(self, task: Task) -> PathInformation:
        """See ``neuronas.fitness.measure.for_task``."""
        return replace(self, coefficients=task_coefficients(task.shape.n_classes, task.shape.image_size))

    def read(self, patterns: Patterns) -> Tensor:
        """Entropy of a spike in bits, [T] float64; see ``Measure``."""
        import torch

        rates = patterns.rates.mean(dim=1)
        both = torch.stack([rates, 1 - rates])
        return -(both * both.clamp_min(_TINY).log2()).sum(dim=0)

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        """See ``Measure``."""
        entropies = iter([float(layer.total) / max(layer.count, 1) for layer in layers])
        values = []
        for place, cell in enumerate(architecture.expanded(n_cells)):
            if place:
                next(entropies)  # the reduction is not used: it is the same for all candidates
            values.append(cell_value(cell, entropies_of(cell, entropies), self.coefficients))
        return float(f"{sum(values) / len(values):.{_DIGITS}g}")


def entropies_of(cell: Genotype, readings: Iterator[float]) -> dict[str, float]:
    """Entropy of the spikes in front of each convolution of a cell, by node name; ``readings`` in network order."""
    names = _convolutions(_lowered(cell))
    if cell.has_backward:
        return dict.fromkeys(names, next(readings)) if names else {}
    return {name: next(readings) for name in names}


def cell_value(cell: Genotype, entropies: Mapping[str, float], coefficients: Coefficients) -> float:
    """Value of a cell; 0 if nothing reaches its output.

    Args:
        cell: the cell without dead edges.
        entropies: entropy in bits of the spikes in front of each convolution, by the name of its node in cell A
            (such as ``A.01``).
        coefficients: constants of the equations.
    """
    nodes = _lowered(cell)
    signals: dict[str, Signal] = {}
    for _ in range(cell.n_nodes - 1 if cell.has_backward else 1):
        signals = _signals(nodes, entropies, coefficients, signals)
    output = signals.get(nodes[-1].name)
    if output is None:
        return 0.0
    value = output.value + coefficients.output * output.mixed
    own = [entropies[name] for name in _convolutions(nodes)]
    if own:
        value += coefficients.convolutions * log(len(own)) - coefficients.spread * pstdev(own)
    return value


def _lowered(cell: Genotype) -> tuple[Node, ...]:
    return lower_cell(cell, 0, _SOURCE)


def _convolutions(nodes: Sequence[Node]) -> list[str]:
    return [node.name for node in nodes if isinstance(node.operation, Weights)]


def _signals(
    nodes: Sequence[Node], entropies: Mapping[str, float], coefficients: Coefficients, before: Mapping[str, Signal]
) -> dict[str, Signal]:
    """The signals after one time step; nodes that no signal has reached yet are missing."""
    now = {_SOURCE.name: _INPUT}
    for node in nodes:
        sources = [((before if link.delayed else now), link.source) for link in node.links]
        if arriving := [signals[source] for signals, source in sources if source in signals]:
            total = _added(arriving)
            is_convolution = isinstance(node.operation, Weights)
            now[node.name] = _convolved(total, entropies[node.name], coefficients) if is_convolution else total
    return now


def _convolved(source: Signal, h: float, coefficients: Coefficients) -> Signal:
    share = source.input_share
    information = share * h + (1 - share) * source.information
    value = (
        coefficients.gain
        + coefficients.keep * source.value
        + coefficients.information * information
        - coefficients.selectivity * (1 - share) * h
    )
    return Signal(value, information, 0.0, 1.0, information)


def _added(arriving: Sequence[Signal]) -> Signal:
    best = max(arriving, key=lambda signal: (signal.value, signal.information))
    return Signal(
        best.value,
        best.information,
        sum(signal.n_input for signal in arriving),
        sum(signal.n_refined for signal in arriving),
        sum(signal.refined for signal in arriving),
    )
