"""``environment.json``: what a result can depend on besides its settings."""

import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Self

from neuronas.config import is_there, read_json
from neuronas.errors import RunDirectoryError
from neuronas.runs.document import Document
from neuronas.version import __version__

ENVIRONMENT = "environment.json"
FORMAT: Literal["neuronas-run-2"] = "neuronas-run-2"
_PACKAGES = ("neuronas", "numpy", "torch", "spikingjelly", "pydantic", "scikit-learn", "pillow")


class Machine(Document):
    """Versions and machine."""

    neuronas: str
    python: str
    platform: str
    machine: str
    packages: dict[str, str]
    n_cpus: int | None

    @classmethod
    def here(cls) -> Self:
        """The environment of this process."""
        return cls(**_here())


class Environment(Machine):
    """``environment.json``: format of the run directory, versions, machine, and the command that made the directory.

    Attributes:
        made_with: identity of the code that settings refer to, such as the fitness, and of the data set.
        working_directory: working directory at the start; relative paths in the settings refer to it.
    """

    format: Literal["neuronas-run-2"] = FORMAT
    command: tuple[str, ...]
    made_with: dict[str, str]
    working_directory: str = ""

    @classmethod
    def of_run(cls, made_with: Mapping[str, str]) -> Self:
        """The document of a run that this process starts."""
        return cls(**_here(), command=tuple(sys.argv), made_with=dict(made_with), working_directory=str(Path.cwd()))


def _here() -> dict[str, Any]:
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
        "n_cpus": os.cpu_count(),
    }


def check_format(directory: Path) -> None:
    """Check the format of a run directory before any of its files is read.

    Raises:
        RunDirectoryError: another version of neuronas wrote it.
        VerificationError: ``environment.json`` is damaged.
    """
    path = directory / ENVIRONMENT
    if not is_there(path):
        return
    values = read_json(path)
    if isinstance(values, dict) and values.get("format") != FORMAT and isinstance(values.get("neuronas"), str):
        raise RunDirectoryError(
            f"run directory {directory}: written by neuronas {values['neuronas'][:20]}, whose runs this version does "
            "not read; run it again in another --out"
        )
