"""Spread of measured chips around their estimates: quantiles of residuals, with equal weight for each paper.

A residual is the natural logarithm of measured over estimated. Intervals are symmetric in the logarithm, since the
calibration leaves no relevant bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuronas.hardware.silicon.macro import Array


@dataclass(frozen=True)
class Spread:
    """Sizes of residuals of held-out chips, in ascending order, and their weights.

    Attributes:
        sizes: absolute logarithms, [n].
        weights: 1 over the rows of a row's paper, [n]; their sum is the number of papers.
    """

    sizes: tuple[float, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, residuals: Array, weights: Array) -> "Spread":
        """Make a spread from residuals [n] and their weights [n]."""
        order = np.argsort(np.abs(residuals), kind="stable")
        return cls(tuple(np.abs(residuals)[order].tolist()), tuple(weights[order].tolist()))

    @property
    def n_papers(self) -> float:
        """Number of papers."""
        return sum(self.weights)

    def within(self, confidence: float) -> float:
        """The factor, above and below an estimate, that contains a chip of an unseen paper with this confidence.

        Split conformal prediction (Vovk et al., Algorithmic Learning in a Random World, 2005) with papers as units:
        the ``confidence`` quantile of the sizes plus one larger size, linearly interpolated; the largest size if there
        are too few papers.

        Args:
            confidence: 0 to 1.
        """
        needed = confidence * (self.n_papers + 1)
        return float(np.exp(np.interp(needed, np.cumsum(self.weights), self.sizes)))

    def below(self, confidence: float) -> float:
        """The factor that a chip does not exceed with this confidence, 0.5 to 1: half of the misses are above."""
        return self.within(2 * confidence - 1)

    def share_below(self, factor: float) -> float:
        """Probability that a chip is below ``factor`` times its estimate, 0 to 1."""
        if factor <= 0:
            return 0.0
        size = np.log(factor)
        inside = np.array(self.weights)[np.array(self.sizes) <= abs(size)].sum() / self.n_papers
        return float(0.5 + 0.5 * np.sign(size) * inside)


def pooled(spreads: Sequence[Spread]) -> Spread:
    """Combine several spreads."""
    sizes = np.concatenate([one.sizes for one in spreads])
    return Spread.of(sizes, np.concatenate([one.weights for one in spreads]))
