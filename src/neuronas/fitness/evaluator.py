"""The interface between search and fitness. Nothing here needs PyTorch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from neuronas.space.genotype import Architecture


@dataclass(frozen=True)
class Failure:
    """Returned instead of a fitness that could not be computed, even by repeated attempts.

    Attributes:
        reason: the reason, for messages.
    """

    reason: str


class Evaluator(Protocol):
    """Computes the fitness of architectures."""

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float | Failure]]:
        """Yield (index, fitness) for each architecture as soon as it is computed, in any order.

        Higher fitness is better; ``-inf`` means that the network does not distinguish some of the images.
        """
        ...


class MeanEvaluator:
    """Mean fitness over several evaluators. They run one after the other, so that each has all memory.

    Args:
        evaluators: one or more evaluators.
    """

    def __init__(self, evaluators: Sequence[Evaluator]):
        self.evaluators = evaluators

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float | Failure]]:
        """See ``Evaluator``; the result is a ``Failure`` if any evaluator returns one."""
        totals: list[float | Failure] = [0.0] * len(architectures)
        for evaluator in self.evaluators:
            for index, fitness in evaluator.evaluate(architectures):
                total = totals[index]
                if isinstance(total, Failure):
                    continue
                totals[index] = fitness if isinstance(fitness, Failure) else total + fitness
        for index, total in enumerate(totals):
            yield index, total if isinstance(total, Failure) else total / len(self.evaluators)
