"""Events in NumPy files: ``.npy`` with a structured array, or ``.npz`` with arrays t, x, y and p."""

import io
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np

from neuronas.data.events.recording import MAX_EVENTS, MAX_US, Numbers, Recording, RecordingError
from neuronas.space.node_operations import Pair

NAMES: dict[str, tuple[str, ...]] = {
    "t": ("t", "ts", "timestamp", "timestamps", "time"),
    "x": ("x",),
    "y": ("y",),
    "p": ("p", "pol", "polarity", "polarities", "on"),
}
"""Column names used by several programs."""
MAGIC = (b"\x93NUMPY", b"PK\x03\x04")
_MAX_BYTES = 32 * MAX_EVENTS
_HEADER_BYTES = 10_000
_NO_HEADER = (
    ValueError, TypeError, SyntaxError, EOFError, LookupError, RecursionError, MemoryError, tokenize.TokenError,
    UserWarning,
)  # fmt: skip
"""Exceptions raised by NumPy on a damaged header."""


def decode(raw: bytes) -> Recording:
    """Decode a file; see ``recording_of`` for times.

    Raises:
        RecordingError: truncated, or without these columns.
    """
    if raw.startswith(b"\x93NUMPY"):
        array = _array(io.BytesIO(raw), len(raw))
        return recording_of(_columns(array))
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            arrays = dict(_members(archive))
    except RecordingError:
        raise
    # ValueError: an offset in the archive's directory is negative.
    except (ValueError, zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise RecordingError(f"is not a complete .npz file ({error})") from error
    if len(arrays) == 1:
        return recording_of(_columns(next(iter(arrays.values()))))
    return recording_of(arrays)


def recording_of(columns: Mapping[str, Numbers], sensor: Pair | None = None) -> Recording:
    """Create a recording from columns under any of their usual names.

    Args:
        columns: numbers [n] by name. Times are integers in microseconds, or floats in seconds.
        sensor: height and width, if known.

    Raises:
        RecordingError: a column is missing or has invalid values.
    """
    lower = {name.lower(): values for name, values in columns.items()}
    found: dict[str, Numbers] = {}
    for key, names in NAMES.items():
        name = next((one for one in names if one in lower), None)
        if name is None:
            given = ", ".join(map(str, columns)) or "none"
            raise RecordingError(f"holds columns {given[:200]}; expected t, x, y and p")
        found[key] = lower[name]
    shapes = {values.shape for values in found.values()}
    if len(shapes) != 1 or len(shapes.pop()) != 1:
        shown = ", ".join(f"{key} {list(values.shape)}" for key, values in found.items())
        raise RecordingError(f"holds {shown}; expected one number for each event")
    x, y, p = (_whole(key, found[key]) for key in ("x", "y", "p"))
    return Recording.of(_microseconds(found["t"]), x, y, p, sensor)


def _microseconds(t: Numbers) -> Numbers:
    if t.dtype.kind == "m":
        return t.astype("timedelta64[us]").astype(np.int64)
    if t.dtype.kind == "f":
        if not np.isfinite(t).all() or np.abs(t).max(initial=0) * 1e6 > MAX_US:
            raise RecordingError("holds times (in seconds) that are not finite")
        return np.rint(t.astype(np.float64) * 1e6).astype(np.int64)
    if t.dtype.kind == "u" and t.max(initial=0) > MAX_US:
        raise RecordingError("holds times that are too large; expected microseconds")
    return _whole("t", t)


def _whole(name: str, values: Numbers) -> Numbers:
    if values.dtype.kind in "iub":
        return values
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        return np.clip(values, -(2.0**31), 2.0**31).astype(np.int64)
    raise RecordingError(f"holds {name} of type {values.dtype}; expected integers")


def _columns(array: Numbers) -> dict[str, Numbers]:
    if not array.dtype.names:
        raise RecordingError(
            f"holds {array.dtype} of shape {list(array.shape)}; expected a structured array of t, x, y, p"
        )
    return {name: array[name] for name in array.dtype.names}


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, Numbers]]:
    known = {name for names in NAMES.values() for name in names}
    members = [one for one in archive.infolist() if one.filename.endswith(".npy")]
    chosen = members if len(members) == 1 else [one for one in members if one.filename[:-4].lower() in known]
    if sum(one.file_size for one in chosen) > _MAX_BYTES:
        raise RecordingError(f"states more than {_MAX_BYTES:,} bytes of arrays")
    if not chosen:
        names = ", ".join(one.filename for one in archive.infolist()[:8])
        raise RecordingError(f"holds {names or 'nothing'}; expected t, x, y and p")
    for one in chosen:
        with archive.open(one) as file:
            yield one.filename[:-4], _array(file, one.file_size)


def _array(file: IO[bytes], n_bytes: int) -> Numbers:
    """Read an array; the size stated in its header is checked against the file before memory is allocated."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file, max_header_size=_HEADER_BYTES)
    except _NO_HEADER as error:
        raise RecordingError(f"has no valid NumPy header ({' '.join(str(error).split())[:120]})") from error
    if dtype.hasobject:
        raise RecordingError("holds Python objects; expected numbers")
    n_items = 1
    for side in shape:
        n_items *= int(side)
    if n_items > MAX_EVENTS or n_items * dtype.itemsize > n_bytes:
        raise RecordingError(f"states {n_items:,} items of {dtype.itemsize} bytes; it has {n_bytes:,} bytes")
    content = file.read(n_items * dtype.itemsize)
    if len(content) != n_items * dtype.itemsize:
        raise RecordingError("ends within its events")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
