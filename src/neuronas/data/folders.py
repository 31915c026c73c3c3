"""Data sets that lie in folders: ``imagefolder:DIR`` and TinyImageNet-200 in its original format."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from neuronas.config import read_text
from neuronas.data.presets import class_folders, train_folder
from neuronas.data.source import FileSource
from neuronas.errors import DataError

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff", ".gif"}
_LAYOUTS = "DIR/train/CLASS/*.jpg and DIR/test/CLASS/*.jpg, or DIR/CLASS/*.jpg"
_MAX_BYTES = 100_000_000
_TEST_SHARE = 0.2
_SPLIT_SEED = 20240700  # fixed: the split must not change with a run's seed, or test images would leak


def image_folder(folder: Path, split: str, channels: int, side: int) -> FileSource:
    """Read ``DIR/train/CLASS/*`` and ``DIR/test/CLASS/*`` (or ``val``), or ``DIR/CLASS/*`` with a fixed split.

    Without a test folder, a fifth of each class is the test set, drawn with a fixed seed.

    Args:
        folder: DIR.
        split: ``train`` or ``test``.
        channels: 1 or 3.
        side: pixels, after resizing.

    Raises:
        DataError: missing or empty folder, a class without images, or a test class that has no training images.
    """
    training = train_folder(folder)
    classes = [path.name for path in class_folders(training)]
    if training == folder:
        files = [_images_in(folder / name) for name in classes]
        return _source([_share(paths, split) for paths in files], channels, side)
    if split == "train":
        return _source([_images_in(training / name) for name in classes], channels, side)
    test = next((path for path in (folder / "test", folder / "val") if path.is_dir()), None)
    if test is None:
        raise DataError(f"image folder {folder}: has 'train' but neither 'test' nor 'val'; expected {_LAYOUTS}")
    strange = {path.name for path in class_folders(test)} - set(classes)
    if strange:
        raise DataError(f"image folder {test}: class '{sorted(strange)[0]}' has no training images")
    return _source([_images_in(test / name) if (test / name).is_dir() else [] for name in classes], channels, side)


def tiny_imagenet(folder: Path, split: str, side: int) -> FileSource:
    """Read TinyImageNet-200: ``wnids.txt``, ``train/WNID/images/*``, ``val/images/*`` with ``val_annotations.txt``.

    Its labelled validation images serve as the test set, as in the literature.

    Raises:
        DataError: a file is missing, or the annotations name an unknown class or image.
    """
    classes = _lines(folder / "wnids.txt")
    if not classes or len(set(classes)) != len(classes) or not all(map(_is_name, classes)):
        raise DataError(f"{folder / 'wnids.txt'}: expected one WNID per line, each once")
    if split == "train":
        return _source([_images_in(folder / "train" / name / "images") for name in classes], 3, side)
    by_class: dict[str, list[Path]] = {name: [] for name in classes}
    annotations = folder / "val" / "val_annotations.txt"
    for number, line in enumerate(_lines(annotations), start=1):
        fields = line.split("\t")
        if len(fields) < 2 or fields[1] not in by_class or not _is_name(fields[0]):
            raise DataError(f"{annotations}, line {number}: expected 'IMAGE<tab>WNID…' with a WNID of wnids.txt")
        by_class[fields[1]].append(folder / "val" / "images" / fields[0])
    return _source(by_class.values(), 3, side)


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


def _source(by_class: Iterable[list[Path]], channels: int, side: int) -> FileSource:
    groups = list(by_class)
    labels = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return FileSource([path for group in groups for path in group], labels.astype(np.int64), channels, side)
