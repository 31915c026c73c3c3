"""Recordings of event cameras in memory, and the checks common to all readers."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuronas.errors import DataError
from neuronas.space.node_operations import Pair

MAX_EVENTS = 100_000_000
"""Maximum number of events in a file, checked before memory is allocated."""
MAX_SIDE = 4096
"""Maximum side of a sensor in pixels; larger coordinates mean a damaged file."""
MAX_DISORDER_US = 10_000
"""Events out of order by at most this much are sorted; more disorder means a damaged file."""
MAX_US = 2**62
Numbers = NDArray[Any]


class RecordingError(ValueError):
    """Description of a fault in a file; ``read_recording`` turns it into an error that names the file."""


@dataclass(frozen=True)
class Recording:
    """Events in order of time.

    Attributes:
        t_us: [n] int64, times in µs, not decreasing; any origin.
        x: [n] uint16, column, from the left.
        y: [n] uint16, row, from the top.
        p: [n] bool, polarity; True: the pixel became brighter (ON).
        sensor: height and width in pixels, if stated in the file.
    """

    t_us: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    p: NDArray[np.bool_]
    sensor: Pair | None = None

    @classmethod
    def of(cls, t_us: Numbers, x: Numbers, y: Numbers, p: Numbers, sensor: Pair | None = None) -> Self:
        """Check and convert the events of a file.

        Args:
            t_us: [n] integers; small disorder is corrected, events of equal time keep their order.
            x: [n] integers.
            y: [n] integers.
            p: [n] integers or booleans; values above 0 mean ON.
            sensor: height and width, if stated in the file.

        Raises:
            RecordingError: no events, coordinates outside the sensor, or large disorder in time.
        """
        if not len(t_us):
            raise RecordingError("holds no events")
        if sensor is not None and not all(0 < side <= MAX_SIDE for side in sensor):
            raise RecordingError(f"states a sensor of {sensor[0]}x{sensor[1]} pixels; expected 1 to {MAX_SIDE} a side")
        limits = sensor or (MAX_SIDE, MAX_SIDE)
        for name, values, limit in (("y", y, limits[0]), ("x", x, limits[1])):
            low, high = int(values.min()), int(values.max())
            if low < 0 or high >= limit:
                wrong = low if low < 0 else high
                raise RecordingError(f"holds an event at {name} = {wrong}; expected 0 to {limit - 1}")
        if int(t_us.min()) < -MAX_US or int(t_us.max()) > MAX_US:
            raise RecordingError("holds times that are too large; expected microseconds")
        order = _order(t_us := t_us.astype(np.int64, copy=False))
        found = cls(t_us, x.astype(np.uint16, copy=False), y.astype(np.uint16, copy=False), p > 0, sensor)
        return found if order is None else found.part(order)

    def __len__(self) -> int:
        """Number of events."""
        return len(self.t_us)

    @property
    def duration_us(self) -> int:
        """Time from the first event to the last in µs, inclusive."""
        return int(self.t_us[-1] - self.t_us[0]) + 1 if len(self) else 0

    def between(self, start_us: int, end_us: int) -> Self:
        """Events from ``start_us`` to before ``end_us``, in the recording's own time."""
        first, last = np.searchsorted(self.t_us, (start_us, end_us))
        return self.part(slice(int(first), int(last)))

    def part(self, chosen: slice | NDArray[Any]) -> Self:
        """A selection of the events."""
        return replace(self, t_us=self.t_us[chosen], x=self.x[chosen], y=self.y[chosen], p=self.p[chosen])

    @property
    def extent(self) -> Pair:
        """Height and width of the sensor or, if not stated in the file, of the area covered by the events."""
        if self.sensor is not None or not len(self):
            return self.sensor or (1, 1)
        return int(self.y.max()) + 1, int(self.x.max()) + 1


def _order(t_us: NDArray[np.int64]) -> NDArray[np.intp] | None:
    """Permutation that sorts by time; None: already sorted."""
    back = np.flatnonzero(t_us[1:] < t_us[:-1])
    if not len(back):
        return None
    latest = np.maximum.accumulate(t_us)
    late_by = latest - t_us
    worst = int(late_by.argmax())
    if late_by[worst] > MAX_DISORDER_US:
        raise RecordingError(
            f"time goes back by {int(late_by[worst]):,} µs at event {worst:,}; expected events in order of time"
        )
    return np.argsort(t_us, kind="stable")


def unwrapped(low: Numbers, n_bits: int) -> NDArray[np.int64]:
    """Unwrap times of a counter that overflows after ``2**n_bits`` µs.

    A decrease of more than half the range is taken for an overflow.
    """
    low = low.astype(np.int64)
    steps = np.diff(low, prepend=low[:1])
    half = 1 << (n_bits - 1)
    starts = np.cumsum((steps < -half).astype(np.int64) - (steps > half).astype(np.int64))
    found: NDArray[np.int64] = low + (starts << n_bits)
    return found


def whole_records(raw: bytes | memoryview, size: int, what: str) -> None:
    """Reject a file that ends within a record.

    Raises:
        RecordingError: truncated.
    """
    if len(raw) % size:
        raise RecordingError(f"ends within an event ({len(raw):,} bytes of {what}; expected a multiple of {size})")


def damaged(path: Path, error: Exception) -> DataError:
    """Error for a recording that cannot be read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(f"recording {path}: {' '.join(reason.split())}")
