"""Fitness by paths: how much of the image reaches the output of a cell, and through how many convolutions.

Trained accuracy follows the longest path of convolutions with diminishing returns; it grows with what the first neurons
of the path let through, the more so the longer the path is, and with how selective the later ones are; docs/fitness.md
has the evidence. Each node of a cell has a value C, an information I (bits a spike), the share R of its signal that
comes from the cell's input without a convolution, and J, the mean I of the convolutions in the rest of it. The cell's
input has C = I = 0 and R = 1. An edge with neurons of entropy h that leaves a node (C, I, R) gives

    convolution        I' = R h + (1 - R) I
                       C' = GAIN + KEEP C + INFORMATION I' - SELECTIVITY (1 - R) h
    skip, pooling      I' = I, C' = C

and a node has C and I of the edge with the highest C'. h is the entropy of a spike on the batch in bits, a mean over
time steps. Convolutions leave batch normalisation with variance 1, so R and J are known from how often the node adds
the input and each convolution, those that skips and pooling pass on included. A cell of n convolutions is worth

    C + OUTPUT ((1 - R) J + R) + CONVOLUTIONS ln n - SPREAD sd(h)

with C, R and J of its output (its input is not made of spikes and counts as 1 bit) and the standard deviation of h over
its convolutions. Fitness is the mean over all cells. A cell with feedback is gone through three times, which is as
often as a value can meet a new node, and its neurons share one h.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import pstdev
from typing import TYPE_CHECKING

from neuronas.fitness.measure import Reading
from neuronas.fitness.patterns import Patterns
from neuronas.space.genotype import N_NODES, Architecture, Genotype, Incoming

if TYPE_CHECKING:
    from torch import Tensor

_DIGITS = 12  # so that the order in which a library adds does not show through
_ROUNDS_WITH_FEEDBACK = N_NODES - 1
_TINY = 1e-300


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


@dataclass(frozen=True)
class Node:
    """What is known of a node's signal.

    Attributes:
        value: C.
        information: I, bits.
        n_input: how often the cell's input is added without a convolution (it adds up coherently).
        n_refined: how many convolutions are added.
        refined: sum of their information, bits.
    """

    value: float
    information: float
    n_input: float
    n_refined: float
    refined: float

    @property
    def input_share(self) -> float:
        """R: share of the signal's energy."""
        energy = self.n_input**2
        return energy / (energy + self.n_refined)

    @property
    def mixed(self) -> float:
        """Information of all that the signal is a sum of, by energy: (1 - R) J + R, bits."""
        energy = self.n_input**2
        return (energy + self.refined) / (energy + self.n_refined)


_INPUT = Node(0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class PathInformation:
    """The measure; see the module."""

    coefficients: Coefficients = FITTED

    def read(self, patterns: Patterns) -> Tensor:
        """Entropy of a spike in bits, [T] float64; see ``Measure``."""
        import torch

        rates = patterns.rates.mean(dim=1)
        both = torch.stack([rates, 1 - rates])
        return -(both * both.clamp_min(_TINY).log2()).sum(dim=0)

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        """See ``Measure``."""
        entropies = iter([float(layer.total) / layer.count for layer in layers])
        values = []
        for place, cell in enumerate(architecture.expanded(n_cells)):
            if place:
                next(entropies)  # the reduction is the same for every candidate
            values.append(cell_value(cell, edge_entropies(cell, entropies), self.coefficients))
        return float(f"{sum(values) / len(values):.{_DIGITS}g}")


def edge_entropies(cell: Genotype, entropies: Iterator[float]) -> dict[int, float]:
    """Entropy in front of each convolution edge, by the edge's number; taken in the order of the cell's LIF layers."""
    numbers = _convolutions(cell)
    if cell.has_backward:
        return dict.fromkeys(numbers, next(entropies)) if numbers else {}
    return {number: next(entropies) for number in numbers}


def _convolutions(cell: Genotype) -> list[int]:
    incoming = (incoming for target in range(N_NODES) for incoming in cell.incoming(target))
    return [one.number for one in incoming if one.edge.kind.is_convolution]


def cell_value(cell: Genotype, entropies: Mapping[int, float], coefficients: Coefficients) -> float:
    """Value of a cell; 0 where nothing reaches its output.

    Args:
        cell: cleaned.
        entropies: bits of a spike in front of each convolution edge, by the edge's number.
        coefficients: of the equations.
    """
    nodes: list[Node | None] = [None] * N_NODES
    for _ in range(_ROUNDS_WITH_FEEDBACK if cell.has_backward else 1):
        nodes = _nodes(cell, entropies, coefficients, nodes)
    output = nodes[-1]
    if output is None:
        return 0.0
    value = output.value + coefficients.output * output.mixed
    own = [entropies[number] for number in _convolutions(cell)]
    if own:
        value += coefficients.convolutions * log(len(own)) - coefficients.spread * pstdev(own)
    return value


def _nodes(
    cell: Genotype, entropies: Mapping[int, float], coefficients: Coefficients, before: Sequence[Node | None]
) -> list[Node | None]:
    """The nodes after one time step; None where nothing has arrived."""
    nodes: list[Node | None] = []
    for target in range(N_NODES):
        arriving = [] if target else [_INPUT]
        for incoming in cell.incoming(target):
            source = (before if incoming.backward else nodes)[incoming.source]
            if source is not None:
                arriving.append(_through(incoming, source, entropies, coefficients))
        nodes.append(_added(arriving) if arriving else None)
    return nodes


def _through(incoming: Incoming, source: Node, entropies: Mapping[int, float], coefficients: Coefficients) -> Node:
    if not incoming.edge.kind.is_convolution:
        return source
    h, share = entropies[incoming.number], source.input_share
    information = share * h + (1 - share) * source.information
    value = (
        coefficients.gain
        + coefficients.keep * source.value
        + coefficients.information * information
        - coefficients.selectivity * (1 - share) * h
    )
    return Node(value, information, 0.0, 1.0, information)


def _added(arriving: Sequence[Node]) -> Node:
    best = max(arriving, key=lambda node: (node.value, node.information))
    return Node(
        best.value,
        best.information,
        sum(node.n_input for node in arriving),
        sum(node.n_refined for node in arriving),
        sum(node.refined for node in arriving),
    )
