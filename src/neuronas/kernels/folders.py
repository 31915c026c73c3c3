"""Folders of compiled kernels: the cache or, if that cannot be used, a temporary folder."""

import atexit
import errno
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuronas.kernels.compiler import COMPILE_S

CACHE = "NEURONAS_CACHE"
"""Environment variable: the folder of files kept between processes: compiled kernels and templates, recordings. If no
folder can keep kernels, it is set to a temporary one, so that child processes do not compile again."""

_UNFINISHED = "building-"
_ROOM_BYTES = 8 * 2**20
"""Upper bound of the disk space needed to compile one library."""

_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  (a private folder is made there)


def cache_folder() -> Path:
    """Folder of files kept between processes; see ``CACHE``."""
    if own := os.environ.get(CACHE):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "neuronas"  # noqa: PTH111


@contextmanager
def build_folder() -> Iterator[tuple[Path, Path]]:
    """A temporary folder to compile in, and the folder to move the library to.

    The latter is the cache or, if that is read-only, full or mounted noexec, one that is removed with this process.

    Raises:
        OSError: no folder can be written and loaded from.
    """
    folder, building = _usable()
    try:
        yield building, folder
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _usable() -> tuple[Path, Path]:
    failures = []
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for left in cache.glob(f"{_UNFINISHED}*"):  # left by a killed process
            if time.time() - left.stat().st_mtime > 2 * COMPILE_S:
                shutil.rmtree(left, ignore_errors=True)
        return cache, _unfinished(cache)
    except OSError as error:
        failures.append(f"{cache}: {error.strerror}")
    for place in dict.fromkeys((os.environ.get("TMPDIR") or _TEMPORARY[0], *_TEMPORARY)):
        try:
            private = tempfile.mkdtemp(prefix="neuronas-", dir=place)
            atexit.register(_remove, private, os.getpid())
            building = _unfinished(Path(private))
        except OSError as error:
            failures.append(f"{place}: {error.strerror}")
            continue
        os.environ[CACHE] = private
        return Path(private), building
    raise OSError(f"no folder for compiled kernels ({'; '.join(failures)}); set {CACHE} to a writable one")


def _unfinished(parent: Path) -> Path:
    """A new folder in which a library can be written and loaded."""
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=parent))
    try:
        probe = made / "probe"
        with probe.open("w+b") as file:
            file.write(bytes(_ROOM_BYTES))
            file.flush()
            try:
                mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()
            except OSError as error:
                reason = "libraries cannot be loaded from there (mounted noexec?)"
                raise OSError(error.errno or errno.EPERM, reason) from error
        probe.unlink()
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return made


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # not in a forked process
        shutil.rmtree(folder, ignore_errors=True)
