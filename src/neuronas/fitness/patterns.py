"""The spike patterns of a LIF layer, as far as a fitness reads them: which images its neurons answer alike to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Patterns:
    """What the neurons of one LIF layer answer to B images at T time steps.

    Attributes:
        common: [T, B, B] float64 whole numbers, how many neurons spike for both of two images; for one on the diagonal.
        n: number of neurons.
    """

    common: Tensor
    n: int

    @classmethod
    def of(cls, spikes: Tensor) -> Patterns:
        """Count spikes [T, B, N], values 0 or 1, N below 2^24."""
        import torch

        steps = (step.float() for step in spikes)  # one at a time: they are large
        return cls(torch.stack([(step @ step.T).double() for step in steps]), spikes.shape[2])

    @property
    def rates(self) -> Tensor:
        """Share of the neurons that spike, [T, B]."""
        return self.common.diagonal(dim1=1, dim2=2) / self.n

    @property
    def hamming(self) -> Tensor:
        """How many neurons answer differently to two images, [T, B, B] float64 whole numbers."""
        counts = self.common.diagonal(dim1=1, dim2=2)
        return counts[:, :, None] + counts[:, None] - 2 * self.common
