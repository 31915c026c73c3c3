"""Equal input vectors need to be computed once: spikes are sparse and repeat over time steps and pixels."""

import torch
from torch import Tensor

_BITS = 52
"""Bits of a word that a float64 holds exactly."""


def distinct(vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The distinct rows among vectors of 0 and 1.

    Args:
        vectors: [n, length], n at least 1.

    Returns:
        [m, length] distinct rows; [n] which of them each row is; [m] how often each occurs.
    """
    keys = torch.zeros(len(vectors), dtype=torch.int64, device=vectors.device)
    for first in range(0, vectors.shape[1], _BITS):
        word = vectors[:, first : first + _BITS].double()
        powers = 2.0 ** torch.arange(word.shape[1], dtype=torch.float64, device=word.device)
        values, numbers = torch.unique((word @ powers).long(), return_inverse=True)
        # Numbers of what was seen so far and of this word: one whole number, without overflow.
        keys = torch.unique(keys, return_inverse=True)[1] * len(values) + numbers if first else numbers
    found, inverse, counts = torch.unique(keys, return_inverse=True, return_counts=True)
    # Whichever of equal rows is written last: they are equal.
    places = torch.empty(len(found), dtype=torch.int64, device=vectors.device)
    places[inverse] = torch.arange(len(vectors), device=vectors.device)
    return vectors[places], inverse, counts
