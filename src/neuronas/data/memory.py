"""Images in memory as a data set: NumPy arrays, torch tensors, or a data set of PyTorch or Hugging Face."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from neuronas.data.arrays import Split, labelled
from neuronas.data.dataset import IN_MEMORY, DataSet, per_class
from neuronas.data.pixels import resized
from neuronas.data.source import ArraySource
from neuronas.errors import DataError, counted
from neuronas.space.shape import Side

_AT_A_TIME = 1024


class InMemoryDataSet(DataSet):
    """Images and labels from Python: ``neuronas.search(dataset=neuronas.InMemoryDataSet(train=(x, y)))``.

    A split is either ``(images, labels)`` or a map-style data set. Images are an array or a tensor of shape [N, H, W],
    [N, C, H, W] or [N, H, W, C] with 1 to 4 channels: bytes, booleans, or floats from 0 to 1. Labels are N integers
    from 0 to n - 1. A map-style data set has ``len`` and ``[]``; its samples are ``(image, label)`` or a dict with
    ``image`` (or ``img``) and ``label``, where the image is a Pillow image, tensor or array. Examples are the data sets
    of torchvision, and one split of a Hugging Face data set, with or without ``with_format("torch")``.

    Images of shape [N, T, C, H, W] or [N, T, H, W, C], or samples without N, form a sequence data set, for example
    event counts of an event camera. The network reads one image at each of its T time steps; the setting ``timesteps``
    must be T.

    Pixels are copied once, as bytes. The name, ``memory:DIGEST``, identifies the training images and labels.

    Args:
        train: training images, with at least one of each class.
        test: test images; without them a network cannot be evaluated.
        class_names: names in the order of the labels; default: the data set's (``classes``, ``features``), if any.
        mean: mean of each channel, for pixels in [0, 1]; default: that of the training images.
        std: standard deviation of each channel, for pixels in [0, 1]; default: that of the training images.
        size: (height, width), or the side of a square, to which all images are resized; default: not resized.
        window_ms: duration of a sequence in ms, over all time steps.

    Raises:
        DataError: unexpected shapes, types, ranges or labels; the message states the expected ones.
    """

    def __init__(
        self,
        train: Split,
        test: Split | None = None,
        *,
        class_names: Sequence[str] | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        size: Side | None = None,
        window_ms: float = 0.0,
    ):
        training = labelled(train, "training image", size)
        images, labels = training.source.images, training.source.labels
        self._splits = {"train": training.source}
        names = training.class_names if class_names is None else tuple(class_names)
        self.class_names, self.n_classes = names, len(names) if names else int(labels.max()) + 1
        _check_labels(labels, self.n_classes, "training")
        _check_every_class(labels, self.n_classes)
        *_, self.image_channels, height, width = images.shape
        self.image_size, self.sequence, self.window_ms = (height, width), images.dim() == 5, window_ms
        if test is not None:
            self._splits["test"] = testing = labelled(test, "test image", size).source
            _check_labels(testing.labels, self.n_classes, "test")
            if testing.images.shape[1:-2] != images.shape[1:-2]:
                raise DataError(
                    f"test images: {_axes(testing.images)} given; expected {_axes(images)}, as the training images have"
                )
        own_mean, own_std = _mean_and_std(images)
        self.mean = own_mean if mean is None else tuple(map(float, mean))
        self.std = own_std if std is None else tuple(map(float, std))
        self.batch_size = min(self.batch_size, len(labels))
        self.name = IN_MEMORY + self.digest()

    def with_timesteps(self, n: int) -> Self:
        """See ``DataSet``."""
        images = self._splits["train"].images
        if self.sequence and n != images.shape[1]:
            raise DataError(
                f"data set {self.name}: has sequences of {images.shape[1]} time steps; expected as many as the network "
                f"has, {n}: give timesteps={images.shape[1]}, or other arrays"
            )
        return self

    def images_per_class(self, split: str) -> tuple[int, ...] | None:
        """See ``DataSet``."""
        return per_class(self._splits[split].labels, self.n_classes) if split in self._splits else None

    def load(self, split: str, size: Side) -> ArraySource:
        """See ``DataSet``."""
        if split not in self._splits:
            raise DataError(f"data set {self.name}: has no test images; create it with test=(images, labels)")
        source = self._splits[split]
        return ArraySource(resized(source.images, size), source.labels)


def _axes(images: Tensor) -> str:
    *steps, channels = images.shape[1:-2]
    of_each = counted(channels, "channel")
    return f"sequences of {counted(steps[0], 'time step')} and {of_each}" if steps else of_each


def _check_labels(labels: NDArray[np.int64], n_classes: int, split: str) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= n_classes:
        raise DataError(
            f"{split} labels from {low} to {high} given; expected 0 to {n_classes - 1} ({n_classes} classes)"
        )


def _check_every_class(labels: NDArray[np.int64], n_classes: int) -> None:
    missing = np.setdiff1d(np.arange(n_classes), labels)
    if len(missing):
        raise DataError(
            f"training labels: class {missing[0]} of {n_classes} has no images; expected at least one of each "
            "(renumber the classes)"
        )


def _mean_and_std(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel to four digits; summed in integers, so independent of the order."""
    planes = images.flatten(0, -4)
    sums = squares = np.zeros(planes.shape[1], dtype=np.int64)
    for first in range(0, len(planes), _AT_A_TIME):
        pixels = planes[first : first + _AT_A_TIME].long()
        sums = sums + pixels.sum(dim=(0, 2, 3)).numpy()
        squares = squares + pixels.square().sum(dim=(0, 2, 3)).numpy()
    n = planes.numel() // planes.shape[1]
    mean = sums / n
    spread = np.sqrt(np.maximum(squares / n - mean**2, 1.0))  # used as divisor, so not 0
    return tuple((mean / 255).round(4).tolist()), tuple((spread / 255).round(4).tolist())
