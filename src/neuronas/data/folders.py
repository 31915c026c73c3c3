"""Class folders of images as a data set: ``imagefolder:DIR``."""

import logging
from copy import copy
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

from neuronas.data.dataset import DataSet, Progress
from neuronas.data.formats import other_format_named
from neuronas.data.listing import LAYOUTS, SUFFIXES, check_readable, class_folders, images_in, log_left_out, source_of
from neuronas.errors import ConfigurationError, DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.source import FileSource

TEST_NAMES = ("test", "val", "valid", "validation")
"""Names of the folder of test images, the first that is there counts."""
_TEST_SHARE = 0.2
_SPLIT_SEED = 20240700  # fixed: the split must not change with a run's seed, or test images would leak
_N_LOOKED_AT = 100
"""Files of a folder that is only to be recognised."""
_log = logging.getLogger(__name__)


class ImageFolder(DataSet):
    """``DIR/train/CLASS/*`` and ``DIR/test/CLASS/*``, or ``DIR/CLASS/*`` with a fixed split.

    The folder of test images may also be called ``val``, ``valid`` or ``validation``. Without one, a fifth of each
    class is the test set, drawn with a fixed seed.

    Args:
        folder: DIR.
    """

    image_channels, image_size = 3, (32, 32)
    # Pixels of photographs have about this mean and spread; batch normalisation takes care of the rest.
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.25, 0.25, 0.25)

    def __init__(self, folder: str):
        self.name, self._folder = f"imagefolder:{folder}", Path(folder).expanduser()

    @cached_property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]  # read when it is first asked for
        """Names of the class folders. Raises ``DataError`` where there are none."""
        with other_format_named(self._folder, self.name):
            return tuple(path.name for path in class_folders(self._training))

    @cached_property
    def n_classes(self) -> int:  # type: ignore[override]
        """Number of class folders."""
        return len(self.class_names)

    @property
    def _training(self) -> Path:
        """``DIR/train`` if it is there, else DIR itself (to be split)."""
        return self._folder / "train" if (self._folder / "train").is_dir() else self._folder

    def with_channels(self, n: int) -> Self:
        """See ``DataSet``: 1 (grey) or 3 (RGB), whatever the files hold."""
        if n not in (1, 3):
            raise ConfigurationError(f"image_channels {n} given with {self.name}; expected 1 (grey) or 3 (RGB)")
        made = copy(self)
        made.image_channels, made.mean, made.std = n, self.mean[:1] * n, self.std[:1] * n
        return made

    def seen_from(self, folder: Path) -> Self:
        """See ``DataSet``."""
        if self._folder.is_absolute() or self._folder.exists() or not (folder / self._folder).is_dir():
            return self
        made = copy(self)
        made._folder = folder / self._folder
        return made

    def is_there(self) -> bool:
        """See ``DataSet``."""
        try:
            first = class_folders(self._training)[0]
            return any(path.suffix.lower() in SUFFIXES for path in islice(first.iterdir(), _N_LOOKED_AT))
        except (DataError, OSError):
            return False

    def load(self, split: str, size: Side) -> "FileSource":
        """See ``DataSet``."""
        return source_of(self._images(split), self.image_channels, size)

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:
        """See ``DataSet``."""
        train, test = self._images("train"), self._images("test")
        if self._training != self._folder:
            for name, found in zip(self.class_names, test, strict=True):
                if not found:
                    _log.warning("image folder %s: class '%s' has no test images", self._folder, name)
            for other in self._test_folders[1:]:
                n = sum(1 for path in other.rglob("*") if path.is_file())
                _log.warning("image folder %s: is not read (%s files); the test images are in %s", other, f"{n:,}",
                             self._test_folders[0])  # fmt: skip
        log_left_out(sorted({path.parent for paths in (*train, *test) for path in paths}))
        sources = [source_of(images, self.image_channels, self.image_size) for images in (train, test)]
        check_readable(sources, n_threads, skip_corrupt=skip_corrupt, progress=progress)

    @cached_property
    def fingerprint(self) -> str:
        """See ``DataSet``: names and sizes of all files, not where the folder is."""
        found = blake2b(digest_size=8)
        for split in ("train", "test"):
            for path in (path for paths in self._images(split) for path in paths):
                found.update(
                    f"{path.relative_to(self._folder)} {path.stat().st_size}\n".encode(errors="surrogateescape")
                )
        return f"image files {found.hexdigest()}"

    def _images(self, split: str) -> list[list[Path]]:
        """Files of each class."""
        classes = self.class_names
        with other_format_named(self._folder, self.name):
            if self._training == self._folder:
                return [_share(images_in(self._folder / name), split) for name in classes]
            if split == "train":
                return [images_in(self._training / name) for name in classes]
            return self._test_images()

    @property
    def _test_folders(self) -> list[Path]:
        return [self._folder / name for name in TEST_NAMES if (self._folder / name).is_dir()]

    def _test_images(self) -> list[list[Path]]:
        if not self._test_folders:
            names = ", ".join(TEST_NAMES)
            raise DataError(f"image folder {self._folder}: has 'train' but none of {names}; expected {LAYOUTS}")
        test = self._test_folders[0]
        strange = {path.name for path in class_folders(test)} - set(self.class_names)
        if strange:
            raise DataError(f"image folder {test}: class '{sorted(strange)[0]}' has no training images")
        return [images_in(test / name) if (test / name).is_dir() else [] for name in self.class_names]


def _share(paths: list[Path], split: str) -> list[Path]:
    import numpy as np

    order = np.random.default_rng(_SPLIT_SEED).permutation(len(paths))
    n_test = max(1, round(_TEST_SHARE * len(paths))) if len(paths) > 1 else 0
    chosen = order[:n_test] if split == "test" else order[n_test:]
    return [paths[index] for index in sorted(chosen)]
