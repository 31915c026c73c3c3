"""Class folders of images as a data set: ``imagefolder:DIR``."""

import logging
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.data.dataset import Progress
from neuronas.data.formats import other_format_named
from neuronas.data.listing import LAYOUTS, SUFFIXES, check_readable, class_folders, images_in, log_left_out, source_of
from neuronas.data.own_folder import TEST_NAMES, OwnFolder, share_of
from neuronas.errors import DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.source import FileSource

_N_LOOKED_AT = 100
"""Files of a folder that is only to be recognised."""
_log = logging.getLogger(__name__)


class ImageFolder(OwnFolder):
    """``DIR/train/CLASS/*`` and ``DIR/test/CLASS/*``, or ``DIR/CLASS/*`` with a fixed split.

    The folder of test images may also be called ``val``, ``valid`` or ``validation``. Without one, a fifth of each
    class is the test set, drawn with a fixed seed.

    Args:
        folder: DIR.
    """

    kind = "imagefolder"

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
        paths = (path for split in ("train", "test") for paths in self._images(split) for path in paths)
        return f"image files {self.digest_of(paths)}"

    def _images(self, split: str) -> list[list[Path]]:
        """Files of each class."""
        classes = self.class_names
        with other_format_named(self._folder, self.name):
            if self._training == self._folder:
                return [share_of(images_in(self._folder / name), split) for name in classes]
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
