"""How far measured chips are from their estimates: quantiles of residuals in which each paper weighs the same.

A residual is the natural logarithm of measured over estimated. What is drawn from it is symmetric: the calibration
leaves no bias worth keeping, and above and below are alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuronas.hardware.silicon.macro import Array


@dataclass(frozen=True)
class Spread:
    """Sizes of residuals of chips that the estimate had not seen, in ascending order, and what each weighs.

    Attributes:
        sizes: absolute logarithms, [n].
        weights: 1 over the rows of a row's paper, [n]; their sum is the number of papers.
    """

    sizes: tuple[float, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, residuals: Array, weights: Array) -> "Spread":
        """Of residuals [n] with their weights [n]."""
        order = np.argsort(np.abs(residuals), kind="stable")
        return cls(tuple(np.abs(residuals)[order].tolist()), tuple(weights[order].tolist()))

    @property
    def n_papers(self) -> float:
        """Number of papers."""
        return sum(self.weights)

    def within(self, confidence: float) -> float:
        """The factor, above and below an estimate, within which a chip of an unseen paper is with this confidence.

        Split conformal prediction (Vovk et al., Algorithmic Learning in a Random World, 2005) with papers as its
        units: the size that ``confidence`` of the papers and one more, which is taken to be farther off, do not
        exceed, with straight lines between sizes; the largest one where there are too few papers.

        Args:
            confidence: 0 to 1.
        """
        needed = confidence * (self.n_papers + 1)
        return float(np.exp(np.interp(needed, np.cumsum(self.weights), self.sizes)))

    def below(self, confidence: float) -> float:
        """The factor that a chip does not exceed with this confidence, 0.5 to 1: half of the misses are above."""
        return self.within(2 * confidence - 1)

    def share_below(self, factor: float) -> float:
        """How often a chip is below so many times its estimate, 0 to 1."""
        if factor <= 0:
            return 0.0
        size = np.log(factor)
        inside = np.array(self.weights)[np.array(self.sizes) <= abs(size)].sum() / self.n_papers
        return float(0.5 + 0.5 * np.sign(size) * inside)


def pooled(spreads: Sequence[Spread]) -> Spread:
    """Several as one."""
    sizes = np.concatenate([one.sizes for one in spreads])
    return Spread.of(sizes, np.concatenate([one.weights for one in spreads]))
