"""Places of recordings in data sets, and the suffixes of their files. Does not need NumPy."""

from dataclasses import dataclass
from pathlib import Path

from neuronas.data.listing import FileKind

RECORDINGS = FileKind(
    "recordings", "event folder",
    frozenset({".aedat4", ".aedat", ".h5", ".hdf5", ".npz", ".npy", ".dat", ".raw", ".csv", ".txt", ".bin"}), ".bin",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A recording of a data set: a file or a part of one.

    Attributes:
        path: path of the file.
        label: class.
        start_us: start in µs in the file's own time; None: the first event.
        end_us: end in µs (exclusive) in the file's own time; None: after the last event.
    """

    path: Path
    label: int
    start_us: int | None = None
    end_us: int | None = None
