"""Progressive training: smaller images and fewer time steps in the early epochs, to save time."""

from dataclasses import dataclass

from neuronas.config import TrainConfig
from neuronas.snn.classifier import Classifier
from neuronas.space.node_operations import Pair
from neuronas.space.shape import NetworkShape

N_EARLY = 2
"""Number of early stages, of equal length; the image side grows by the same number of pixels from stage to stage."""


@dataclass(frozen=True)
class Stages:
    """Image size and number of time steps in each epoch.

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
        """First epoch, from 0, with full images and all time steps; at the latest the last epoch."""
        last = self._shown(self.settings.epochs - 1)
        return next(epoch for epoch in range(self.settings.epochs) if self._shown(epoch) == last)

    def begins(self, epoch: int) -> bool:
        """Whether an epoch, from 0, has another image size or number of time steps than the previous epoch."""
        return epoch > 0 and self._shown(epoch) != self._shown(epoch - 1)

    def present(self, network: Classifier, epoch: int) -> None:
        """Prepare a network for an epoch, from 0."""
        network.present(*self._shown(epoch))

    def _shown(self, epoch: int) -> tuple[int, Pair]:
        """Number of time steps and image size of an epoch."""
        timesteps, size = self.timesteps, self.shape.image_size
        if epoch < self._after(self.settings.timesteps_from):
            timesteps = min(self.settings.early_timesteps or timesteps, timesteps)
        if epoch < (full := self._after(self.settings.full_from)):
            size = self._size(epoch * N_EARLY // full)
        return timesteps, size

    def _after(self, share: float) -> int:
        """First epoch, from 0, after a share of the epochs; at the latest the last epoch."""
        return min(round(share * self.settings.epochs), self.settings.epochs - 1)

    def _size(self, stage: int) -> Pair:
        """Height and width in pixels, multiples of the total stride of the reductions."""
        share = self.settings.early_side
        share += (1 - share) * stage / N_EARLY
        unit = self.shape.stem_stride * 2**self.shape.n_cells
        height, width = (min(side, max(unit, round(side * share / unit) * unit)) for side in self.shape.image_size)
        return height, width
