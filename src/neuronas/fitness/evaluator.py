"""The seam between search and fitness: candidates in, fitness out. Nothing here needs torch."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from neuronas.space.genotype import Architecture


class Evaluator(Protocol):
    """Computes the fitness of architectures."""

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        """Yield (index, fitness) for each architecture, in any order, as they are done.

        Higher is better; ``-inf`` means that the network's spikes tell no two images apart.
        """
        ...
