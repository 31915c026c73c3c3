"""Data sets that lie in folders: ``imagefolder:DIR`` and TinyImageNet-200 in its original format."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuronas.config import read_text
from neuronas.data.dataset import DataSet
from neuronas.data.download import Archive, Downloadable
from neuronas.errors import DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.source import FileSource

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff", ".gif"}
_LAYOUTS = "DIR/train/CLASS/*.jpg and DIR/test/CLASS/*.jpg, or DIR/CLASS/*.jpg"
_MAX_BYTES = 100_000_000
_TEST_SHARE = 0.2
_SPLIT_SEED = 20240700  # fixed: the split must not change with a run's seed, or test images would leak


class ImageFolder(DataSet):
    """``DIR/train/CLASS/*`` and ``DIR/test/CLASS/*`` (or ``val``), or ``DIR/CLASS/*`` with a fixed split.

    Without a test folder, a fifth of each class is the test set, drawn with a fixed seed.

    Args:
        folder: DIR.
    """

    image_channels, image_size = 3, (32, 32)
    # Pixels of photographs have about this mean and spread; batch normalisation takes care of the rest.
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)

    def __init__(self, folder: str):
        self.name, self._folder = f"imagefolder:{folder}", Path(folder).expanduser()

    @cached_property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]  # read when it is first asked for
        """Names of the class folders. Raises ``DataError`` where there are none."""
        return tuple(path.name for path in _class_folders(self._training))

    @cached_property
    def n_classes(self) -> int:  # type: ignore[override]
        """Number of class folders."""
        return len(self.class_names)

    @property
    def _training(self) -> Path:
        """``DIR/train`` if it is there, else DIR itself (to be split)."""
        return self._folder / "train" if (self._folder / "train").is_dir() else self._folder

    def load(self, split: str, size: Side) -> "FileSource":
        """See ``DataSet``."""
        if self._training == self._folder:
            by_class = [_share(_images_in(self._folder / name), split) for name in self.class_names]
        elif split == "train":
            by_class = [_images_in(self._training / name) for name in self.class_names]
        else:
            by_class = self._test_images()
        return _source(by_class, self.image_channels, size)

    def _test_images(self) -> list[list[Path]]:
        test = next((path for path in (self._folder / "test", self._folder / "val") if path.is_dir()), None)
        if test is None:
            raise DataError(
                f"image folder {self._folder}: has 'train' but neither 'test' nor 'val'; expected {_LAYOUTS}"
            )
        strange = {path.name for path in _class_folders(test)} - set(self.class_names)
        if strange:
            raise DataError(f"image folder {test}: class '{sorted(strange)[0]}' has no training images")
        return [_images_in(test / name) if (test / name).is_dir() else [] for name in self.class_names]


class TinyImageNet(Downloadable):
    """TinyImageNet-200: ``wnids.txt``, ``train/WNID/images/*``, ``val/images/*`` with ``val_annotations.txt``.

    Its labelled validation images serve as the test set, as in the literature.
    """

    name, n_classes = "tiny-imagenet-200", 200
    image_channels, image_size = 3, (64, 64)
    mean, std = (0.4802, 0.4481, 0.3975), (0.2770, 0.2691, 0.2821)
    archive = Archive("http://cs231n.stanford.edu/tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de")
    folder, mark = "tiny-imagenet-200", "wnids.txt"

    def load(self, split: str, size: Side) -> "FileSource":
        """See ``DataSet``."""
        root = self.root()
        classes = _lines(root / self.mark)
        if not classes or len(set(classes)) != len(classes) or not all(map(_is_name, classes)):
            raise DataError(f"{root / self.mark}: expected one WNID per line, each once")
        if split == "train":
            by_class = [_images_in(root / "train" / name / "images") for name in classes]
        else:
            by_class = _annotated(root / "val", classes)
        return _source(by_class, self.image_channels, size)


def _annotated(folder: Path, classes: Iterable[str]) -> list[list[Path]]:
    by_class: dict[str, list[Path]] = {name: [] for name in classes}
    annotations = folder / "val_annotations.txt"
    for number, line in enumerate(_lines(annotations), start=1):
        fields = line.split("\t")
        if len(fields) < 2 or fields[1] not in by_class or not _is_name(fields[0]):
            raise DataError(f"{annotations}, line {number}: expected 'IMAGE<tab>WNID…' with a WNID of wnids.txt")
        by_class[fields[1]].append(folder / "images" / fields[0])
    return list(by_class.values())


def _lines(path: Path) -> list[str]:
    try:
        return read_text(path, _MAX_BYTES).splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def _is_name(text: str) -> bool:
    """Whether it names a file in a folder, and nothing elsewhere."""
    return bool(text) and text not in (".", "..") and not {"/", "\0"} & set(text)


def _images_in(folder: Path) -> list[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise DataError(f"class folder {folder}: {error.strerror}") from None
    found = sorted(path for path in entries if path.suffix.lower() in _SUFFIXES and path.name[0] != ".")
    if not found and any(path.is_dir() for path in entries):  # such as Train and Test, or CLASS/images
        raise DataError(f"class folder {folder}: holds folders instead of images; expected {_LAYOUTS}")
    if not found:
        raise DataError(f"class folder {folder}: holds no images (looked for {', '.join(sorted(_SUFFIXES))})")
    return found


def _share(paths: list[Path], split: str) -> list[Path]:
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(paths))
    n_test = max(1, round(_TEST_SHARE * len(paths))) if len(paths) > 1 else 0
    chosen = order[:n_test] if split == "test" else order[n_test:]
    return [paths[index] for index in sorted(chosen)]


def _source(by_class: list[list[Path]], channels: int, size: Side) -> "FileSource":
    from neuronas.data.source import FileSource

    labels = np.repeat(np.arange(len(by_class)), [len(paths) for paths in by_class])
    return FileSource([path for paths in by_class for path in paths], labels.astype(np.int64), channels, size)


def _class_folders(folder: Path) -> list[Path]:
    """Class folders in a folder, sorted by name."""
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
        lost = min((path for path in entries if not path.exists()), default=None)
        if lost is not None:
            raise DataError(f"image folder {folder}: '{lost.name}' is a broken link; repair or remove it")
        found = sorted(path for path in entries if path.is_dir())
    except OSError as error:
        raise DataError(f"image folder {folder}: {error.strerror}; expected {_LAYOUTS}") from None
    if not found:
        raise DataError(f"image folder {folder}: holds no class folders; expected {folder}/CLASS/*.jpg")
    return found
