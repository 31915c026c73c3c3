"""``environment.json``: what a result may depend on besides its settings."""

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
        """That of this process."""
        return cls(**_here())


class Environment(Machine):
    """``environment.json``: format of the run directory, versions, machine, and the command that made the directory.

    Attributes:
        made_with: the code behind names in the settings, such as that of the fitness, and what identifies the data set.
        working_directory: where it was begun; relative paths in its settings start there.
    """

    format: Literal["neuronas-run-2"] = FORMAT
    command: tuple[str, ...]
    made_with: dict[str, str]
    working_directory: str = ""

    @classmethod
    def of_run(cls, made_with: Mapping[str, str]) -> Self:
        """That of a run which this process begins."""
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
    """Refuse a run directory of another format, before any of its files is read.

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
