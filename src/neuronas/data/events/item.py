"""Where a recording of a data set lies, and which files are recordings. Nothing here needs NumPy."""

from dataclasses import dataclass
from pathlib import Path

from neuronas.data.listing import FileKind

RECORDINGS = FileKind(
    "recordings", "event folder",
    frozenset({".aedat4", ".aedat", ".h5", ".hdf5", ".npz", ".npy", ".dat", ".raw", ".csv", ".txt", ".bin"}), ".bin",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A recording of a data set: a file, or a part of one.

    Attributes:
        path: of the file.
        label: its class.
        start_us: by the file's own clock; None: from the first event.
        end_us: before which it ends; None: to the last event.
    """

    path: Path
    label: int
    start_us: int | None = None
    end_us: int | None = None
