"""The lock of a run directory, which one process at a time holds."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from neuronas.config import is_there, read_text
from neuronas.errors import RunDirectoryError, unwritable, writing

LOCK = ".lock"
_MAX_BYTES = 100


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Lock a directory, which is created if missing. The lock file contains the id of this process.

    Raises:
        RunDirectoryError: another process has locked it, or it cannot be written.
    """
    with writing(f"run directory {directory}"):
        directory.mkdir(parents=True, exist_ok=True)
        lock = _lock_file(directory, os.O_CREAT)
    with lock:
        _take(lock, fcntl.LOCK_EX, directory)
        with writing(f"run directory {directory}"):
            lock.truncate(0)
            print(os.getpid(), file=lock, flush=True)
        yield


def _lock_file(directory: Path, flags: int = 0) -> TextIO:
    # Do not wait for a pipe, and do not truncate the target of a link.
    flags |= os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW
    return os.fdopen(os.open(directory / LOCK, flags, 0o666), "a")


def _take(lock: TextIO, kind: int, directory: Path) -> None:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunDirectoryError(
            f"run directory {directory}: another neuronas is working in it{_holder(directory)}; wait for it, or "
            "choose another --out"
        ) from None
    except OSError as error:
        raise unwritable(f"run directory {directory}", error) from error


def check_free(directory: Path) -> None:
    """Raise the error of ``locked``, if there is one, without creating or changing a file."""
    with writing(f"run directory {directory}"):
        if not is_there(directory / LOCK):
            _check_writable(directory)
            return
        lock = _lock_file(directory)
    with lock:
        _take(lock, fcntl.LOCK_SH, directory)


def _check_writable(directory: Path) -> None:
    """Raise the ``OSError`` of creating a folder with a file in it."""
    whole = directory.absolute()
    existing = next(path for path in (whole, *whole.parents) if is_there(path))
    code = 0
    if not existing.is_dir():
        code = errno.EEXIST if existing == whole else errno.ENOTDIR
    elif not os.access(existing, os.W_OK | os.X_OK):
        code = errno.EROFS if os.statvfs(existing).f_flag & os.ST_RDONLY else errno.EACCES
    if code:
        raise OSError(code, os.strerror(code))


def _holder(directory: Path) -> str:
    try:
        number = read_text(directory / LOCK, _MAX_BYTES).strip()
    except (OSError, ValueError):  # whatever it contains, it is locked
        number = ""
    return f" (process {number}; 'kill {number}' ends it; resume it with --resume)" if number.isdecimal() else ""
