"""Distinct input vectors of a crossbar, and the sum of the outputs of all kernel positions of a convolution."""

import torch
from torch import Tensor

_BITS = 52
"""Number of bits in one word; a float64 represents such a word exactly."""


def distinct(vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Distinct rows of a matrix of 0 and 1. Spikes are sparse, so that many input vectors are equal.

    Args:
        vectors: [n, length], n at least 1.

    Returns:
        the distinct rows [m, length]; for each row its index among them [n]; the count of each distinct row [m].
    """
    keys = torch.zeros(len(vectors), dtype=torch.int64, device=vectors.device)
    for first in range(0, vectors.shape[1], _BITS):
        word = vectors[:, first : first + _BITS].double()
        powers = 2.0 ** torch.arange(word.shape[1], dtype=torch.float64, device=word.device)
        values, numbers = torch.unique((word @ powers).long(), return_inverse=True)
        # Combine the indices of the words so far and of this word to one integer; it cannot overflow.
        keys = torch.unique(keys, return_inverse=True)[1] * len(values) + numbers if first else numbers
    found, inverse, counts = torch.unique(keys, return_inverse=True, return_counts=True)
    # Of equal rows, any may be written last.
    places = torch.empty(len(found), dtype=torch.int64, device=vectors.device)
    places[inverse] = torch.arange(len(vectors), device=vectors.device)
    return vectors[places], inverse, counts


def gathered(answers: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """Shift and add the outputs of all kernel positions to a convolution: [k * k, n, H, W, out] -> [n, out, H', W']."""
    _, n, height, width, out = answers.shape
    rows, columns = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
    total = answers.new_zeros(n, rows, columns, out)
    for position in range(kernel**2):
        top, left = (one - padding for one in divmod(position, kernel))
        to_row, from_row = _overlap(top, height, rows, stride)
        to_column, from_column = _overlap(left, width, columns, stride)
        total[:, to_row, to_column] += answers[position, :, from_row, from_column]
    return total.permute(0, 3, 1, 2)


def _overlap(shift: int, size: int, n: int, stride: int) -> tuple[slice, slice]:
    """Outputs (of ``n``) whose input ``output * stride + shift`` is inside ``size`` inputs, and these inputs."""
    first = max(0, -(shift // stride))  # the smallest output whose input is not negative
    last = min(n, (size - 1 - shift) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, last), slice(first * stride + shift, (last - 1) * stride + shift + 1, stride)
