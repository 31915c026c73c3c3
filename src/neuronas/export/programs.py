"""Programs that verify exports: compilers, what they compile, simulators."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from neuronas.errors import VerificationError

_TIMEOUT_S = 3600


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
