"""CIFAR-10 and CIFAR-100 in their binary format: records of label bytes and 3x32x32 pixels; no pickle."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from neuronas.config import read_bytes
from neuronas.data.source import ArraySource, resized
from neuronas.errors import DataError

_N_PIXELS = 3 * 32 * 32
_MAX_BYTES = 1_000_000_000  # CIFAR-100's 50,000 training images are 154 million


@dataclass(frozen=True)
class CifarFormat:
    """Where a variant keeps its records; the class is the last of ``label_bytes`` bytes in front of the pixels."""

    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    label_bytes: int
    n_classes: int


CIFAR = {
    "cifar10": CifarFormat(
        "cifar-10-batches-bin", tuple(f"data_batch_{i}.bin" for i in range(1, 6)), ("test_batch.bin",), 1, 10
    ),
    "cifar100": CifarFormat("cifar-100-binary", ("train.bin",), ("test.bin",), 2, 100),
}


def cifar(name: str, folder: Path, split: str, side: int) -> ArraySource:
    """Read CIFAR records.

    Args:
        name: ``cifar10`` or ``cifar100``.
        folder: the folder that holds the ``.bin`` files.
        split: ``train`` or ``test``.
        side: pixels, after resizing.

    Raises:
        DataError: a file is missing or is not in this format.
    """
    layout = CIFAR[name]
    records = np.concatenate([_records(folder / file, layout) for file in getattr(layout, split)])
    images = torch.from_numpy(records[:, layout.label_bytes :]).reshape(-1, 3, 32, 32)
    return ArraySource(resized(images, side), records[:, layout.label_bytes - 1].astype(np.int64))


def _records(path: Path, layout: CifarFormat) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    length = layout.label_bytes + _N_PIXELS
    try:
        raw = np.frombuffer(read_bytes(path, _MAX_BYTES), dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if len(raw) == 0 or len(raw) % length:
        raise DataError(f"{path}: {len(raw):,} bytes; expected a multiple of {length:,} (binary version of CIFAR)")
    records = raw.reshape(-1, length)
    if records[:, layout.label_bytes - 1].max() >= layout.n_classes:
        raise DataError(f"{path}: holds a class above {layout.n_classes - 1}; expected the binary version of CIFAR")
    return records
