"""Reads HDF5 files that may be damaged: libhdf5 may crash the process or never return on such a file.

A separate program, ``child``, reads the file and sends plain values; this process never opens it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neuronas import machine
from neuronas.errors import VerificationError

_PROGRAM = Path(__file__).with_name("child.py")
_TIME_S, _BYTES_PER_S = 10, 10_000_000
_SHARE_OF_MEMORY, _LEAST_MEMORY = 4, 2**30
"""The program holds the values once, this process up to twice; 1 GiB is address space, most of which is not used."""


class PendingFile:
    """An HDF5 file that is being read."""

    def __init__(self, path: Path, program: "subprocess.Popen[bytes]", time_s: int):
        self.path, self._program, self._time_s = path, program, time_s

    def read(self) -> dict[str, Any]:
        """Wait for the content.

        Returns:
            by name: texts, arrays, NumPy scalars, and for groups dictionaries of these.

        Raises:
            VerificationError: the file is so damaged that it cannot be read safely.
            ValueError: it cannot be read; the message states the reason.
        """
        output, errors = self._program.communicate()
        code = self._program.returncode
        if code < 0:
            name = signal.Signals(-code).name
            fault = (
                f"reading it takes more than {self._time_s} s"
                if -code == signal.SIGXCPU
                else f"the HDF5 library ends by {name} when reading it"
            )
            raise VerificationError(f"{self.path} is damaged: {fault}; use another copy")
        if code > 0:
            raise ValueError(errors.decode(errors="replace").strip().rpartition("\n")[2])
        return _decoded(output)


@contextmanager
def reading_hdf5(path: Path, group: str) -> Iterator[PendingFile]:
    """Start reading a group of an HDF5 file; the caller can import packages in the meantime.

    Args:
        path: path of the file.
        group: name of the group.
    """
    time_s = _TIME_S + path.stat().st_size // _BYTES_PER_S
    memory_bytes = max(_LEAST_MEMORY, machine.memory().free // _SHARE_OF_MEMORY)
    arguments = [str(path.absolute()), group, str(memory_bytes), str(time_s), *sys.path]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-I", "-S", str(_PROGRAM), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each thread would reserve memory without computing anything
    ) as program:
        try:
            yield PendingFile(path, program, time_s)
        finally:
            program.kill()


def _decoded(output: bytes) -> dict[str, Any]:
    """Build the values described by the program; see ``child``."""
    place = output.index(b"\n") + 1

    def built(described: Any) -> Any:
        nonlocal place
        match described:
            case dict():
                return {name: built(one) for name, one in described.items()}
            case [str(name), list(shape)]:
                array = np.frombuffer(output, name, int(np.prod(shape, dtype=np.int64)), place).reshape(shape)
                place += array.nbytes
                return array.copy()[()]
            case [texts]:
                return np.array(texts, dtype=object)
            case _:
                return described

    found: dict[str, Any] = built(json.loads(output[: place - 1]))
    return found
