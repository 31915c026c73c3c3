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

        Higher is better; ``-inf`` means that some images give the same spikes.
        """
        ...


class MeanEvaluator:
    """Asks evaluators one after the other; each is done with its memory before the next begins.

    Args:
        evaluators: one or more.
    """

    def __init__(self, evaluators: Sequence[Evaluator]):
        self.evaluators = evaluators

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float | Failure]]:
        """See ``Evaluator``; what one of them cannot compute has no mean."""
        totals: list[float | Failure] = [0.0] * len(architectures)
        for evaluator in self.evaluators:
            for index, fitness in evaluator.evaluate(architectures):
                total = totals[index]
                if isinstance(total, Failure):
                    continue
                totals[index] = fitness if isinstance(fitness, Failure) else total + fitness
        for index, total in enumerate(totals):
            yield index, total if isinstance(total, Failure) else total / len(self.evaluators)
