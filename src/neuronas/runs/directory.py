"""The directory of a run: who may write to it, and the files that say what made it."""

import fcntl
import json
import os
import platform
import sys
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from neuronas.config import RunConfig, read_config, read_text, validate, write_config, write_json
from neuronas.errors import RunDirectoryError
from neuronas.version import __version__

CONFIG, HISTORY, RESULT, ARCHITECTURE, LOG, LOCK = (
    "config.yaml",
    "history.sqlite",
    "result.json",
    "architecture.json",
    "log.txt",
    ".lock",
)
_LOCK_BYTES = 100
_PACKAGES = ("neuronas", "numpy", "torch", "spikingjelly", "pydantic", "scikit-learn", "pillow")


class RunDirectory:
    """A run directory held by one process at a time; use it in a ``with`` statement.

    Args:
        path: the directory; made if it is not there.
        config: the resolved settings of the run.
        resume: go on with a run that is there already.

    Raises:
        RunDirectoryError: another process holds it; it holds a run and ``resume`` is off; ``resume`` is on and
            it holds none or one with other settings; or it cannot be written.
    """

    def __init__(self, path: Path, config: RunConfig, *, resume: bool):
        self.path, self._config, self._resume = path, config, resume

    def __enter__(self) -> Self:
        """Take the directory and check that it may be used."""
        if self._resume and not self.path.is_dir():
            raise self._nothing_to_resume()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # A pipe must not be waited for, nor what a link leads to be emptied.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW
            self._lock = os.fdopen(os.open(self.path / LOCK, flags, 0o666), "a")
        except OSError as error:
            raise RunDirectoryError(f"run directory {self.path}: cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sign()
            self._check()
        except BlockingIOError:
            self._lock.close()
            raise RunDirectoryError(
                f"run directory {self.path}: another neuronas is working in it{self._holder()}; wait for it, or choose "
                "another --out"
            ) from None
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the directory go."""
        self._lock.close()

    def file(self, name: str) -> Path:
        """Path of a file of the run."""
        return self.path / name

    def _sign(self) -> None:
        """Leave the process's number, for a person who wants to end it from another shell."""
        try:
            self._lock.truncate(0)
            print(os.getpid(), file=self._lock, flush=True)
        except OSError as error:
            raise RunDirectoryError(f"run directory {self.path}: cannot be written ({error.strerror})") from error

    def _holder(self) -> str:
        try:
            number = read_text(self.path / LOCK, _LOCK_BYTES).strip()
        except (OSError, ValueError):  # whatever it holds, it is locked
            number = ""
        return f" (process {number}; 'kill {number}' ends it, and --resume goes on)" if number.isdecimal() else ""

    def _nothing_to_resume(self) -> RunDirectoryError:
        return RunDirectoryError(f"run directory {self.path}: holds no run to resume; leave out --resume")

    def _check(self) -> None:
        config, history = self.file(CONFIG), self.file(HISTORY)
        if not config.exists() and (history.exists() or self.file(RESULT).exists()):
            raise RunDirectoryError(f"run directory {self.path}: holds results but no {CONFIG}; choose another --out")
        if not config.exists():
            if self._resume:
                raise self._nothing_to_resume()
            write_json(self.file("environment.json"), environment())
            write_config(config, self._config)
        elif not self._resume:
            raise RunDirectoryError(
                f"run directory {self.path}: holds a run already; go on with --resume, or choose another --out"
            )
        else:
            stored = validate(RunConfig, read_config(config, own=True), str(config))
            changed = _differences(_deciding(stored), _deciding(self._config))
            if changed:
                raise RunDirectoryError(f"run directory {self.path}: was started with other settings: {changed[0]}")


def _deciding(config: RunConfig) -> dict[str, Any]:
    """The settings that can change a history: not its speed, where images lie, or the choice in the end.

    Names of classes are left out as well: what reads the images checks them.
    """
    values = config.model_dump(exclude={"engine", "train"})
    values["data"].pop("data_dir")
    values["data"].pop("class_names")
    values["search"].pop("prefer")
    return values


def identity(config: RunConfig, *parts: BaseModel | dict[str, Any] | str) -> str:
    """A key of everything that decides a result: settings, the content of the files that they name, other parts."""
    content = [_deciding(config), *(part.model_dump() if isinstance(part, BaseModel) else part for part in parts)]
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def _differences(stored: dict[str, Any], given: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, old in stored.items():
        new, name = given[key], f"{prefix}{key}"
        if isinstance(old, dict):
            found += _differences(old, new, f"{name}.")
        elif old != new:
            found.append(f"{name} was {old}, now {new}")
    return found


def environment() -> dict[str, Any]:
    """What a result may depend on besides its settings: versions and machine."""
    versions = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {
        "neuronas": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": versions,
        "command": sys.argv,
    }
