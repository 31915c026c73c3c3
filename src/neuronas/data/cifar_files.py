"""Reads the files of CIFAR-10 and CIFAR-100: classes and pixels. See ``neuronas.data.cifar.Version``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuronas.config import read_bytes
from neuronas.data.inert_pickle import Made, values_of
from neuronas.data.tar_members import tar_members
from neuronas.errors import DataError

if TYPE_CHECKING:
    from neuronas.data.cifar import Version

_N_PIXELS = 3 * 32 * 32
_MAX_BYTES = 400_000_000  # CIFAR-100's 50,000 training images are 155 million
_TYPE, _ENCODE = "numpy dtype", "_codecs encode"
_ARRAYS = frozenset({"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"})
_ADMITTED = _ARRAYS | {"numpy ndarray", _TYPE, _ENCODE}
_BYTES = ("u1", b"u1", "|u1", b"|u1")
"""Names of NumPy's type uint8 in pickles."""


@dataclass(frozen=True)
class Records:
    """Images of a file: classes uint8 [N] and pixels uint8 [N, 3072]."""

    classes: NDArray[np.uint8]
    pixels: NDArray[np.uint8]


def load_records(version: "Version", place: Path, split: str, n_classes: int) -> Records:
    """Read the files of a split.

    Args:
        version: published version of the files.
        place: their folder, or the published archive.
        split: ``train`` or ``test``.
        n_classes: classes are 0 to ``n_classes`` - 1.

    Raises:
        DataError: a file is missing, cannot be read or has other content; the message names it.
    """
    names = version.test_files if split == "test" else version.train_files
    contents = _contents(version, place, names)
    found = []
    for name in names:
        where = f"{place / name}" if place.is_dir() else f"archive {place}: {name}"
        records = _records(contents.pop(name), version.labels, where)
        if len(records.classes) and records.classes.max() >= n_classes:
            raise DataError(f"{where}: holds a class above {n_classes - 1}; expected {n_classes} classes")
        found.append(records)
    return Records(np.concatenate([one.classes for one in found]), np.concatenate([one.pixels for one in found]))


def _contents(version: "Version", place: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    if place.is_dir():
        return {name: _read(place / name) for name in names}
    inside = {f"{version.folder}/{name}": name for name in names}
    found = tar_members(place, inside, _MAX_BYTES)
    if lost := [member for member in inside if member not in found]:
        raise DataError(f"archive {place}: holds no {lost[0]}; download it again")
    return {inside[member]: content for member, content in found.items()}


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, _MAX_BYTES)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _records(raw: bytes, labels: int | str, where: str) -> Records:
    if isinstance(labels, int):
        return _of_binary(raw, labels, where)
    try:
        return _of_python(raw, labels)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, MemoryError) as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{where}: is not a batch of the Python version of CIFAR ({reason})") from error


def _of_binary(raw: bytes, n_labels: int, where: str) -> Records:
    length = n_labels + _N_PIXELS
    if len(raw) == 0 or len(raw) % length:
        raise DataError(f"{where}: {len(raw):,} bytes; expected a multiple of {length:,} (binary version of CIFAR)")
    records = np.frombuffer(raw, dtype=np.uint8).reshape(-1, length)
    return Records(records[:, n_labels - 1], records[:, n_labels:])


def _of_python(raw: bytes, key: str) -> Records:
    content = values_of(raw, _ADMITTED)
    if not isinstance(content, dict):
        raise TypeError(f"a {type(content).__name__}")
    batch = {name.decode("latin-1") if isinstance(name, bytes) else name: value for name, value in content.items()}
    if missing := {"data", key} - batch.keys():
        raise ValueError(f"without {sorted(missing)[0]}")
    pixels, labels = _array(batch["data"]), batch[key]
    if not isinstance(labels, list) or len(labels) != len(pixels):
        raise ValueError(f"{key}: expected a list of one label for each of {len(pixels):,} images")
    if not all(type(label) is int and 0 <= label <= 255 for label in labels):
        raise ValueError(f"{key}: expected whole numbers from 0 to 255")
    return Records(np.array(labels, np.uint8), pixels)


def _array(made: object) -> NDArray[np.uint8]:
    """The array described by NumPy's state (version, shape, type, is_fortran, bytes); expected: uint8 [N, 3072]."""
    if not isinstance(made, Made) or made.name not in _ARRAYS:
        raise TypeError("data: expected an array")
    _, shape, kind, is_fortran, raw = made.state[0]
    if not isinstance(kind, Made) or kind.name != _TYPE or kind.arguments[0] not in _BYTES:
        raise TypeError("data: expected an array of unsigned bytes")
    if len(shape) != 2 or shape[1] != _N_PIXELS:
        raise ValueError(f"data: expected an array [images, {_N_PIXELS}]")
    if isinstance(raw, Made) and raw.name == _ENCODE:  # with protocol 2, Python 3 stores bytes as text with an encoding
        raw = raw.arguments[0].encode("latin-1")
    return np.frombuffer(raw, np.uint8).reshape(shape, order="F" if is_fortran else "C")
