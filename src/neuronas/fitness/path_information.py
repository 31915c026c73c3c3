"""Fitness by paths: how much of the image reaches the output of a cell, and through how many convolutions.

Trained accuracy follows the longest path of convolutions with diminishing returns; it grows with what the first neurons
of the path let through, the more so the longer the path is, and with how selective the later ones are; docs/fitness.md
has the evidence. Each node of a cell has a value C, an information I (bits a spike) and the share R of its signal that
comes from the cell's input without a convolution. The cell's input has C = I = 0 and R = 1. An edge with neurons of
entropy h that leaves a node (C, I, R) gives

    convolution        I' = R h + (1 - R) I
                       C' = GAIN + KEEP C + INFORMATION I' - SELECTIVITY (1 - R) h
    skip, pooling      I' = I, C' = C

and a node has C = log(sum of exp(SHARPNESS C')) / SHARPNESS over its edges, and the I' of its edges averaged with the
weights that this soft maximum gives them. h is the entropy of a spike on the batch in bits, a mean over time steps.
Convolutions leave batch normalisation with variance 1, so R is known from how often the node adds the input and
convolutions. Fitness is the mean of C at the output over all cells. A cell with feedback is gone through three times,
which is as often as a value can meet a new node, and its neurons share one h.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import torch
from torch import Tensor

from neuronas.fitness.measure import Reading
from neuronas.fitness.patterns import Patterns
from neuronas.space.genotype import N_NODES, Architecture, Genotype, Incoming

_DIGITS = 12  # so that the order in which a library adds does not show through
_ROUNDS_WITH_FEEDBACK = N_NODES - 1
_TINY = 1e-300


@dataclass(frozen=True)
class Coefficients:
    """The constants of the equations above, in points of accuracy; ``keep`` is a share, ``sharpness`` per point."""

    gain: float
    keep: float
    information: float
    selectivity: float
    sharpness: float


FITTED = Coefficients(gain=4.59, keep=0.362, information=0.891, selectivity=1.18, sharpness=4.67)
"""Fitted on one part of SpikeNAS-Bench's development half by ``benchmarks/fit_path_information.py``."""


@dataclass(frozen=True)
class Node:
    """What is known of a node's signal.

    Attributes:
        value: C.
        information: I, bits.
        n_input: how often the cell's input is added without a convolution (it adds up coherently).
        n_refined: how many convolutions are added.
    """

    value: float
    information: float
    n_input: float
    n_refined: float

    @property
    def input_share(self) -> float:
        """R: share of the signal's energy."""
        energy = self.n_input**2
        return energy / (energy + self.n_refined)


_INPUT = Node(0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class PathInformation:
    """The measure; see the module."""

    coefficients: Coefficients = FITTED

    def read(self, patterns: Patterns) -> Tensor:
        """Entropy of a spike in bits, [T] float64; see ``Measure``."""
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
            values.append(cell_value(cell, _edge_entropies(cell, entropies), self.coefficients))
        return float(f"{sum(values) / len(values):.{_DIGITS}g}")


def _edge_entropies(cell: Genotype, entropies: Iterator[float]) -> dict[int, float]:
    """Entropy in front of each convolution edge, by the edge's number."""
    numbers = [
        incoming.number
        for target in range(N_NODES)
        for incoming in cell.incoming(target)
        if incoming.edge.kind.is_convolution
    ]
    if cell.has_backward:
        return dict.fromkeys(numbers, next(entropies)) if numbers else {}
    return {number: next(entropies) for number in numbers}


def cell_value(cell: Genotype, entropies: Mapping[int, float], coefficients: Coefficients) -> float:
    """Value of a cell's output node; 0 where nothing reaches it.

    Args:
        cell: cleaned.
        entropies: bits of a spike in front of each convolution edge, by the edge's number.
        coefficients: of the equations.
    """
    nodes: list[Node | None] = [None] * N_NODES
    for _ in range(_ROUNDS_WITH_FEEDBACK if cell.has_backward else 1):
        nodes = _nodes(cell, entropies, coefficients, nodes)
    output = nodes[-1]
    return output.value if output else 0.0


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
        nodes.append(_added(arriving, coefficients.sharpness) if arriving else None)
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
    return Node(value, information, 0.0, 1.0)


def _added(arriving: Sequence[Node], sharpness: float) -> Node:
    highest = max(node.value for node in arriving)
    weights = [exp(sharpness * (node.value - highest)) for node in arriving]
    total = sum(weights)
    return Node(
        highest + log(total) / sharpness,
        sum(weight * node.information for weight, node in zip(weights, arriving, strict=True)) / total,
        sum(node.n_input for node in arriving),
        sum(node.n_refined for node in arriving),
    )
