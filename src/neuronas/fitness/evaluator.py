"""The seam between search and fitness: candidates in, fitness out. Nothing here needs torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from neuronas.space.genotype import Architecture


@dataclass(frozen=True)
class Failure:
    """A candidate whose fitness could not be computed, however often it was tried; ``reason`` is for people."""

    reason: str


class Evaluator(Protocol):
    """Computes the fitness of architectures."""

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float | Failure]]:
        """Yield (index, fitness) for each architecture, in any order, as they are done.

        Higher is better; ``-inf`` means that the network's spikes tell no two images apart.
        """
        ...
