"""Data sets of files in class folders, among them image folders: ``imagefolder:DIR``."""

import logging
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.data.dataset import Progress
from neuronas.data.formats import other_format_named
from neuronas.data.listing import IMAGES, FileKind, check_readable, class_folders, files_in, log_left_out, source_of
from neuronas.data.own_folder import TEST_NAMES, OwnFolder, share_of
from neuronas.errors import DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.source import FileSource

_N_LOOKED_AT = 100
"""Number of files checked to recognise a folder."""
_log = logging.getLogger(__name__)


class ClassFolders(OwnFolder):
    """``DIR/train/CLASS/*`` and ``DIR/test/CLASS/*``, or ``DIR/CLASS/*`` with a fixed split.

    The folder of the test split may also be called ``val``, ``valid`` or ``validation``. Without one, a fifth of each
    class is the test set, drawn with a fixed seed.

    Attributes:
        files: kind of the files in the class folders.

    Args:
        folder: DIR.
    """

    files: FileKind

    @cached_property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]  # read on first use
        """Names of the class folders. Raises ``DataError`` if there are none."""
        with other_format_named(self._folder, self.name):
            return tuple(path.name for path in class_folders(self._training, self.files))

    @cached_property
    def n_classes(self) -> int:  # type: ignore[override]
        """Number of class folders."""
        return len(self.class_names)

    @property
    def _training(self) -> Path:
        """``DIR/train`` if it exists, else DIR itself (to be split)."""
        return self._folder / "train" if (self._folder / "train").is_dir() else self._folder

    def is_there(self) -> bool:
        """See ``DataSet``."""
        try:
            first = class_folders(self._training, self.files)[0]
            return any(map(self.files.has, islice(first.iterdir(), _N_LOOKED_AT)))
        except (DataError, OSError):
            return False

    @cached_property
    def fingerprint(self) -> str:
        """See ``DataSet``: depends on names and sizes of all files, not on the location of the folder."""
        paths = (path for split in ("train", "test") for paths in self.by_class(split) for path in paths)
        return f"{self.files.folder.partition(' ')[0]} files {self.digest_of(paths)}"

    def by_class(self, split: str) -> list[list[Path]]:
        """Files of each class.

        Raises:
            DataError: folders are missing or empty.
        """
        classes = self.class_names
        with other_format_named(self._folder, self.name):
            if self._training == self._folder:
                return [share_of(files_in(self._folder / name, self.files), split) for name in classes]
            if split == "train":
                return [files_in(self._training / name, self.files) for name in classes]
            return self._test_files()

    def images_per_class(self, split: str) -> tuple[int, ...]:
        """See ``DataSet``."""
        return tuple(map(len, self.by_class(split)))

    def warn_of_gaps(self) -> None:
        """Warn about classes without test files, and about folders and files that are not read."""
        train, test = self.by_class("train"), self.by_class("test")
        if self._training != self._folder:
            for name, found in zip(self.class_names, test, strict=True):
                if not found:
                    _log.warning("%s %s: class '%s' has no test %s", self.files.folder, self._folder, name,
                                 self.files.files)  # fmt: skip
            read = (self._training, self._test_folders[0])
            for other in sorted(path for path in self._folder.iterdir() if path.is_dir() and path not in read):
                if n := sum(1 for path in other.rglob("*") if path.is_file()):
                    _log.warning("%s %s: is not read (%s files); the %s are in %s and %s", self.files.folder, other,
                                 f"{n:,}", self.files.files, *read)  # fmt: skip
        log_left_out(sorted({path.parent for paths in (*train, *test) for path in paths}), self.files)

    @property
    def _test_folders(self) -> list[Path]:
        return [self._folder / name for name in TEST_NAMES if (self._folder / name).is_dir()]

    def _test_files(self) -> list[list[Path]]:
        if not self._test_folders:
            names = ", ".join(TEST_NAMES)
            raise DataError(
                f"{self.files.folder} {self._folder}: has 'train' but none of {names}; expected {self.files.layouts}"
            )
        test = self._test_folders[0]
        strange = {path.name for path in class_folders(test, self.files)} - set(self.class_names)
        if strange:
            raise DataError(
                f"{self.files.folder} {test}: class '{sorted(strange)[0]}' has no training {self.files.files}"
            )
        return [files_in(test / name, self.files) if (test / name).is_dir() else [] for name in self.class_names]


class ImageFolder(ClassFolders):
    """Images in class folders; see ``ClassFolders``."""

    kind, files = "imagefolder", IMAGES

    def load(self, split: str, size: Side) -> "FileSource":
        """See ``DataSet``."""
        return source_of(self.by_class(split), self.image_channels, size)

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:
        """See ``DataSet``."""
        self.warn_of_gaps()
        sources = [self.load(split, self.image_size) for split in ("train", "test")]
        check_readable(sources, n_threads, skip_corrupt=skip_corrupt, progress=progress)
