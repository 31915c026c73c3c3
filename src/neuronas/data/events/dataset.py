"""Base class of data sets of recordings: they are read once into a store, and sliced according to the settings."""

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from neuronas.config import EventsConfig
from neuronas.data.dataset import DataSet, Progress
from neuronas.data.events.item import Item
from neuronas.errors import ConfigurationError, DataError
from neuronas.kernels.folders import cache_folder
from neuronas.space.node_operations import Pair
from neuronas.space.shape import Side, size_of

if TYPE_CHECKING:
    from neuronas.data.events.frames import Slicing
    from neuronas.data.events.source import EventSource
    from neuronas.data.events.store import EventStore

_LARGEST_SIDE = 64
"""Default limit of the side of an image; the sensor is reduced by an integer factor to meet it."""
_MEASURED, _MEASURE_SEED = 128, 20240722
"""Number of training recordings from which the standard deviation of pixels is measured, and seed of their draw."""
_log = logging.getLogger(__name__)


class EventDataSet(DataSet):
    """Classified recordings of an event camera.

    Attributes:
        own_sensor: height and width of the sensor; None: as stated or covered by the recordings.
    """

    sequence = True
    image_channels = 2
    batch_size = 64
    augment = "none"
    mean: tuple[float, ...] = (0.0, 0.0)  # a pixel without events stays 0 and needs no computation
    own_sensor: Pair | None = None
    _timesteps: int = 5
    _events: EventsConfig | None = None
    _size: Pair | None = None
    _augmentation: dict[str, Any] | None = None

    @abstractmethod
    def items(self, split: str) -> Sequence[Item]:
        """Recordings of ``train`` or ``test``.

        Raises:
            DataError: they are missing.
        """

    @abstractmethod
    def place(self) -> Path:
        """Folder of the files."""

    def with_channels(self, n: int) -> Self:
        """See ``DataSet``: 2 (one per polarity) or 1 (both polarities together)."""
        if n not in (1, 2):
            raise ConfigurationError(
                f"image_channels {n} given with {self.name}; expected 2 (one per polarity) or 1 (both together)"
            )
        return self._having(image_channels=n, mean=(0.0,) * n)

    def with_timesteps(self, n: int) -> Self:
        """See ``DataSet``."""
        return self._having(_timesteps=n)

    def with_events(
        self, events: EventsConfig, timesteps: int, size: Side | None, augmentation: Mapping[str, Any] | None = None
    ) -> Self:
        """See ``DataSet``."""
        pair = None if size is None else size_of(size)
        return self._having(_events=events, _timesteps=timesteps, _size=pair, _augmentation=dict(augmentation or {}))

    @property
    def window_ms(self) -> float:  # type: ignore[override]
        """See ``DataSet``: the median duration of the training recordings, unless given in the settings."""
        if self._events is not None and self._events.window_ms:
            return self._events.window_ms
        import numpy as np

        store = self.store("train")
        return float(np.ceil(np.median(store.index["duration"][store.good])) / 1000)

    @property
    def sensor(self) -> Pair:  # type: ignore[override]
        """See ``DataSet``: the largest stated or covered by a training recording, unless given in the settings."""
        return (self._events and self._events.sensor) or self.own_sensor or self.store("train").extent

    @property
    def image_size(self) -> Pair:  # type: ignore[override]
        """See ``DataSet``: the sensor or the crop, reduced by the smallest factor to at most 64 pixels a side."""
        if self._size is not None:
            return self._size
        height, width = (self._events.crop if self._events else None) or self.sensor
        factor = -(-max(height, width) // _LARGEST_SIDE)
        return -(-height // factor), -(-width // factor)

    @property
    def std(self) -> tuple[float, ...]:  # type: ignore[override]
        """See ``DataSet``: root mean square over some training recordings, since the mean is defined as 0.

        Binary frames have one value for both channels, so that an event is equal in both and a chip reads one bit.
        """
        import numpy as np

        store, slicing = self._cut("train", self.image_size)
        drawn = np.random.default_rng(_MEASURE_SEED).permutation(store.good)[:_MEASURED]
        squares = np.zeros(self.image_channels)
        for number in drawn.tolist():
            frames = slicing.frames(store.recording(number), number).astype(np.int64)
            squares += np.square(frames).mean(axis=(0, 2, 3))
        if slicing.events.values == "binary":
            squares[:] = squares.mean()
        spread = np.sqrt(squares / len(drawn)) / 255
        return tuple(max(float(one), 1e-4) for one in spread.round(6))

    def load(self, split: str, size: Side) -> "EventSource":
        """See ``DataSet``."""
        import numpy as np

        from neuronas.data.events.augmentation import EventAugmentation
        from neuronas.data.events.source import EventSource

        labels = np.array([item.label for item in self.items(split)], dtype=np.int64)
        store, slicing = self._cut(split, size_of(size))
        how = EventAugmentation(**self._augmentation or {})
        return EventSource(store, np.arange(len(labels)), labels, slicing, how)

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:
        """See ``DataSet``."""
        from neuronas.data.listing import unreadable

        for split in ("train", "test"):
            store = self.store(split, progress)
            if store.errors and not skip_corrupt:
                raise unreadable(store.errors, len(store.index), "recordings")
            if store.errors:
                _log.warning("%s of %s %s recordings cannot be read and are skipped", f"{len(store.errors):,}",
                             f"{len(store.index):,}", split)  # fmt: skip

    def store(self, split: str, progress: Progress | None = None) -> "EventStore":
        """The file with the recordings of a split; it is created if it is missing.

        Raises:
            DataError: recordings are missing, or none can be read.
        """
        key = (self.place(), split)
        if key not in self._stores:
            from neuronas.data.events.store import open_store

            items = self.items(split)
            if not items:
                raise DataError(f"{self.name}: holds no {split} recordings")
            opened = open_store(items, self.place(), cache_folder() / "events", self.name, progress)
            if not len(opened.good):
                raise opened.errors[0]
            self._stores[key] = opened
        return self._stores[key]

    def digest(self) -> str:
        """See ``DataSet``: digest of all training events, their labels and the slicing."""
        from hashlib import blake2b

        source = self.load("train", self.image_size)
        slicing, events = source.slicing, source.slicing.events
        cut = f"{slicing.timesteps} {slicing.sensor} {slicing.size} {slicing.channels} {slicing.window_us} {events}\n"
        found = blake2b(f"{self.store('train').digest} {cut}".encode(), digest_size=8)
        found.update(source.labels.astype("<i8").tobytes())
        return found.hexdigest()

    @property
    def _stores(self) -> "dict[tuple[Path, str], EventStore]":
        """Opened stores, shared with copies of this data set that have other settings."""
        found: dict[tuple[Path, str], EventStore] = self.__dict__.setdefault("_opened", {})
        return found

    def _cut(self, split: str, size: Pair) -> "tuple[EventStore, Slicing]":
        """Recordings of a split, and their slicing.

        Raises:
            DataError: recordings are larger than the sensor.
        """
        store = self.store(split)
        if store.extent[0] > self.sensor[0] or store.extent[1] > self.sensor[1]:
            raise DataError(
                f"{self.name}: {split} recordings cover {store.extent[0]}x{store.extent[1]} pixels, but the sensor has "
                f"{self.sensor[0]}x{self.sensor[1]} (events.sensor)"
            )
        return store, self.slicing(size)

    def slicing(self, size: Pair) -> "Slicing":
        """Slicing of recordings for images of this size."""
        from neuronas.data.events.frames import Slicing

        events = self._events or EventsConfig(window_ms=0.0, sensor=None)
        return Slicing(
            self._timesteps, self.sensor, size, self.image_channels, max(1, round(1000 * self.window_ms)), events
        )
