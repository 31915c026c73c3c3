"""The interface of data sets: defaults of settings, and access to images. Does not need torch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from neuronas.config import SETTINGS
from neuronas.space.shape import Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuronas.config import EventsConfig
    from neuronas.data.source import ImageSource

Progress = Callable[[int, int], None]
"""Progress callback: number of images read, and their total."""
IN_MEMORY = "memory:"
"""Prefix of the names of data sets in memory, before their digest."""


_OF_EVENTS = frozenset(path for path in SETTINGS if path.startswith(("events.", "train.event_")))


class DataSet(ABC):
    """Labelled images with a training and a test split. Subclass it and set these attributes for your own data set.

    Attributes:
        name: name in the settings.
        sequence: whether a sample has one image per time step, as recordings of event cameras have;
            ``ImageSource.read`` then returns [T, C, H, W], with T set by ``with_timesteps``.
        window_ms: duration of the recording for one decision in ms, from the first time step to the end of the last;
            0: still image.
        sensor: height and width in pixels of the event camera; None: stills.
        image_channels: number of channels: 1 (grey), 3 (RGB), or that of the images; event cameras: 2 (polarities).
        image_size: height and width in pixels to which images are resized; settings can change it.
        n_classes: number of classes; labels are 0 to ``n_classes`` - 1.
        class_names: names in the order of the labels; None if classes have no names.
        mean: mean of each channel over the training images, for pixels in [0, 1].
        std: standard deviation of each channel over the training images, for pixels in [0, 1].
        channels: default number of network channels before the first reduction.
        head_width: default number of outputs of the first layer of head ``linear``.
        n_voters: default number of outputs per class of head ``linear``; their mean is the class score.
        batch_size: default batch size of fitness.
        augment: default augmentation of training images (see ``neuronas.training.augmentation``).
    """

    name: str
    sequence: bool = False
    window_ms: float = 0.0
    sensor: tuple[int, int] | None = None
    image_channels: int
    image_size: tuple[int, int]
    n_classes: int
    class_names: tuple[str, ...] | None = None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: int = 128
    head_width: int = 1024
    n_voters: int = 10
    batch_size: int = 256
    augment: str = "flip"

    def _having(self, **changes: Any) -> Self:
        """Return a copy with other attributes."""
        made = copy(self)
        vars(made).update(changes)
        return made

    @abstractmethod
    def load(self, split: str, size: Side) -> "ImageSource":
        """Open the images of a split.

        Args:
            split: ``train`` or ``test``.
            size: height and width to which images are resized.

        Raises:
            DataError: images are missing or damaged; the message says what is expected and what to do.
        """

    def images_per_class(self, split: str) -> tuple[int, ...] | None:
        """Number of images of each class of a split, without reading them.

        Returns:
            None: there is no such split, or the numbers are only known after reading.

        Raises:
            DataError: folders, classes or images are missing.
        """
        return None

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:  # noqa: B027 - images in memory are complete
        """Check quickly, before a search or training starts, that every split can be read.

        Args:
            n_threads: number of reader threads.
            skip_corrupt: only count images that cannot be read, instead of raising.
            progress: progress callback, called occasionally.

        Raises:
            DataError: folders, classes or images are missing, or cannot be read.
        """

    def with_channels(self, n: int) -> Self:
        """Return this data set with images of another number of channels, if it can convert them."""
        return self

    def with_timesteps(self, n: int) -> Self:
        """Return this data set with recordings cut into T time steps; no effect on still images.

        Raises:
            DataError: its recordings have a fixed, different number of time steps.
        """
        return self

    def with_events(
        self, events: "EventsConfig", timesteps: int, size: Side | None, augmentation: Mapping[str, Any] | None = None
    ) -> Self:
        """Return this data set with recordings cut according to the settings; no effect on still images.

        Args:
            events: settings of section ``events``; ``window_ms`` 0 and ``sensor`` None: the data set's own.
            timesteps: number of time steps T.
            size: height and width of the images; None: the data set's own.
            augmentation: augmentation of training recordings, see ``EventAugmentation``.
        """
        return self

    def seen_from(self, folder: Path) -> Self:
        """Return this data set, with relative paths that are not found here resolved in another folder."""
        return self

    @property
    def settings_read(self) -> frozenset[str] | None:
        """Settings that have an effect with some data sets only, and have one with this: those of its methods."""
        cls, read = type(self), set[str]()
        if cls.with_events is not DataSet.with_events:
            read |= _OF_EVENTS
        if cls.within is not DataSet.within:
            read.add("data.data_dir")
        if self.sequence:  # the end of its recordings, from which latency is counted
            read.add("events.window_ms")
        return frozenset(read)

    @property
    def fingerprint(self) -> str:
        """Identifies the content: the name, unless different images can have the same name."""
        return self.name

    def within(self, data_dir: Path) -> Self:
        """Return this data set, located in a folder of data sets; only published data sets depend on it."""
        return self

    def is_there(self) -> bool:
        """Whether files in its format are found in the expected place. Only a few names are checked."""
        return False

    def fetch(self) -> None:  # noqa: B027 - most data sets have nothing to download
        """Download the files if they are missing; only a published data set can be downloaded."""

    def digest(self) -> str:
        """Identify the training images and their labels. Reads every image, at the data set's own size."""
        source = self.load("train", self.image_size)
        found = blake2b(f"{self.image_channels} {self.image_size} {len(source.labels)}\n".encode(), digest_size=8)
        found.update(source.labels.astype("<i8").tobytes())
        for index in range(len(source.labels)):
            found.update(source.read(index).numpy().tobytes())
        return found.hexdigest()


def per_class(labels: "NDArray[np.int64]", n_classes: int) -> tuple[int, ...]:
    """Number of labels of each class."""
    import numpy as np

    return tuple(np.bincount(labels, minlength=n_classes).tolist())
