"""Events in NumPy's files ``.npy`` and ``.npz``: a structured array, or an array for each of t, x, y and p."""

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
"""What columns are called in files of several programs."""
MAGIC = (b"\x93NUMPY", b"PK\x03\x04")
_MAX_BYTES = 32 * MAX_EVENTS
_HEADER_BYTES = 10_000
_NO_HEADER = (
    ValueError, TypeError, SyntaxError, EOFError, LookupError, RecursionError, MemoryError, tokenize.TokenError,
    UserWarning,
)  # fmt: skip
"""What NumPy raises at a damaged header."""


def decode(raw: bytes) -> Recording:
    """Read the content of a file; see ``recording_of`` for times.

    Raises:
        RecordingError: it was cut, or does not hold these columns.
    """
    if raw.startswith(b"\x93NUMPY"):
        array = _array(io.BytesIO(raw), len(raw))
        return recording_of(_columns(array))
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            arrays = dict(_members(archive))
    except RecordingError:
        raise
    # ValueError: an offset of the archive's directory lies before the file.
    except (ValueError, zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise RecordingError(f"is not a complete .npz file ({error})") from error
    if len(arrays) == 1:
        return recording_of(_columns(next(iter(arrays.values()))))
    return recording_of(arrays)


def recording_of(columns: Mapping[str, Numbers], sensor: Pair | None = None) -> Recording:
    """A recording of columns under any of their usual names.

    Args:
        columns: numbers [n] by name. Times are whole microseconds, or seconds if they are floating-point.
        sensor: height and width, if they are known.

    Raises:
        RecordingError: a column is missing, or holds other values.
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
            raise RecordingError("holds times that are not finite numbers of seconds")
        return np.rint(t.astype(np.float64) * 1e6).astype(np.int64)
    if t.dtype.kind == "u" and t.max(initial=0) > MAX_US:
        raise RecordingError("holds times that no clock shows; expected microseconds")
    return _whole("t", t)


def _whole(name: str, values: Numbers) -> Numbers:
    if values.dtype.kind in "iub":
        return values
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        return np.clip(values, -(2.0**31), 2.0**31).astype(np.int64)
    raise RecordingError(f"holds {name} of type {values.dtype}; expected whole numbers")


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
    """Read an array; what its header states is compared with what is there before memory is taken for it."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file, max_header_size=_HEADER_BYTES)
    except _NO_HEADER as error:
        raise RecordingError(f"has no header of NumPy ({' '.join(str(error).split())[:120]})") from error
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
