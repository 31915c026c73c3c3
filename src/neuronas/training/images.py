"""Images for training, held in memory if they fit, otherwise decoded batch by batch; stratified validation split."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.data.counts import n_held_out
from neuronas.data.listing import unreadable
from neuronas.data.source import ArraySource, DrawingSource, ImageSource
from neuronas.errors import DataError
from neuronas.machine import memory, n_cores

BATCH = 256
"""Batch size of evaluation."""
IN_MEMORY_BYTES = 2 * 2**30
"""Images whose decoded size is at most this are read once and kept in memory."""

_log = logging.getLogger(__name__)
Indices = NDArray[np.int64]


class Images:
    """Labelled images with random access.

    Args:
        source: source of the images.
        mean: mean of each channel, for pixels in [0, 1].
        std: standard deviation of each channel, for pixels in [0, 1].
        skip_corrupt: skip files that cannot be decoded (each is logged) instead of raising. All files are checked
            before training, so that the number of steps per epoch is known.
        in_memory_bytes: replaces the default limit, which is the minimum of ``IN_MEMORY_BYTES`` and half of the free
            memory.

    Raises:
        DataError: there are no images, or an image cannot be decoded.
    """

    def __init__(
        self,
        source: ImageSource,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        skip_corrupt: bool = False,
        in_memory_bytes: int | None = None,
    ):
        self._source = source
        self.labels = torch.from_numpy(source.labels)
        self._indices = np.arange(len(source.labels))
        if not len(self._indices):
            raise DataError("the data set has no images; expected at least one")
        self._mean = torch.tensor(mean)[:, None, None]
        self._std = torch.tensor(std)[:, None, None]
        self._readers = ThreadPoolExecutor(max_workers=n_cores(), thread_name_prefix="images")
        self._array = source.images if isinstance(source, ArraySource) else None
        if self._array is None:
            if in_memory_bytes is None:
                in_memory_bytes = min(IN_MEMORY_BYTES, memory().free // 2)
            fits = self._size_of_one(skip_corrupt=skip_corrupt) * len(self._indices) <= in_memory_bytes
            if fits or skip_corrupt:
                self._read_all(keep=fits, skip_corrupt=skip_corrupt)

    def __len__(self) -> int:
        """Number of images."""
        return len(self._indices)

    def labels_of(self, indices: Indices) -> Tensor:
        """Classes of some images, [n], on the CPU."""
        return self.labels[torch.from_numpy(indices)]

    def fetch(self, indices: Indices) -> Tensor:
        """Return images as uint8 [n, C, H, W], or sequences as [n, T, C, H, W]."""
        if self._array is not None:
            return self._array[torch.from_numpy(indices)]
        return torch.stack(list(self._readers.map(self._source.read, self._indices[indices].tolist())))

    def drawn(self, indices: Indices, seed: int) -> Tensor:
        """Return images for training: like ``fetch``, or augmented by the source if it supports this.

        Args:
            indices: indices of the images.
            seed: random seed of the augmentation.
        """
        source = self._source
        if not (isinstance(source, DrawingSource) and source.augments):
            return self.fetch(indices)
        read = partial(source.read_augmented, seed=[seed])
        return torch.stack(list(self._readers.map(read, self._indices[indices].tolist())))

    def batches(self, indices: Indices, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches in order, in the form read by a network.

        Yields:
            normalised images [n, C, H, W], or sequences [T, n, C, H, W], on the device; their labels [n] on the CPU.
        """
        for first in range(0, len(indices), BATCH):
            chosen = indices[first : first + BATCH]
            yield self.shown(chosen, device), self.labels_of(chosen)

    def shown(self, indices: Indices, device: torch.device) -> Tensor:
        """Return images in the form read by a network: normalised, on the device, see ``as_shown``."""
        return as_shown(self.normalised(self.fetch(indices).to(device)))

    def normalised(self, pixels: Tensor) -> Tensor:
        """Normalise pixels (uint8, or float from 0 to 255) to (pixel / 255 - mean) / std, float32."""
        return (pixels.float() / 255 - self._mean.to(pixels.device)) / self._std.to(pixels.device)

    def levels(self, x: Tensor) -> Tensor:
        """Inverse of ``normalised``: pixels [..., C, H, W] as integers from 0 to 255."""
        return ((x * self._std.to(x.device) + self._mean.to(x.device)) * 255).round()

    def _size_of_one(self, *, skip_corrupt: bool) -> int:
        """Bytes of the first image that can be read."""
        for index in self._indices.tolist():
            found = self._one(index)
            if isinstance(found, Tensor):
                return found.numel()
            if not skip_corrupt:
                raise found
        raise DataError("no image of the data set can be read")

    def _one(self, index: int) -> Tensor | DataError:
        try:
            return self._source.read(index)
        except DataError as error:
            return error

    def _read_all(self, *, keep: bool, skip_corrupt: bool) -> None:
        found: list[Tensor] = []
        good: list[int] = []
        bad: list[DataError] = []
        for index, image in enumerate(self._readers.map(self._one, self._indices.tolist())):
            if isinstance(image, DataError):
                bad.append(image)
                continue
            good.append(index)
            if keep:
                found.append(image)
        if bad and not skip_corrupt:
            raise unreadable(bad, len(self._indices))
        for error in bad:
            _log.warning("skipped: %s", error.fact)
        lost = np.setdiff1d(self.labels.numpy(), self.labels[good].numpy())
        if len(lost):
            raise DataError(f"class {lost[0]}: none of its images can be read")
        self.labels = self.labels[good]
        self._indices = self._indices[good]
        if keep:
            self._array = torch.stack(found)


def as_shown(images: Tensor) -> Tensor:
    """Images [n, C, H, W] unchanged; sequences [n, T, C, H, W] as [T, n, C, H, W], the order read by networks."""
    return images.movedim(1, 0) if images.dim() == 5 else images


@dataclass(frozen=True)
class Split:
    """Indices of the training images, and of the validation images that select the best checkpoint."""

    training: Indices
    validation: Indices

    @property
    def held_out(self) -> tuple[Literal["validation", "training"], Indices]:
        """Images not used to fit the weights, ``validation``; if there are none, ``training``."""
        return ("validation", self.validation) if len(self.validation) else ("training", self.training)


def stratified_split(labels: Tensor, share: float, seed: int) -> Split:
    """Draw the same share of each class for validation.

    A class with at least two images has at least one in each part.

    Args:
        labels: [n] class of each image.
        share: share of the images for validation; 0: no validation images.
        seed: random seed of the draw.
    """
    rng = np.random.default_rng([seed, 1])
    classes = labels.numpy()
    chosen: list[Indices] = []
    for one in np.unique(classes):
        members = np.flatnonzero(classes == one)
        chosen.append(rng.permutation(members)[: n_held_out(len(members), share)])
    validation = np.sort(np.concatenate(chosen)).astype(np.int64)
    return Split(np.setdiff1d(np.arange(len(classes)), validation), validation)


@dataclass(frozen=True)
class Subset:
    """A subset of another source, in the order of ``indices``."""

    source: ImageSource
    indices: Indices

    @property
    def labels(self) -> NDArray[np.int64]:
        """See ``ImageSource``."""
        return self.source.labels[self.indices]

    def read(self, index: int) -> Tensor:
        """See ``ImageSource``."""
        return self.source.read(int(self.indices[index]))

    @property
    def augments(self) -> bool:
        """See ``DrawingSource``."""
        return isinstance(self.source, DrawingSource) and self.source.augments

    def read_augmented(self, index: int, seed: list[int]) -> Tensor:
        """See ``DrawingSource``."""
        if not isinstance(self.source, DrawingSource):
            return self.read(index)
        return self.source.read_augmented(int(self.indices[index]), seed)


def drawn(source: ImageSource, n: int | None, seed: int) -> ImageSource:
    """Draw a stratified sample of about n images.

    Args:
        source: source of the images.
        n: number of images; None, or at least the number in the source: the source itself is returned.
        seed: random seed of the draw.

    Raises:
        DataError: the source has no images.
    """
    there = len(source.labels)
    if not there:
        raise DataError("the data set has no images; expected at least one")
    if n is None or n >= there:
        return source
    split = stratified_split(torch.from_numpy(source.labels), n / there, seed)
    return Subset(source, split.validation)
