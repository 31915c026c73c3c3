"""Runs the programs that verify exports: compilers, compiled programs, simulators."""

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
"""Free bytes required for compilers and simulators: a constant, and per byte of the sources."""


@contextmanager
def work_folder(sources: Path) -> Iterator[Path]:
    """A temporary folder with enough free space to compile and simulate the files of a folder.

    Without the check, some compilers and simulators end without an error, others with pages of text.

    Raises:
        ConfigurationError: too little space is free.
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
    """Check that a required program is installed.

    Args:
        command: command of the program.
        name: name of the program, for the message.
        package: package that installs it.
        why: beginning of the message: the given option, and why it requires the program.

    Raises:
        ConfigurationError: the command is not on the path.
    """
    if shutil.which(command) is None:
        raise ConfigurationError(f"{why}, but {name} not found; install {package}")


def output_of(command: Sequence[str], folder: Path) -> str:
    """Run a program in a folder and return its standard output.

    Raises:
        VerificationError: it cannot be run, fails, or takes longer than an hour.
    """
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, cwd=folder)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VerificationError(f"{folder}: {error}") from error
    if found.returncode:
        said = (found.stdout + found.stderr).strip() or f"exit code {found.returncode}"
        raise VerificationError(f"{folder}: {command[0]} failed: {said}")
    return found.stdout
