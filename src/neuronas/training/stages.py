"""Progressive training: smaller images and fewer time steps at first, which cost less."""

from dataclasses import dataclass

from neuronas.config import TrainConfig
from neuronas.snn.classifier import Classifier
from neuronas.space.node_operations import Pair
from neuronas.space.shape import NetworkShape

N_EARLY = 2
"""Stages of smaller images, equally long; the image grows from each to the next by the same number of pixels."""


@dataclass(frozen=True)
class Stages:
    """What is shown to a network in each epoch.

    Attributes:
        settings: resolved settings of training.
        shape: sizes of the network.
        timesteps: number of time steps T of the network.
    """

    settings: TrainConfig
    shape: NetworkShape
    timesteps: int

    @property
    def last_begins(self) -> int:
        """The first epoch, from 0, with whole images and all time steps; at the latest the last one."""
        return max(self._after(self.settings.full_from), self._after(self.settings.timesteps_from))

    def begins(self, epoch: int) -> bool:
        """Whether an epoch, from 0, begins with other images or time steps than the one before ended with."""
        return epoch > 0 and self._shown(epoch) != self._shown(epoch - 1)

    def present(self, network: Classifier, epoch: int) -> None:
        """Prepare a network for an epoch, from 0."""
        network.present(*self._shown(epoch))

    def _shown(self, epoch: int) -> tuple[int, Pair]:
        """Time steps and size of an epoch."""
        timesteps, size = self.timesteps, self.shape.image_size
        if epoch < self._after(self.settings.timesteps_from):
            timesteps = min(self.settings.early_timesteps or timesteps, timesteps)
        if epoch < (full := self._after(self.settings.full_from)):
            size = self._size(epoch * N_EARLY // full)
        return timesteps, size

    def _after(self, share: float) -> int:
        """The first epoch, from 0, after a share of the epochs; at the latest the last one."""
        return min(round(share * self.settings.epochs), self.settings.epochs - 1)

    def _size(self, stage: int) -> Pair:
        """Height and width in pixels, multiples of what the reductions need."""
        share = self.settings.early_side
        share += (1 - share) * stage / N_EARLY
        unit = self.shape.stem_stride * 2**self.shape.n_cells
        height, width = (min(side, max(unit, round(side * share / unit) * unit)) for side in self.shape.image_size)
        return height, width
