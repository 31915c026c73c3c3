"""Lists image files in class folders, and reports files that are skipped or unreadable. Does not need torch."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from neuronas.config import read_text
from neuronas.data.dataset import Progress
from neuronas.errors import DataError, counted
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.source import FileSource, PictureSource


@dataclass(frozen=True)
class FileKind:
    """Kind of files in class folders.

    Attributes:
        files: plural name, such as ``images``.
        folder: name of the folder, such as ``image folder``.
        suffixes: suffixes of the files, in lower case.
        example: an example of a suffix.
    """

    files: str
    folder: str
    suffixes: frozenset[str]
    example: str

    @property
    def layouts(self) -> str:
        """Supported layouts."""
        return f"DIR/train/CLASS/*{self.example} and DIR/test/CLASS/*{self.example}, or DIR/CLASS/*{self.example}"

    def has(self, path: Path) -> bool:
        """Whether a file is of this kind, by its suffix."""
        return path.suffix.lower() in self.suffixes


IMAGES = FileKind(
    "images", "image folder",
    frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff", ".gif"}), ".jpg",
)  # fmt: skip
SCAN_S = 60.0
"""Time limit in seconds for checking images at the start; the remaining ones are read on use."""
_MAX_BYTES = 100_000_000
_AT_A_TIME = 256
_log = logging.getLogger(__name__)


def files_in(folder: Path, kind: FileKind = IMAGES, layouts: str | None = None) -> list[Path]:
    """Files of one kind in a class folder, sorted by name.

    Args:
        folder: the class folder.
        kind: kind of files.
        layouts: supported layouts for messages; default: those of ``kind``.

    Raises:
        DataError: there are none.
    """
    try:
        entries = [path for path in folder.iterdir() if path.name[0] != "."]
    except OSError as error:
        raise DataError(f"class folder {folder}: {error.strerror}") from None
    found = sorted((path for path in entries if kind.has(path)), key=attrgetter("name"))
    if not found and any(path.is_dir() for path in entries):  # such as Train and Test, or CLASS/images
        raise DataError(
            f"class folder {folder}: holds folders instead of {kind.files}; expected {layouts or kind.layouts}"
        )
    if not found:
        raise DataError(f"class folder {folder}: holds no {kind.files} (looked for {', '.join(sorted(kind.suffixes))})")
    return found


def class_folders(folder: Path, kind: FileKind = IMAGES) -> list[Path]:
    """Class folders in a folder, sorted by name; ``kind``: kind of their files.

    Raises:
        DataError: there are none, or one is a broken link.
    """
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
        lost = min((path for path in entries if not path.exists()), default=None)
        if lost is not None:
            raise DataError(f"{kind.folder} {folder}: '{lost.name}' is a broken link; repair or remove it")
        found = sorted(path for path in entries if path.is_dir())
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError) and not folder.is_absolute()
        where = f" in the current folder, {Path.cwd()}" if is_missing else ""
        raise DataError(f"{kind.folder} {folder}: {error.strerror}{where}; expected {kind.layouts}") from None
    if not found:
        raise DataError(f"{kind.folder} {folder}: holds no class folders; expected {folder}/CLASS/*{kind.example}")
    return found


def log_left_out(folders: Sequence[Path], kind: FileKind = IMAGES) -> None:
    """Warn of files of other kinds, which are skipped, with their number."""
    counts: Counter[str] = Counter()
    for folder in folders:
        for path in folder.iterdir():
            if path.name[0] != "." and not kind.has(path) and path.is_file():
                counts[path.suffix.lower() or "no ending"] += 1
    if counts:
        kinds = ", ".join(f"{n:,} {suffix}" for suffix, n in counts.most_common(5))
        _log.warning(
            "skipped %s, whose suffix is not that of %s: %s", counted(counts.total(), "file"), kind.files, kinds
        )


def source_of(by_class: Sequence[Sequence[Path]], channels: int, size: Side) -> "FileSource":
    """The images of each class as a source."""
    import numpy as np

    from neuronas.data.source import FileSource

    labels = np.repeat(np.arange(len(by_class)), [len(paths) for paths in by_class])
    return FileSource([path for paths in by_class for path in paths], labels.astype(np.int64), channels, size)


def check_readable(
    sources: Sequence["PictureSource"],
    n_threads: int,
    *,
    skip_corrupt: bool,
    progress: Progress | None = None,
    now: Callable[[], float] = monotonic,
) -> None:
    """Try to read every image once, for at most ``SCAN_S`` seconds.

    Args:
        sources: sources of the images.
        n_threads: number of decoder threads.
        skip_corrupt: only log the number of unreadable images, instead of raising.
        progress: see ``DataSet.check``.
        now: clock.

    Raises:
        DataError: images cannot be read; the message gives their number and names the first.
    """
    from concurrent.futures import ThreadPoolExecutor

    work = [(source, index) for source in sources for index in range(len(source.labels))]
    bad: list[DataError] = []
    started, n_done = now(), 0
    with ThreadPoolExecutor(n_threads, thread_name_prefix="scan") as threads:
        while n_done < len(work) and now() - started < SCAN_S:
            part = work[n_done : n_done + _AT_A_TIME]
            bad += [error for error in threads.map(_error_of, part) if error is not None]
            n_done += len(part)
            if progress is not None:
                progress(n_done, len(work))
    if n_done < len(work):
        _log.warning("checked %s of %s images; the others are read on use", f"{n_done:,}", f"{len(work):,}")
    if bad and not skip_corrupt:
        raise unreadable(bad, n_done)
    if bad:
        _log.warning("%s of %s images cannot be read and are skipped", f"{len(bad):,}", f"{n_done:,}")


def unreadable(errors: Sequence[DataError], n_images: int, files: str = IMAGES.files) -> DataError:
    """Return one error for all images (or other ``files``) that cannot be read."""
    if len(errors) == 1:
        return errors[0]
    return DataError(f"{len(errors):,} of {n_images:,} {files} cannot be read; the first: {errors[0]}")


def _error_of(work: tuple["PictureSource", int]) -> DataError | None:
    source, index = work
    try:
        source.check(index)
    except DataError as error:
        return error
    return None


def lines_of(path: Path) -> list[str]:
    """Lines of a small text file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return read_text(path, _MAX_BYTES).splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
