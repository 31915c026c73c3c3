"""What a data set is: the facts that settings default to, and a reader of its images. Nothing here needs torch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.config import EventsConfig
    from neuronas.data.source import ImageSource

Progress = Callable[[int, int], None]
"""Is told how many images are done, and how many there are."""
IN_MEMORY = "memory:"
"""What names of images in memory begin with, before their digest."""


class DataSet(ABC):
    """Labelled images in a training and a test split. A data set of your own is a subclass with these attributes.

    Attributes:
        name: as a run's settings name it.
        sequence: whether each time step of the network has an image of its own, as recordings of event cameras do;
            ``ImageSource.read`` then returns [T, C, H, W], with T as ``with_timesteps`` set it.
        window_ms: how long a sensor records for one decision, from the first time step to the end of the last; 0: a
            still image, which is there when the network begins.
        sensor: height and width in pixels of the event camera; None: stills.
        image_channels: 1 (grey), 3 (RGB), or as many as the images have; of event cameras 2, one for each polarity.
        image_size: height and width in pixels, to which images are resized unless the settings give another size.
        n_classes: number of classes; labels are 0 to ``n_classes`` - 1.
        class_names: in the order of the labels; None where classes are called by their numbers.
        mean: per channel, of pixels in [0, 1]; over the training images.
        std: standard deviation, as ``mean``.
        channels: default number of network channels before the first reduction.
        head_width: default number of outputs of the first layer of head ``linear``.
        n_voters: default number of outputs per class of head ``linear``, whose mean is the class score.
        batch_size: default number of images in a batch that fitness reads.
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

    @abstractmethod
    def load(self, split: str, size: Side) -> "ImageSource":
        """Open the images of a split.

        Args:
            split: ``train`` or ``test``.
            size: to which images are resized.

        Raises:
            DataError: images are missing or broken; the message says what was looked for and what to do.
        """

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:  # noqa: B027 - images in memory are whole
        """Find out in a moment, before a search or a training begins, whether every split can be read.

        Args:
            n_threads: that may read.
            skip_corrupt: images that cannot be read are only counted.
            progress: is told now and then how many images are read, and of how many.

        Raises:
            DataError: folders, classes or images are missing, or cannot be read.
        """

    def with_channels(self, n: int) -> Self:
        """Return this data set with images of another number of channels, if it can convert them."""
        return self

    def with_timesteps(self, n: int) -> Self:
        """Return this data set with recordings cut into another number of time steps; stills have none.

        Raises:
            DataError: its recordings are cut already, into another number.
        """
        return self

    def with_events(
        self, events: "EventsConfig", timesteps: int, size: Side | None, augmentation: Mapping[str, Any] | None = None
    ) -> Self:
        """Return this data set with recordings cut as settings say; stills ignore them.

        Args:
            events: settings; ``window_ms`` 0 and ``sensor`` None: the data set's own.
            timesteps: T.
            size: of the images; None: the data set's own.
            augmentation: of training recordings, event by event; see ``EventAugmentation``.
        """
        return self

    def seen_from(self, folder: Path) -> Self:
        """Return this data set; files that a relative path does not find here are looked for in another folder."""
        return self

    @property
    def fingerprint(self) -> str:
        """What tells its content from another's: the name, unless the same name may stand for other images."""
        return self.name

    def within(self, data_dir: Path) -> Self:
        """Return this data set as it is found in a folder of data sets; only downloaded ones depend on it."""
        return self

    def is_there(self) -> bool:
        """Whether files in its format lie where it looks for them. Only a few names are looked at."""
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
