"""How class scores determine the class: one rule for training, evaluation, simulated chips, prediction and exports."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

READOUT = (
    "class scores at every time step; the predicted class has the highest mean score over the time steps, of equal "
    "ones the lowest index"
)
"""The rule in words, for exported files."""


def mean_scores(scores: "Tensor") -> "Tensor":
    """Class scores averaged over time: [T, B, n_classes] -> [B, n_classes]."""
    return scores.mean(dim=0)


def ranked(scores: "Tensor", n: int | None = None) -> "Tensor":
    """Classes in order of decreasing score; equal scores in order of increasing index.

    Args:
        scores: [B, n_classes].
        n: number of classes returned; default: all.

    Returns:
        [B, n] class indices.
    """
    return scores.sort(dim=1, descending=True, stable=True).indices[:, :n]


def decided(scores: "Tensor") -> "Tensor":
    """The predicted class of each image: [B, n_classes] -> [B]; see ``ranked``."""
    return ranked(scores, 1)[:, 0]


def are_same(scores: "Tensor") -> bool:
    """Whether all of several images have the same scores [..., B, n_classes]: the network does not see them."""
    return scores.shape[-2] > 1 and bool((scores == scores[..., :1, :]).all())
