"""Calibrates the laws of ``silicon.macro`` on measured chips, with cross-validation by paper.

Residuals are natural logarithms of measured over estimated. All papers have equal weight, independent of their number
of rows. Outliers have less weight (pseudo-Huber loss). Constants stay near their prior unless the data contradict it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from neuronas.hardware.silicon.chips import Chip, as_macros
from neuronas.hardware.silicon.macro import (
    ENERGY_PRIORS,
    TIME_PRIORS,
    Array,
    Macros,
    Prior,
    invocation_ns,
    operation_fj,
)

_SCALE = 0.4  # in logarithms: beyond a factor of 1.5 the loss grows less than quadratically
Law = Callable[[Macros, Mapping[str, float]], Array]


@dataclass(frozen=True)
class MeasuredChips:
    """Chips for which one quantity was measured and can be estimated.

    Attributes:
        chips: chips in the order of the table.
        macros: the same chips as columns.
        logarithm: [n] natural logarithm of the measured quantity.
        papers: [n] title of the paper of each row.
    """

    chips: Sequence[Chip]
    macros: Macros
    logarithm: Array
    papers: np.ndarray

    @classmethod
    def of(cls, chips: Sequence[Chip], quantity: Callable[[Chip], float]) -> "MeasuredChips":
        """Select the chips for which the quantity was measured and can be estimated."""
        known = [chip for chip in chips if not chip.missing and np.isfinite(quantity(chip))]
        values = np.log(np.array([quantity(chip) for chip in known], dtype=np.float64))
        papers = np.array([chip.paper.casefold() for chip in known], dtype=object)
        return cls(known, as_macros(known), values, papers)

    @property
    def weights(self) -> Array:
        """1 over the rows of a row's paper, [n]."""
        return weights_of(self.papers)

    def without(self, paper: str) -> "MeasuredChips":
        """The rows of all other papers."""
        others = self.papers != paper
        chips = [chip for chip, other in zip(self.chips, others, strict=True) if other]
        return MeasuredChips(chips, self.macros[others], self.logarithm[others], self.papers[others])


def weights_of(papers: np.ndarray) -> Array:
    """1 over the rows of a row's paper, [n]."""
    _, paper, n_rows = np.unique(papers.astype(str), return_inverse=True, return_counts=True)
    weights: Array = 1 / n_rows[paper]
    return weights


def energy_of(chip: Chip) -> float:
    """Energy of an operation normalised to 1 bit, fJ: 1000 over TOPS/W."""
    return 1e3 / chip.numbers["tops_per_w"]


def time_of(chip: Chip) -> float:
    """Time of an invocation, ns."""
    return chip.numbers["time_ns"]


@dataclass(frozen=True)
class FittedConstants:
    """Calibrated constants of both laws, by name."""

    energy: Mapping[str, float]
    time: Mapping[str, float]


def calibrated(chips: Sequence[Chip], near: FittedConstants | None = None) -> FittedConstants:
    """The constants of both laws, calibrated on chips.

    Args:
        chips: rows of the table.
        near: initial constants, such as those of a similar set of chips.
    """
    time = _fitted(MeasuredChips.of(chips, time_of), invocation_ns, TIME_PRIORS, near.time if near else None)
    energy = _fitted(
        MeasuredChips.of(chips, energy_of),
        lambda macros, constants: operation_fj(macros, constants, time),
        ENERGY_PRIORS,
        near.energy if near else None,
    )
    return FittedConstants(energy, time)


def without_each_paper(chips: Sequence[Chip]) -> Iterator[tuple[str, FittedConstants]]:
    """For each paper, constants that were calibrated on all others."""
    whole = calibrated(chips)
    for paper in dict.fromkeys(chip.paper.casefold() for chip in chips):
        yield paper, calibrated([chip for chip in chips if chip.paper.casefold() != paper], whole)


def _fitted(
    measured: MeasuredChips, law: Law, priors: Mapping[str, Prior], start: Mapping[str, float] | None
) -> dict[str, float]:
    names = list(priors)
    mean = np.array([priors[name].mean for name in names])
    deviation = np.array([priors[name].deviation for name in names])
    root = np.sqrt(measured.weights)

    def residuals(values: Array) -> Array:
        constants = dict(zip(names, values, strict=True))
        off = (measured.logarithm - np.log(law(measured.macros, constants))) / _SCALE
        robust = np.sign(off) * np.sqrt(2 * (np.sqrt(1 + off**2) - 1))
        return np.concatenate([robust * root, (values - mean) / deviation])

    first = mean if start is None else np.array([start[name] for name in names])
    found = least_squares(residuals, first, xtol=1e-5, ftol=1e-5).x
    return {name: float(value) for name, value in zip(names, found, strict=True)}
