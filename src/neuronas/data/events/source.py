"""The recordings of a split as sequences of images."""

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
        store: store of the recordings.
        numbers: numbers of the split's recordings in the store.
        labels: class of each recording.
        slicing: conversion of recordings to images.
        augmentation: augmentation of training recordings.
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
        """Read an augmented version of a recording.

        Args:
            index: index of the recording.
            seed: random seed; the index is appended to it.
        """
        number = int(self.numbers[index])
        drawn = augmented(self.store.recording(number), self.slicing.sensor, self.augmentation, [*seed, index])
        return torch.from_numpy(self.slicing.frames(drawn, number))
