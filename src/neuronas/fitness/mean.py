"""The mean fitness of several evaluators, such as those of several chips."""

from collections.abc import Iterator, Sequence

from neuronas.fitness.evaluator import Evaluator, Failure
from neuronas.space.genotype import Architecture


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
