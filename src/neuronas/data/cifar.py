"""CIFAR-10 and CIFAR-100 in their binary version (records of label bytes and 3x32x32 pixels) or torchvision's."""

from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.config import read_bytes
from neuronas.data.published import Archive, Downloadable
from neuronas.errors import DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuronas.data.source import ArraySource

_N_PIXELS = 3 * 32 * 32
_MAX_BYTES = 1_000_000_000  # CIFAR-100's 50,000 training images are 154 million


class Cifar(Downloadable):
    """What both variants share.

    Attributes:
        train_files: of the training images.
        test_files: of the test images.
        label_bytes: bytes in front of the pixels of each record; the last one is the class.
        python_folder: of the version for Python, as torchvision unpacks it; its files and the key of its labels follow.
    """

    image_channels, image_size = 3, (32, 32)
    train_files: tuple[str, ...]
    test_files: tuple[str, ...]
    label_bytes: int
    python_folder: str
    python_train_files: tuple[str, ...]
    python_test_files: tuple[str, ...]
    python_labels: str

    @property
    def places(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]
        """That of the binary version, and that of torchvision."""
        return ((self.folder, self.mark), (self.python_folder, self.python_train_files[0]))

    def load(self, split: str, size: Side) -> "ArraySource":
        """See ``DataSet``."""
        import numpy as np
        import torch

        from neuronas.data.pixels import resized
        from neuronas.data.source import ArraySource

        root = self.root()
        if (root / self.mark).is_file():
            files, read = (self.test_files if split == "test" else self.train_files), self._records
        else:
            files, read = (self.python_test_files if split == "test" else self.python_train_files), self._python_records
        records = np.concatenate([read(root / file) for file in files])
        images = torch.from_numpy(records[:, self.label_bytes :]).reshape(-1, 3, 32, 32)
        return ArraySource(resized(images, size), records[:, self.label_bytes - 1].astype(np.int64))

    def _python_records(self, path: Path) -> "NDArray[np.uint8]":
        """The same records from a file of the version for Python."""
        import numpy as np

        from neuronas.data.cifar_python import read_python_batch

        labels, pixels = read_python_batch(path, self.python_labels)
        if len(pixels) and labels.max() >= self.n_classes:
            raise DataError(f"{path}: holds a class above {self.n_classes - 1}; expected {self.name}")
        return np.concatenate(
            [np.zeros((len(labels), self.label_bytes - 1), np.uint8), labels[:, None], pixels], axis=1
        )

    def _records(self, path: Path) -> "NDArray[np.uint8]":
        import numpy as np

        length = self.label_bytes + _N_PIXELS
        try:
            raw = np.frombuffer(read_bytes(path, _MAX_BYTES), dtype=np.uint8)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        if len(raw) == 0 or len(raw) % length:
            raise DataError(f"{path}: {len(raw):,} bytes; expected a multiple of {length:,} (binary version of CIFAR)")
        records = raw.reshape(-1, length)
        if records[:, self.label_bytes - 1].max() >= self.n_classes:
            raise DataError(f"{path}: holds a class above {self.n_classes - 1}; expected the binary version of CIFAR")
        return records


class Cifar10(Cifar):
    """CIFAR-10: 50,000 training and 10,000 test images."""

    name, n_classes = "cifar10", 10
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    archive = Archive("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")
    folder, mark = "cifar-10-batches-bin", "data_batch_1.bin"
    train_files = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
    test_files = ("test_batch.bin",)
    label_bytes = 1
    python_folder, python_labels = "cifar-10-batches-py", "labels"
    python_train_files = tuple(f"data_batch_{number}" for number in range(1, 6))
    python_test_files = ("test_batch",)


class Cifar100(Cifar):
    """CIFAR-100: 50,000 training and 10,000 test images."""

    name, n_classes, n_voters = "cifar100", 100, 5  # voters of SNASNet (arXiv 2201.10355)
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
    archive = Archive("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8")
    folder, mark = "cifar-100-binary", "train.bin"
    train_files, test_files = ("train.bin",), ("test.bin",)
    label_bytes = 2
    python_folder, python_labels = "cifar-100-python", "fine_labels"
    python_train_files, python_test_files = ("train",), ("test",)
