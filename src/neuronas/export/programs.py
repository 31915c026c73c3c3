"""Programs that verify exports: compilers, what they compile, simulators."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from neuronas.errors import ConfigurationError, VerificationError

_TIMEOUT_S = 3600
_MIB = 2**20
_ROOM, _ROOM_PER_BYTE = 4 * _MIB, 4
"""Bytes that compilers and simulators may need: in any case, and for each byte of the sources."""


@contextmanager
def work_folder(sources: Path) -> Iterator[Path]:
    """A temporary folder with room for what compilers and simulators make of the files of a folder.

    Raises:
        ConfigurationError: too little is free. Some of them would end as if all were well, others with pages of text.
    """
    needed = _ROOM + _ROOM_PER_BYTE * sum(file.stat().st_size for file in sources.iterdir())
    with TemporaryDirectory(prefix="neuronas-") as made:
        free = shutil.disk_usage(made).free
        if free < needed:
            raise ConfigurationError(
                f"{Path(made).parent}: {free / _MIB:.1f} MiB free; expected {needed / _MIB:.1f} MiB to verify the "
                "export; free some space, or set TMPDIR to another folder"
            )
        yield Path(made)


def check_program(command: str, name: str, package: str, why: str) -> None:
    """Refuse work that needs a program which is not here.

    Args:
        command: of the program.
        name: of the program, for people.
        package: that installs it.
        why: what was given, and what the program is needed for.

    Raises:
        ConfigurationError: it is not on the path.
    """
    if shutil.which(command) is None:
        raise ConfigurationError(f"{why}, but {name} not found; install {package}")


def output_of(command: Sequence[str], folder: Path) -> str:
    """Run a program in a folder and return what it prints.

    Raises:
        VerificationError: it cannot be run, fails, or does not end within an hour.
    """
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, cwd=folder)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VerificationError(f"{folder}: {error}") from error
    if found.returncode:
        said = (found.stdout + found.stderr).strip() or f"exit code {found.returncode}"
        raise VerificationError(f"{folder}: {command[0]} failed: {said}")
    return found.stdout
