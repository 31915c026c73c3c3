"""Early exit: decisions before the last time step, once the scores are confident enough."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.snn.decision import decided, mean_scores
from neuronas.training.passes import Reader

NEVER = 2.0
"""A confidence that is never reached."""
_N_CANDIDATES = 200


@dataclass(frozen=True)
class Answers:
    """Decisions of a network after each time step.

    Attributes:
        right: [T, n] whether the class with the highest mean score over the first t time steps is correct.
        confidence: [T, n] softmax probability of that class for these mean scores, 0 to 1.
    """

    right: NDArray[np.bool_]
    confidence: NDArray[np.float64]

    @classmethod
    def of(cls, scores: Tensor, labels: Tensor) -> "Answers":
        """Evaluate class scores [T, n, n_classes] for images with labels [n]."""
        means = [mean_scores(scores[:n]) for n in range(1, len(scores) + 1)]
        right = [decided(mean) == labels for mean in means]
        confidence = [mean.double().softmax(dim=1).amax(dim=1) for mean in means]
        return cls(torch.stack(right).numpy(), torch.stack(confidence).numpy())

    @classmethod
    def joined(cls, parts: "Sequence[Answers]") -> "Answers":
        """Concatenate the decisions of all parts, in order."""
        return cls(
            np.concatenate([part.right for part in parts], axis=1),
            np.concatenate([part.confidence for part in parts], axis=1),
        )

    @property
    def top1(self) -> NDArray[np.float64]:
        """[T] accuracy of the decisions after each time step."""
        shares: NDArray[np.float64] = self.right.mean(axis=1)
        return shares

    def exits(self, threshold: float) -> NDArray[np.int64]:
        """[n] first time step, from 0, at which the confidence reaches a threshold; the last time step if none does."""
        reached = self.confidence >= threshold
        reached[-1] = True
        first: NDArray[np.int64] = reached.argmax(axis=0)
        return first

    def top1_at(self, threshold: float) -> float:
        """Accuracy of the decisions with this threshold."""
        return float(np.take_along_axis(self.right, self.exits(threshold)[None], axis=0).mean())


class AnswersReader(Reader):
    """Collects the decisions after each time step."""

    def __init__(self) -> None:
        self._batches: list[Answers] = []

    def read(self, scores: Tensor, labels: Tensor) -> None:
        """See ``Reader``."""
        self._batches.append(Answers.of(scores.cpu(), labels))

    @property
    def result(self) -> Answers:
        """Decisions for all images."""
        return Answers.joined(self._batches)


def chosen_threshold(answers: Answers, tolerance: float) -> float:
    """The lowest threshold such that at it and all higher ones the accuracy is within a tolerance of the full accuracy.

    Args:
        answers: decisions for images that are not used to measure the final accuracy.
        tolerance: accepted loss of accuracy compared with all time steps, 0 to 1.
    """
    least = answers.top1[-1] - tolerance
    chosen = NEVER
    for threshold in np.unique(np.quantile(answers.confidence, np.linspace(0, 1, _N_CANDIDATES)))[::-1].tolist():
        if answers.top1_at(threshold) < least:
            break
        chosen = threshold
    return chosen
