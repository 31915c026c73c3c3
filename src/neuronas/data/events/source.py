"""Recordings of a split as images for each time step."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.data.events.augmentation import EventAugmentation, augmented
from neuronas.data.events.frames import Slicing
from neuronas.data.events.store import EventStore


@dataclass(frozen=True)
class EventSource:
    """See ``neuronas.data.source.ImageSource``.

    Attributes:
        store: holds the recordings.
        numbers: of those in the store that belong to the split.
        labels: class of each.
        slicing: how a recording becomes images.
        augmentation: of training recordings.
    """

    store: EventStore
    numbers: NDArray[np.int64]
    labels: NDArray[np.int64]
    slicing: Slicing
    augmentation: EventAugmentation

    @property
    def augments(self) -> bool:
        """Whether ``read_augmented`` differs from ``read``."""
        return self.augmentation.is_active

    def read(self, index: int) -> Tensor:
        """See ``ImageSource``: uint8 [T, C, H, W]."""
        number = int(self.numbers[index])
        return torch.from_numpy(self.slicing.frames(self.store.recording(number), number))

    def read_augmented(self, index: int, seed: list[int]) -> Tensor:
        """Read another version of a recording, drawn event by event.

        Args:
            index: of the recording.
            seed: of the draw; the index is added to it.
        """
        number = int(self.numbers[index])
        drawn = augmented(self.store.recording(number), self.slicing.sensor, self.augmentation, [*seed, index])
        return torch.from_numpy(self.slicing.frames(drawn, number))
