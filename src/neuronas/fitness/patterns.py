"""The spike patterns of a LIF layer, reduced to what fitness measures need: their similarity for pairs of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Patterns:
    """Spike patterns of one LIF layer for B images at T time steps.

    Attributes:
        common: [T, B, B] float64 integers: number of neurons that spike for both of two images; on the diagonal the
            number of neurons that spike for an image.
        n: number of neurons.
    """

    common: Tensor
    n: int

    @classmethod
    def of(cls, spikes: Tensor) -> Patterns:
        """Make the patterns of spikes [T, B, N], 0 or 1, with N below 2^24."""
        import torch

        steps = (step.float() for step in spikes)  # one time step at a time, to limit memory
        return cls(torch.stack([(step @ step.T).double() for step in steps]), spikes.shape[2])

    @property
    def rates(self) -> Tensor:
        """Firing rate: share of the neurons that spike, [T, B]."""
        return self.common.diagonal(dim1=1, dim2=2) / self.n

    @property
    def hamming(self) -> Tensor:
        """Hamming distance: number of neurons that differ between two images, [T, B, B] float64 integers."""
        counts = self.common.diagonal(dim1=1, dim2=2)
        return counts[:, :, None] + counts[:, None] - 2 * self.common
