"""How class scores become an answer: one rule for training, evaluation, simulated chips, prediction and exports."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

READOUT = (
    "class scores at every time step; their mean over the time steps decides: the highest wins, of equal ones the one "
    "with the lowest index"
)
"""The rule in words, as every exported file states it."""


def mean_scores(scores: "Tensor") -> "Tensor":
    """[T, B, n_classes] -> the mean over time, [B, n_classes], which decides."""
    return scores.mean(dim=0)


def ranked(scores: "Tensor", n: int | None = None) -> "Tensor":
    """Classes from the highest score to the lowest, of equal ones the lowest index first.

    Args:
        scores: [B, n_classes].
        n: how many of them (all).

    Returns:
        [B, n] class numbers.
    """
    return scores.sort(dim=1, descending=True, stable=True).indices[:, :n]


def decided(scores: "Tensor") -> "Tensor":
    """The class of each image, [B, n_classes] -> [B]: the first that ``ranked`` names."""
    return ranked(scores, 1)[:, 0]
