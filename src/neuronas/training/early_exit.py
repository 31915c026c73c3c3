"""Decisions before the last time step: when the scores so far are confident enough."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.snn.decision import decided, mean_scores
from neuronas.training.passes import Reader

NEVER = 2.0
"""A confidence that no scores reach."""
_N_CANDIDATES = 200


@dataclass(frozen=True)
class Answers:
    """Answers of a network after each time step.

    Attributes:
        right: [T, n] whether the class of the mean scores of the first time steps is the true one.
        confidence: [T, n] softmax of these mean scores for that class, 0 to 1.
    """

    right: NDArray[np.bool_]
    confidence: NDArray[np.float64]

    @classmethod
    def of(cls, scores: Tensor, labels: Tensor) -> "Answers":
        """Make the answers of class scores [T, n, n_classes] to images of the classes [n]."""
        means = [mean_scores(scores[:n]) for n in range(1, len(scores) + 1)]
        right = [decided(mean) == labels for mean in means]
        confidence = [mean.double().softmax(dim=1).amax(dim=1) for mean in means]
        return cls(torch.stack(right).numpy(), torch.stack(confidence).numpy())

    @classmethod
    def joined(cls, parts: "Sequence[Answers]") -> "Answers":
        """Answers to the images of all parts, in their order."""
        return cls(
            np.concatenate([part.right for part in parts], axis=1),
            np.concatenate([part.confidence for part in parts], axis=1),
        )

    @property
    def top1(self) -> NDArray[np.float64]:
        """[T] accuracy of the answers after each time step."""
        shares: NDArray[np.float64] = self.right.mean(axis=1)
        return shares

    def exits(self, threshold: float) -> NDArray[np.int64]:
        """[n] the first time step, from 0, whose confidence reaches a threshold; at the latest the last one."""
        reached = self.confidence >= threshold
        reached[-1] = True
        first: NDArray[np.int64] = reached.argmax(axis=0)
        return first

    def top1_at(self, threshold: float) -> float:
        """Accuracy of the answers at that time step."""
        return float(np.take_along_axis(self.right, self.exits(threshold)[None], axis=0).mean())


class AnswersReader(Reader):
    """Takes the answers after each time step in a pass."""

    def __init__(self) -> None:
        self._batches: list[Answers] = []

    def read(self, scores: Tensor, labels: Tensor) -> None:
        """See ``Reader``."""
        self._batches.append(Answers.of(scores.cpu(), labels))

    @property
    def result(self) -> Answers:
        """To all images."""
        return Answers.joined(self._batches)


def chosen_threshold(answers: Answers, tolerance: float) -> float:
    """The lowest threshold from which on, at every higher one, accuracy is within a tolerance of all time steps'.

    Args:
        answers: to images other than those that are measured in the end.
        tolerance: share of the images that may be lost.
    """
    least = answers.top1[-1] - tolerance
    chosen = NEVER
    for threshold in np.unique(np.quantile(answers.confidence, np.linspace(0, 1, _N_CANDIDATES)))[::-1].tolist():
        if answers.top1_at(threshold) < least:
            break
        chosen = threshold
    return chosen
