"""Recognises file formats of recordings, and reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neuronas.config import read_beginning, read_bytes
from neuronas.data.events import aedat2, aedat3, aedat4, arrays, atis, dat, evt, hdf5_file, table
from neuronas.data.events.item import RECORDINGS
from neuronas.data.events.recording import Recording, RecordingError, damaged
from neuronas.errors import DataError
from neuronas.space.node_operations import Pair

MAX_BYTES = 2_000_000_000
"""Larger files are rejected, since they would be held in memory. The HDF5 reader has its own limit."""
_MAGIC_BYTES = 16


def _content(decode: Callable[[bytes], Recording]) -> Callable[[Path], Recording]:
    return lambda path: decode(read_bytes(path, MAX_BYTES))


@dataclass(frozen=True)
class RecordingFormat:
    """A file format.

    Attributes:
        name: name in messages.
        suffixes: suffixes of its files.
        read: reads a file.
        magic: first bytes of its files; a file that begins with them has this format, whatever its suffix.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path], Recording]
    magic: tuple[bytes, ...] = ()


FORMATS = (
    RecordingFormat("AEDAT 4.0", (".aedat4",), _content(aedat4.decode), (aedat4.MAGIC[:10],)),
    RecordingFormat("AEDAT 3.1", (".aedat",), _content(aedat3.decode), (aedat3.MAGIC,)),
    RecordingFormat("AEDAT 2.0", (".aedat",), _content(aedat2.decode), (aedat2.MAGIC,)),
    RecordingFormat("HDF5", (".h5", ".hdf5"), hdf5_file.read, (hdf5_file.MAGIC,)),
    RecordingFormat("NumPy", (".npz", ".npy"), _content(arrays.decode), arrays.MAGIC),
    RecordingFormat("Prophesee DAT", (".dat",), _content(dat.decode)),
    RecordingFormat("Prophesee EVT 2.0 or 3.0", (".raw",), _content(evt.decode)),
    RecordingFormat("text", (".csv", ".txt"), _content(table.decode)),
    RecordingFormat("N-MNIST", (".bin",), _content(atis.decode)),
)
"""In the order of recognition."""


def read_recording(path: Path) -> Recording:
    """Read a recording of any supported format, recognised by its first bytes or else by its suffix.

    Returns:
        events in order of time.

    Raises:
        DataError: the file is missing or damaged, or its format is not supported; the message names it.
        ConfigurationError: a package that the format needs is not installed.
    """
    try:
        beginning, n_bytes = read_beginning(path, _MAGIC_BYTES)
        if not n_bytes:
            raise RecordingError("is empty")
        found = format_of(path, beginning)
        return found.read(path)
    except (OSError, RecordingError) as error:
        raise damaged(path, error) from error
    except MemoryError as error:
        raise DataError(f"recording {path}: is too large for the free memory") from error


def recording_on(path: Path, sensor: Pair) -> Recording:
    """Read a recording of a known sensor, with times from 0.

    Args:
        path: path of the file.
        sensor: height and width in pixels.

    Raises:
        DataError: like ``read_recording``; or the file states a larger sensor, or an event is outside the sensor.
    """
    found = read_recording(path)
    try:
        if found.sensor is not None and any(own > known for own, known in zip(found.sensor, sensor, strict=True)):
            raise RecordingError(
                f"states a sensor of {found.sensor[0]}x{found.sensor[1]} pixels; expected at most "
                f"{sensor[0]}x{sensor[1]}, the network's input"
            )
        return Recording.of(found.t_us - found.t_us[0], found.x, found.y, found.p, sensor)
    except RecordingError as error:
        raise damaged(path, error) from error


def format_of(path: Path, beginning: bytes) -> RecordingFormat:
    """The format of a file.

    Args:
        path: path of the file.
        beginning: its first bytes.

    Raises:
        RecordingError: unknown format.
    """
    by_magic = (one for one in FORMATS if beginning.startswith(one.magic or (b"\0no magic",)))
    suffix = path.suffix.lower()
    by_suffix = (one for one in FORMATS if suffix in one.suffixes and not one.magic)
    found = next(by_magic, None) or next(by_suffix, None)
    if found is not None:
        return found
    named = [one.name for one in FORMATS if suffix in one.suffixes]
    if named:
        raise RecordingError(f"begins with {beginning!r}; expected a file of {' or '.join(named)}")
    raise RecordingError(f"has suffix '{suffix}'; expected {', '.join(sorted(RECORDINGS.suffixes))}")
