"""Fitness by paths: how much of the image the convolutions along a cell's paths can carry and refine.

Trained accuracy follows the longest path of convolutions with diminishing returns, profits from parallel paths, and
depends on what the neurons in front of a convolution let through (docs/fitness.md). Each node k of a cell gets a value
C_k, the input's is 0:

    skip, pooling      c = C_source + SKIP
    convolution        c = GAIN + KEEP * C_source + h * (INFORMATION - SPARSITY * C_source)
    node               C = log(sum over incoming edges of exp(SHARPNESS * c)) / SHARPNESS

h is the entropy in bits of a spike of the edge's neurons on the batch, a mean over time steps. Early neurons
should let through as much as they can; those that read what is refined already should be selective. Fitness is the mean
over cells of the value of the output node. In a cell with feedback, values are passed on as often as there are time
steps that its information can have taken to go round, and all its neurons share one h.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import torch
from torch import Tensor

from neuronas.fitness.measure import Reading
from neuronas.space.genotype import N_NODES, Architecture, Genotype

_DIGITS = 12  # so that the order in which a library adds does not show through
_TINY = 1e-300


@dataclass(frozen=True)
class Coefficients:
    """The constants of the equations above. ``rounds``: how often a cell with feedback is gone through."""

    skip: float
    gain: float
    keep: float
    information: float
    sparsity: float
    sharpness: float
    rounds: int = 3


FITTED = Coefficients(skip=-0.4, gain=2.0, keep=0.78, information=1.15, sparsity=0.74, sharpness=4.0)
"""Fitted on one part of SpikeNAS-Bench's development half; see docs/fitness.md for the command."""


@dataclass(frozen=True)
class PathInformation:
    """The measure; see the module."""

    coefficients: Coefficients = FITTED

    def read(self, hamming: Tensor, rates: Tensor, n: int) -> Tensor:
        """Entropy of a spike in bits, a scalar in float64; see ``Measure``."""
        rate = rates.mean()
        return -sum((p * p.clamp_min(_TINY).log2() for p in (rate, 1 - rate)), torch.zeros_like(rate))

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
    """Value of a cell's output node.

    Args:
        cell: cleaned.
        entropies: bits of a spike in front of each convolution edge, by the edge's number.
        coefficients: of the equations.
    """
    before: list[float | None] | None = None
    for _ in range(coefficients.rounds if cell.has_backward else 1):
        before = _pass(cell, entropies, coefficients, before)
    output = before[-1] if before else None
    return 0.0 if output is None else output


def _pass(
    cell: Genotype, entropies: Mapping[int, float], constants: Coefficients, before: list[float | None] | None
) -> list[float | None]:
    """Values of the nodes after one time step; None where nothing has arrived."""
    nodes: list[float | None] = []
    for target in range(N_NODES):
        arriving = [0.0] if target == 0 else []
        for incoming in cell.incoming(target):
            values = before if incoming.backward else nodes
            source = values[incoming.source] if values is not None else None
            if source is None:
                continue
            if incoming.edge.kind.is_convolution:
                h = entropies[incoming.number]
                own = h * (constants.information - constants.sparsity * source)
                arriving.append(constants.gain + constants.keep * source + own)
            else:
                arriving.append(source + constants.skip)
        nodes.append(_soft_maximum(arriving, constants.sharpness) if arriving else None)
    return nodes


def _soft_maximum(values: Sequence[float], sharpness: float) -> float:
    highest = max(values)
    return highest + log(sum(exp(sharpness * (value - highest)) for value in values)) / sharpness
