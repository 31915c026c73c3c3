"""Converts events to one image per time step."""

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
"""Random seed of the controls: a recording has the same order in every run."""
_FULL = 255
_PART = 1 << 19
"""Number of events processed at a time, to limit memory with long recordings."""


@dataclass(frozen=True)
class Slicing:
    """How a recording is converted to T images.

    Attributes:
        timesteps: number of time steps T.
        sensor: height and width in pixels.
        size: height and width of an image; each of its pixels sums the sensor's pixels that it covers.
        channels: 2 (one per polarity: OFF, ON) or 1 (both polarities together).
        window_us: duration in µs; events from this time on are ignored.
        events: settings of section ``events``.

    Raises:
        ConfigurationError: images would be larger than the sensor or the crop.
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
        """Convert a recording to T images.

        Args:
            recording: recording with times from 0 and coordinates on the sensor.
            number: number of the recording in its data set; seeds the controls.

        Returns:
            [T, C, H, W], depending on the settings: counts, at most 255; 0 or 1; or the time of the first event, from 1
            (end of the step) to 255 (its beginning), and 0 without events.
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
        """Convert a recording of any length step by step, with time steps of equal duration.

        Args:
            recording: as in ``frames``.

        Yields:
            number of events and image [C, H, W] of each step; the first T are equal to those of ``frames``.

        Raises:
            ConfigurationError: the settings require steps of unequal duration, or in another order than recorded.
        """
        if self.events.slices != "time" or self.events.order != "recorded":
            raise ConfigurationError(
                f"events.slices {self.events.slices} and events.order {self.events.order} given for a stream, which is "
                "sliced as it arrives; expected slices time and order recorded"
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
        """Images [timesteps, C, H, W] of zeros."""
        return np.zeros((timesteps, self.channels, *self.size), np.int64)

    def _add(
        self, images: NDArray[np.int64], used: Recording, step: NDArray[np.int64], share: NDArray[np.floating[Any]]
    ) -> None:
        """Add events with known step and position in the step: their count, or how early the first one was."""
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
        """Position of each event in units of time steps: integer part: step; fraction: position within the step.

        Args:
            used: part of the events.
            first: number of the first of these events in the recording.
            n: number of events in the recording.
        """
        if self.events.slices == "count":
            return np.arange(first, first + len(used)) * (self.timesteps / max(1, n))
        return used.t_us * (self.timesteps / self.window_us)

    def _places(self, used: Recording, step: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
        """Index of each event's pixel in the images, and a mask of events in the crop (None: all)."""
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
