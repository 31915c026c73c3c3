"""Stores the recordings of a split in one file, created once, with 6 or 8 bytes per event and random access."""

import json
import logging
import mmap
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from neuronas.data.dataset import Progress
from neuronas.data.events.files import read_recording
from neuronas.data.events.item import Item
from neuronas.data.events.recording import Recording
from neuronas.errors import ConfigurationError, DataError
from neuronas.kernels.folders import CACHE
from neuronas.machine import n_cores
from neuronas.space.node_operations import Pair

_MAGIC = b"neuronas-events1"
_INDEX = np.dtype(
    [("place", "<u8"), ("n", "<u4"), ("duration", "<u4"), ("crc", "<u4"), ("height", "<u2"), ("width", "<u2"),
     ("bytes", "u1")]
)  # fmt: skip
_END = struct.Struct("<QQQ16s16s")
"""Offset and length of the index, length of the messages, digests of the events and of everything else."""
_MAX_US = 2**31
_LEFT_S = 24 * 3600
_log = logging.getLogger(__name__)


class EventStore:
    """Recordings in a file created by ``open_store``.

    Args:
        path: path of the file.

    Attributes:
        index: for each recording: number of events ``n``, ``duration`` in µs, ``height`` and ``width``.
        digest: digest of all events.

    Raises:
        DataError: the file is damaged.
    """

    def __init__(self, path: Path):
        self._path = path
        try:
            with path.open("rb") as file:
                raw = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            place, n, n_messages, content, check = _END.unpack(raw[-_END.size :])
            if bytes(raw[: len(_MAGIC)]) != _MAGIC or place + n * _INDEX.itemsize + n_messages + _END.size != len(raw):
                raise ValueError("it is incomplete")
            if _digest(raw[place : len(raw) - 16]) != check:
                raise ValueError("its index has changed")
        except (OSError, ValueError, struct.error) as error:
            raise self._damaged(str(error)) from error
        self._raw = raw
        self.index: NDArray[np.void] = np.frombuffer(raw, _INDEX, n, place)
        self._messages: dict[int, str] = {
            int(number): text for number, text in json.loads(bytes(raw[-_END.size - n_messages : -_END.size])).items()
        }
        self.digest: str = content.hex()

    @property
    def errors(self) -> list[DataError]:
        """Errors of the recordings that could not be read."""
        return [DataError(text) for text in self._messages.values()]

    @property
    def good(self) -> NDArray[np.int64]:
        """Numbers of the recordings that could be read."""
        return np.setdiff1d(np.arange(len(self.index)), list(self._messages)).astype(np.int64)

    @property
    def extent(self) -> Pair:
        """Height and width of the smallest sensor that holds every recording."""
        return int(self.index["height"].max(initial=1)), int(self.index["width"].max(initial=1))

    def recording(self, number: int) -> Recording:
        """Return a recording, with times from 0.

        Raises:
            DataError: its file could not be read, or the store has been damaged.
        """
        if number in self._messages:
            raise DataError(self._messages[number])
        entry = self.index[number]
        place, n, wide = int(entry["place"]), int(entry["n"]), int(entry["bytes"])
        raw = self._raw[place : place + n * (4 + 2 * wide)]
        if zlib.crc32(raw) != entry["crc"]:
            raise self._damaged(f"recording {number} has changed")
        time_and_polarity = np.frombuffer(raw, "<u4", n)
        x, y = np.frombuffer(raw, f"<u{wide}", 2 * n, 4 * n).reshape(2, n)
        return Recording(
            (time_and_polarity & (_MAX_US - 1)).astype(np.int64), x.astype(np.uint16), y.astype(np.uint16),
            time_and_polarity >> 31 > 0, self.extent,
        )  # fmt: skip

    def _damaged(self, why: str) -> DataError:
        return DataError(f"{self._path}: is damaged ({why}); remove it; it is created again from the recordings")


def open_store(
    items: Sequence[Item], root: Path, folder: Path, what: str, progress: Progress | None = None
) -> EventStore:
    """Open the file that holds these recordings; create it if it is missing.

    It is identified by names, sizes and modification times of the recordings' files, so changed files are read again.

    Args:
        items: recordings; those of the same file must be adjacent.
        root: folder of the data set, which may be moved.
        folder: folder of the file.
        what: name of the recordings in messages.
        progress: progress callback: number of recordings read, and their total.

    Raises:
        DataError: a file of the data set is missing, or the folder cannot be written to.
        ConfigurationError: a package needed for a format is not installed.
    """
    path = folder / f"{_key(items, root)}.events"
    if not path.is_file():
        if progress is None:
            _log.info("reading %s recordings of %s once, into %s", f"{len(items):,}", what, path)
        try:
            _make(items, path, progress)
        except OSError as error:
            raise DataError(
                f"{path}: cannot be written ({error.strerror}); the recordings of {what} are stored in this file; "
                f"free some disk space, or set {CACHE} to another folder"
            ) from error
    return EventStore(path)


def _key(items: Sequence[Item], root: Path) -> str:
    found = blake2b(_MAGIC, digest_size=16)
    for item in items:
        try:
            state = item.path.stat()
        except OSError as error:
            raise DataError(f"recording {item.path}: {error.strerror}") from error
        name = os.path.relpath(item.path, root)
        part = f"{name}\0{state.st_size}\0{state.st_mtime_ns}\0{item.start_us}\0{item.end_us}\n"
        found.update(part.encode(errors="surrogateescape"))
    return found.hexdigest()


def _make(items: Sequence[Item], path: Path, progress: Progress | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob("building-*"):  # left by a killed process
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_S:
                left.unlink()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="building-", delete=False) as file:
        try:
            _write(items, file, progress)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _write(items: Sequence[Item], file: "IO[bytes]", progress: Progress | None) -> None:
    index, messages = np.zeros(len(items), _INDEX), {}
    content = blake2b(digest_size=16)
    place = file.write(_MAGIC)
    for number, found in enumerate(_read(items)):
        if isinstance(found, DataError):
            messages[number] = str(found)
        else:
            raw, wide = _packed(found)
            index[number] = (place, len(found), found.duration_us, zlib.crc32(raw), *found.extent, wide)
            content.update(raw)
            place += file.write(raw)
        if progress is not None:
            progress(number + 1, len(items))
    tail = index.tobytes() + json.dumps(messages).encode()
    end = _END.pack(place, len(items), len(tail) - index.nbytes, content.digest(), b"")[:-16]
    file.write(tail + end + _digest(tail + end))


def _read(items: Sequence[Item]) -> Iterator[Recording | DataError]:
    """Recordings in order; several files are read in parallel, each once."""
    files = [list(same) for _, same in groupby(items, key=lambda item: item.path)]
    n_threads = n_cores()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="recordings") as threads:
        for first in range(0, len(files), 2 * n_threads):  # limited, since complete files are held in memory
            for found in threads.map(_parts, files[first : first + 2 * n_threads]):
                yield from found


def _parts(items: Sequence[Item]) -> list[Recording | DataError]:
    try:
        whole = read_recording(items[0].path)
    except ConfigurationError:
        raise
    except DataError as error:
        return [error] * len(items)
    return [_part(whole, item) for item in items]


def _part(whole: Recording, item: Item) -> Recording | DataError:
    start = int(whole.t_us[0]) if item.start_us is None else item.start_us
    found = whole if item.start_us is None else whole.between(start, item.end_us or int(whole.t_us[-1]) + 1)
    where = f"recording {item.path}" + ("" if item.start_us is None else f" from {item.start_us} µs")
    if not len(found):
        return DataError(f"{where}: holds no events")
    if int(found.t_us[-1]) - start >= _MAX_US:
        return DataError(f"{where}: is longer than {_MAX_US / 6e7:.0f} minutes; split it into shorter recordings")
    return Recording(found.t_us - start, found.x, found.y, found.p, found.sensor)


def _packed(found: Recording) -> tuple[bytes, int]:
    """Bytes of a recording, and the number of bytes per coordinate."""
    wide = 1 if max(int(found.x.max()), int(found.y.max())) < 256 else 2
    time_and_polarity = found.t_us.astype("<u4") | found.p.astype("<u4") << np.uint32(31)
    return time_and_polarity.tobytes() + np.stack([found.x, found.y]).astype(f"<u{wide}").tobytes(), wide


def _digest(content: bytes | memoryview) -> bytes:
    return blake2b(content, digest_size=16).digest()
