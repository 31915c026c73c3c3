"""MNIST and Fashion-MNIST from IDX files, compressed or not, as published and as unpacked by torchvision."""

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.config import read_bytes
from neuronas.data.dataset import Progress
from neuronas.data.published import Placed
from neuronas.errors import DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuronas.data.source import ArraySource

_MAX_BYTES = 200_000_000  # training images of MNIST are 47 million
_BYTES = 8
"""Type code of unsigned bytes in IDX (http://yann.lecun.com/exdb/mnist, "the IDX file format")."""
_STEMS = {"train": "train", "test": "t10k"}


class Mnist(Placed):
    """MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28 pixels."""

    name = "mnist"
    image_channels, image_size, n_classes = 1, (28, 28), 10
    mean, std = (0.1307,), (0.3081,)
    channels, augment = 32, "shift"
    torchvision_folder = "MNIST/raw"
    advice = "put train-images-idx3-ubyte.gz and the three other files there"

    @property
    def places(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]
        """The folder used by torchvision, and one called by the name, each with and without compression."""
        names = _file_names("train", "images")
        return tuple((folder, name) for folder in (self.torchvision_folder, self.name) for name in names)

    def load(self, split: str, size: Side) -> "ArraySource":
        """See ``DataSet``."""
        import numpy as np
        import torch

        from neuronas.data.pixels import resized
        from neuronas.data.source import ArraySource

        root = self.root()
        images, labels = (_read(root, split, what) for what in ("images", "labels"))
        if images.ndim != 3 or images.shape[1:] != self.image_size or labels.shape != images.shape[:1]:
            raise DataError(
                f"{root}: {split} images of shape {list(images.shape)} with labels of shape {list(labels.shape)}; "
                "expected [N, 28, 28] and [N]"
            )
        if labels.max(initial=0) >= self.n_classes:
            raise DataError(f"{root}: holds a class above {self.n_classes - 1}; expected the files of {self.name}")
        return ArraySource(resized(torch.from_numpy(images)[:, None], size), labels.astype(np.int64))

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:
        """See ``DataSet``."""
        for split in _STEMS:
            self.load(split, self.image_size)


class FashionMnist(Mnist):
    """Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28x28 pixels (arXiv 1708.07747)."""

    name = "fashion-mnist"
    mean, std = (0.2860,), (0.3530,)
    torchvision_folder = "FashionMNIST/raw"
    class_names = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"
    )  # fmt: skip


def _file_names(split: str, what: str) -> tuple[str, ...]:
    stem, kind = f"{_STEMS[split]}-{what}", "idx3-ubyte" if what == "images" else "idx1-ubyte"
    return tuple(f"{stem}{mark}{kind}{ending}" for mark in "-." for ending in ("", ".gz"))


def _read(root: Path, split: str, what: str) -> "NDArray[np.uint8]":
    names = _file_names(split, what)
    path = next((root / name for name in names if (root / name).is_file()), None)
    if path is None:
        raise DataError(f"{root}: holds neither {names[0]} nor {names[1]}; expected all four files of the data set")
    try:
        raw = read_bytes(path, _MAX_BYTES)
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                raw = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return _array(raw, path)


def _array(raw: bytes, path: Path) -> "NDArray[np.uint8]":
    """Parse an IDX file of bytes: 0, 0, type, number of axes, the length of each (big-endian), then the values."""
    import numpy as np

    n_axes = raw[3] if len(raw) > 3 else 0
    shape = tuple(np.frombuffer(raw[4 : 4 + 4 * n_axes], ">u4").tolist())
    n = int(np.prod(shape, dtype=object)) if shape else 0
    if raw[:2] != b"\0\0" or raw[2:3] != bytes([_BYTES]) or len(shape) != n_axes or len(raw) != 4 + 4 * n_axes + n:
        raise DataError(f"{path}: is not a complete IDX file of bytes ({len(raw):,} bytes); download it again")
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * n_axes).reshape(shape).copy()
