"""``neuronas`` in a separate process that starts at once, forked from a server that has imported it.

A new Python takes two seconds of processor time for the imports of a search. Tests of processes, for example of their
end by a signal, need a process that can be killed, but not these imports.
"""

import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload([
    "pytest", "neuronas.cli.main", "neuronas.cli.search", "neuronas.cli.train", "neuronas.cli.dashboard",
    "neuronas.api.searching.search", "neuronas.api.training.train", "neuronas.api.evaluating.evaluate",
    "neuronas.api.reporting.report",
    "neuronas.fitness.engine.evaluator", "neuronas.fitness.path_information", "neuronas.training.loop",
])  # fmt: skip


class OwnProcess:
    """Runs a command, or a Python script, in another process; the methods are those of ``subprocess.Popen``.

    Args:
        arguments: arguments of the command ``neuronas``, or of the script.
        folder: working folder.
        environment: environment variables besides those of this process.
        script: script to run instead of the command.
    """

    def __init__(
        self, *arguments: object, folder: Path, environment: Mapping[str, str] | None = None, script: Path | None = None
    ):
        written = Path(tempfile.mkdtemp(prefix="own-process-"))
        weakref.finalize(self, shutil.rmtree, written, ignore_errors=True)
        self._out, self._err = written / "out", written / "err"
        for file in (self._out, self._err):
            file.touch()
        texts = [str(argument) for argument in arguments]
        everything = {**os.environ, **(environment or {})}
        given = (texts, folder, everything, script, self._out, self._err)
        self._process = _CONTEXT.Process(target=_run, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative if ended by a signal; None while it runs."""
        return self._process.exitcode

    @property
    def out(self) -> str:
        """Its standard output so far."""
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        """Its standard error so far."""
        return self._err.read_text(encoding="utf-8")

    def poll(self) -> int | None:
        """See ``returncode``."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; return ``returncode``."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("neuronas", timeout or 0.0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait until it has ended; return standard output and error."""
        self.wait(timeout)
        return self.out, self.err

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


def _run(
    arguments: list[str], folder: Path, environment: dict[str, str], script: Path | None, out: Path, err: Path
) -> None:
    """Code in the new process."""
    # Shells start background jobs (possibly this test suite) with Ctrl-C ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for file, descriptor in ((out, 1), (err, 2)):
        opened = os.open(file, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdout, sys.stderr = (open(n, "w", buffering=1, encoding="utf-8", closefd=False) for n in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [str(script) if script else "neuronas", *arguments]
    if script:
        runpy.run_path(str(script), run_name="__main__")
        return
    from neuronas.__main__ import main

    main()
