"""The run directory: its files, its lock and its log."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import BaseModel

from neuronas.config import ResolvedConfig, RunConfig, given, is_there, write_yaml
from neuronas.errors import RunDirectoryError, unwritable, writing
from neuronas.runs.config_file import read_config, write_config
from neuronas.runs.environment import ENVIRONMENT, Environment, check_format
from neuronas.runs.identity import chosen_anew, deciding, differences, identity
from neuronas.runs.lock import check_free, locked

CONFIG, LOG = "config.yaml", "log.txt"
HISTORY, RESULT, FRONT, RANKING = "history.sqlite", "result.json", "front.json", "ranking.csv"
ARCHITECTURE, TRAINING, EVALUATION = "architecture.json", "training.json", "evaluation.json"
CHECKPOINTS = "checkpoints"
COPIES = {
    "space": ("space.yaml", "space"),
    "accelerator": ("accelerator.yaml", "hardware.accelerator"),
    "activity": ("activity.yaml", "hardware.trace"),
}
"""Copies of files and objects that settings refer to: file in the run directory, and setting."""
_LOG_BYTES, _OLD_LOGS = 5_000_000, 2

log = logging.getLogger("neuronas")


def new_directory(dataset: str, purpose: str) -> Path:
    """A directory under ``runs/`` that does not exist yet."""
    stem = f"{dataset.split(':', maxsplit=1)[0]}-{purpose}-{datetime.now():%Y%m%d-%H%M%S}"
    candidates = (Path("runs") / (stem if n == 0 else f"{stem}-{n}") for n in range(1000))
    return next(path for path in candidates if not path.exists())


@dataclass(frozen=True)
class RunOrigin:
    """The inputs of a run.

    Attributes:
        config: resolved settings.
        given: settings given by the user.
        copies: content of the files and objects that the settings refer to, by the names in ``COPIES``.
        code: identity of the code that names in the settings refer to, such as the fitness.
        grows: whether a run can be resumed with more draws (``search.n_draws``).
    """

    config: ResolvedConfig
    given: RunConfig
    copies: Mapping[str, BaseModel]
    code: Mapping[str, str]
    grows: bool = False

    @property
    def identity(self) -> str:
        """Digest of everything that affects the result of a search."""
        return identity(self.config, *self.copies.values(), self.code)

    @property
    def history_identity(self) -> str:
        """Digest of everything that affects the content of a history, except its length."""
        if not self.grows:
            return self.identity
        search = self.config.search.model_copy(update={"n_draws": 1})
        return replace(self, config=self.config.model_copy(update={"search": search})).identity


class RunDirectory:
    """A run directory, locked by one process at a time, with its log; use it in a ``with`` statement.

    Args:
        path: the directory; created if missing.
        origin: the inputs of the run.
        resume: continue an existing run.

    Raises:
        RunDirectoryError: another process has locked it; it contains a run and ``resume`` is off; ``resume`` is on
            and it contains none or one with other settings; or it cannot be written.
    """

    def __init__(self, path: Path, origin: RunOrigin, *, resume: bool):
        self.path, self._origin, self._resume = path, origin, resume

    def __enter__(self) -> Self:
        """Lock the directory and check that it may be used."""
        if self._resume and not self.path.is_dir():
            raise nothing_to_resume(self.path)
        with ExitStack() as stack:
            stack.enter_context(locked(self.path))
            self._begin()
            stack.enter_context(log_to(self.file(LOG)))
            self._held = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock."""
        self._held.close()

    def file(self, name: str) -> Path:
        """Path of a file of the run."""
        return self.path / name

    def check(self) -> None:
        """Raise the error of using the directory, if there is one, without writing to it."""
        if self._resume and not self.path.is_dir():
            raise nothing_to_resume(self.path)
        check_free(self.path)
        self._is_changed()

    def _begin(self) -> None:
        is_new = not self.file(CONFIG).exists()
        if not self._is_changed():
            return
        if is_new:
            Environment.of_run(self._origin.code).write(self.file(ENVIRONMENT))
            for name, model in self._origin.copies.items():
                write_yaml(self.file(COPIES[name][0]), model)
        write_config(self.file(CONFIG), self._origin.config, self._origin.given)

    def _is_changed(self) -> bool:
        """Check that the run may begin or be continued; return whether its settings have to be written."""
        check_format(self.path)
        config, history = self.file(CONFIG), self.file(HISTORY)
        if not config.exists() and (history.exists() or self.file(RESULT).exists()):
            raise RunDirectoryError(f"run directory {self.path}: holds results but no {CONFIG}; choose another --out")
        if not config.exists():
            if self._resume:
                raise nothing_to_resume(self.path)
            return True
        if not self._resume:
            raise already_holds(self.path)
        stored = given(read_config(config), str(config)).model_dump()
        now, drawn = deciding(self._origin.config.model_dump()), stored["search"]["n_draws"]
        is_longer = self._origin.grows and now["search"]["n_draws"] > drawn
        if is_longer:
            now["search"]["n_draws"] = drawn
        changed = differences(now, stored)
        if changed:
            raise RunDirectoryError(f"run directory {self.path}: was started with other settings: {changed[0]}")
        self._check_code()
        is_chosen_anew = bool(anew := chosen_anew(self._origin.config, stored))
        if is_chosen_anew and self.file(CHECKPOINTS).exists():
            raise RunDirectoryError(
                f"run directory {self.path}: its network is trained, and with {anew[0]} another one could be the "
                "answer; choose another --out"
            )
        is_moved = stored["data"]["name"] != self._origin.config.data.name
        return is_longer or is_moved or is_chosen_anew

    def _check_code(self) -> None:
        """Refuse to resume with other code or other images under the same name."""
        made = Environment.read(self.file(ENVIRONMENT)).made_with
        for what, now in self._origin.code.items():
            if made.get(what, now) != now:
                raise RunDirectoryError(
                    f"run directory {self.path}: its {what} was {made[what]}, now {now}; choose another --out"
                )


def already_holds(directory: Path, what: str = "a run") -> RunDirectoryError:
    """The error of starting a run in a directory that has one."""
    return RunDirectoryError(
        f"run directory {directory}: holds {what} already; resume it with --resume (in Python resume=True), or choose "
        "another --out"
    )


def nothing_to_resume(directory: Path, what: str = "run") -> RunDirectoryError:
    """The error of resuming in a directory without a run."""
    return RunDirectoryError(f"run directory {directory}: holds no {what} to resume; leave out --resume")


def check_start(directory: Path, *, is_begun: bool, resume: bool) -> None:
    """Check that a design, whose settings are not in ``CONFIG`` of a directory, may start or be resumed there.

    Args:
        directory: run directory.
        is_begun: whether the directory holds a design.
        resume: continue an existing run.

    Raises:
        RunDirectoryError: there is a design and ``resume`` is off, or the reverse; or there is a run of another kind.
    """
    if is_begun and not resume:
        raise already_holds(directory, "a design")
    if not is_begun and is_there(directory / CONFIG):
        raise RunDirectoryError(f"run directory {directory}: holds another run; choose another --out")
    if not is_begun and resume:
        raise nothing_to_resume(directory, "design")


class _LogFile(RotatingFileHandler):
    """A log handler that raises if the file cannot be written, as for every other file of a run."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in the standard library
        """Raise system errors that ``emit`` has caught; print mistakes in the logging call."""
        if isinstance(error := sys.exception(), OSError):
            raise unwritable(self.baseFilename, error) from error
        if isinstance(error, RunDirectoryError):  # raised above, passing through another ``emit``
            raise error
        super().handleError(record)


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Append the package's log to a file; a full one becomes ``log.txt.1``, and the oldest of three is deleted.

    Raises:
        RunDirectoryError: the path is not a regular file, such as a pipe or a link.
    """
    if is_there(path) and (path.is_symlink() or not path.is_file()):
        raise RunDirectoryError(f"{path}: is not a regular file; remove it, the log is written there")
    with writing(path):
        handler = _LogFile(path, "a", _LOG_BYTES, _OLD_LOGS, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        with writing(path):
            handler.close()
