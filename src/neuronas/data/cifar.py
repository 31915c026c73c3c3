"""CIFAR-10 and CIFAR-100 in the binary or the Python version, each as archive or unpacked folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.data.published import Archive, Downloadable
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.source import ArraySource


@dataclass(frozen=True)
class Version:
    """One of the published versions (https://www.cs.toronto.edu/~kriz/cifar.html).

    Attributes:
        archive: file name of the published archive.
        folder: folder in the archive.
        train_files: files of the training images; the first one identifies the folder.
        test_files: files of the test images.
        labels: binary version: number of bytes before the pixels of each record, the last of which is the class;
            Python version (a pickled dictionary): key of the list of classes.
    """

    archive: str
    folder: str
    train_files: tuple[str, ...]
    test_files: tuple[str, ...]
    labels: int | str


class Cifar(Downloadable):
    """Base class of both data sets.

    Attributes:
        versions: published versions, first the binary one, which ``--download`` fetches.
    """

    image_channels, image_size = 3, (32, 32)
    versions: tuple[Version, ...]

    @property
    def places(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]
        """Those of all versions."""
        return tuple((one.folder, one.train_files[0]) for one in self.versions)

    @property
    def archives(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of all versions."""
        return tuple(one.archive for one in self.versions)

    def is_mark(self, path: Path) -> bool:
        """Files only, since other data sets also have a folder ``train``."""
        return path.is_file()

    def load(self, split: str, size: Side) -> "ArraySource":
        """See ``DataSet``."""
        import numpy as np
        import torch

        from neuronas.data.cifar_files import load_records
        from neuronas.data.pixels import resized
        from neuronas.data.source import ArraySource

        place = self.root()
        records = load_records(self.version_at(place), place, split, self.n_classes)
        images = torch.from_numpy(records.pixels).reshape(-1, 3, 32, 32)
        return ArraySource(resized(images, size), records.classes.astype(np.int64))

    def version_at(self, place: Path) -> Version:
        """The version of a folder or archive returned by ``found``."""
        return next(one for one in self.versions if place.name == one.archive or (place / one.train_files[0]).is_file())


_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))


class Cifar10(Cifar):
    """CIFAR-10: 50,000 training and 10,000 test images."""

    name, n_classes = "cifar10", 10
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    archive = Archive("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")
    versions = (
        Version(
            "cifar-10-binary.tar.gz",
            "cifar-10-batches-bin",
            tuple(f"{name}.bin" for name in _BATCHES),
            ("test_batch.bin",),
            labels=1,
        ),
        Version("cifar-10-python.tar.gz", "cifar-10-batches-py", _BATCHES, ("test_batch",), labels="labels"),
    )


class Cifar100(Cifar):
    """CIFAR-100: 50,000 training and 10,000 test images in 100 fine classes."""

    name, n_classes, n_voters = "cifar100", 100, 5  # voters as in SNASNet (arXiv 2201.10355)
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
    archive = Archive("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8")
    versions = (
        Version("cifar-100-binary.tar.gz", "cifar-100-binary", ("train.bin",), ("test.bin",), labels=2),
        Version("cifar-100-python.tar.gz", "cifar-100-python", ("train",), ("test",), labels="fine_labels"),
    )
