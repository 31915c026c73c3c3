"""Where a verb writes: a new run directory's name, and its log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from neuronas.config import is_there
from neuronas.errors import RunDirectoryError

log = logging.getLogger("neuronas")
_LOG_BYTES, _OLD_LOGS = 5_000_000, 2


def new_directory(dataset: str, purpose: str) -> Path:
    """A directory under ``runs/`` that is not there yet."""
    stem = f"{dataset.split(':', maxsplit=1)[0]}-{purpose}-{datetime.now():%Y%m%d-%H%M%S}"
    candidates = (Path("runs") / (stem if n == 0 else f"{stem}-{n}") for n in range(1000))
    return next(path for path in candidates if not path.exists())


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Append what the package logs to a file; a full one becomes ``log.txt.1``, and the oldest of three goes.

    Raises:
        RunDirectoryError: there is something else under its name: a pipe, which would be waited for, or a link, which
            may lead to a file of another's.
    """
    if is_there(path) and (path.is_symlink() or not path.is_file()):
        raise RunDirectoryError(f"{path}: is no file; remove it, a log is to be written there")
    handler = RotatingFileHandler(path, "a", _LOG_BYTES, _OLD_LOGS, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
