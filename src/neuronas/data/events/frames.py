"""From events to one image for each time step."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuronas.config import EventsConfig
from neuronas.data.events.recording import Recording
from neuronas.errors import ConfigurationError
from neuronas.space.node_operations import Pair

_ORDER_SEED = 20240722
"""Of the controls: the same recording has the same order in every run."""
_FULL = 255
_PART = 1 << 19
"""Events that are cut at a time: bounds the memory that a long recording takes."""


@dataclass(frozen=True)
class Slicing:
    """How a recording becomes T images.

    Attributes:
        timesteps: T.
        sensor: height and width in pixels.
        size: height and width of an image; each of its pixels sums those of the sensor that it covers.
        channels: 2, one for each polarity (OFF, ON); or 1, both together.
        window_us: events from this time on are left out.
        events: settings.

    Raises:
        ConfigurationError: the images would be larger than what they are made from.
    """

    timesteps: int
    sensor: Pair
    size: Pair
    channels: int
    window_us: int
    events: EventsConfig

    def __post_init__(self) -> None:
        crop = self.events.crop
        for given, whole, what in ((crop or self.size, self.sensor, "the sensor"), (self.size, self.crop, "the crop")):
            if given[0] > whole[0] or given[1] > whole[1]:
                key = "events.crop" if crop and whole is self.sensor else "image side"
                raise ConfigurationError(
                    f"{key} {_text(given)} given for recordings of {_text(whole)} pixels; expected at most {what}"
                )

    @property
    def crop(self) -> Pair:
        """Height and width of the part of the sensor that is used."""
        return self.events.crop or self.sensor

    def frames(self, recording: Recording, number: int = 0) -> NDArray[np.uint8]:
        """Cut a recording into time steps.

        Args:
            recording: times begin at 0; coordinates lie on the sensor.
            number: of the recording in its data set; seeds the controls.

        Returns:
            [T, C, H, W]: counts, at most 255; 0 or 1; or 1 (the first event came at the end of the step) to 255 (at its
            beginning), 0 for none.
        """
        n = int(np.searchsorted(recording.t_us, self.window_us))
        order, rng = np.arange(self.timesteps), np.random.default_rng([_ORDER_SEED, number])
        if self.events.order == "shuffled":
            order = rng.permutation(self.timesteps)
        images = self._empty(self.timesteps)
        for first in range(0, n, _PART):
            used = recording.part(slice(first, min(first + _PART, n)))
            progress = self._progress(used, first, n)
            step = order[np.minimum(progress.astype(np.int64), self.timesteps - 1)]
            if self.events.order == "collapsed":
                step = rng.integers(0, self.timesteps, len(used))
            self._add(images, used, step, progress - np.floor(progress))
        return self._finished(images)

    def stream(self, recording: Recording) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Cut a recording of any length into time steps of the same duration, one after the other.

        Args:
            recording: as ``frames`` reads it.

        Yields:
            number of events and image [C, H, W] of each step; the first T are those of ``frames``.

        Raises:
            ConfigurationError: steps are not of equal duration, or not in the order of the recording.
        """
        if self.events.slices != "time" or self.events.order != "recorded":
            raise ConfigurationError(
                f"events.slices {self.events.slices} and events.order {self.events.order} given for a stream; expected "
                "time and recorded, since it is cut while it comes"
            )
        progress = self._progress(recording, 0, len(recording))
        n_steps = int(progress[-1]) + 1 if len(progress) else 0
        ends = np.searchsorted(progress, np.arange(n_steps + 1))
        for number, (first, last) in enumerate(pairwise(ends.tolist())):
            part = recording.part(slice(first, last))
            images = self._empty(1)
            self._add(images, part, np.zeros(len(part), np.int64), progress[first:last] - number)
            yield last - first, self._finished(images)[0]

    def _empty(self, timesteps: int) -> NDArray[np.int64]:
        """Images [timesteps, C, H, W] without events."""
        return np.zeros((timesteps, self.channels, *self.size), np.int64)

    def _add(
        self, images: NDArray[np.int64], used: Recording, step: NDArray[np.int64], share: NDArray[np.floating[Any]]
    ) -> None:
        """Add events whose step is known, and when in it they came: their number, or how early the first was."""
        place, inside = self._places(used, step)
        flat = images.reshape(-1)
        if self.events.values == "first-spike":
            earliness = _FULL - (share * _FULL).astype(np.int64)
            np.maximum.at(flat, place, earliness if inside is None else earliness[inside])
        else:
            low, high = (int(place.min()), int(place.max()) + 1) if len(place) else (0, 0)
            flat[low:high] += np.bincount(place - low, minlength=high - low)

    def _finished(self, images: NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.minimum(images, 1 if self.events.values == "binary" else _FULL).astype(np.uint8)

    def _progress(self, used: Recording, first: int, n: int) -> NDArray[np.floating[Any]]:
        """How far each event is through the T steps: its step, and behind the point its share of that step.

        Args:
            used: some of the events.
            first: number of the first of them.
            n: how many events there are in all.
        """
        if self.events.slices == "count":
            return np.arange(first, first + len(used)) * (self.timesteps / max(1, n))
        return used.t_us * (self.timesteps / self.window_us)

    def _places(self, used: Recording, step: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
        """Index of each event's pixel in the images, and which events lie in the crop; None: all."""
        (height, width), (rows, columns) = self.crop, self.size
        y = used.y.astype(np.int64) - (self.sensor[0] - height) // 2
        x = used.x.astype(np.int64) - (self.sensor[1] - width) // 2
        p = used.p.astype(np.int64) if self.channels > 1 else np.zeros(len(used), np.int64)
        inside = None
        if self.crop != self.sensor:
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            y, x, p, step = y[inside], x[inside], p[inside], step[inside]
        if (rows, columns) != (height, width):
            y, x = y * rows // height, x * columns // width
        return ((step * self.channels + p) * rows + y) * columns + x, inside


def _text(size: Pair) -> str:
    return f"{size[0]}x{size[1]}"
