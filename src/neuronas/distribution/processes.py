"""Workers as processes on this machine.

They are started as new processes (no fork) and exchange lines through standard input and output. They end when the
parent process ends, because their standard input is then closed.
"""

import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

from neuronas.distribution.crew import Job, Lost, Message
from neuronas.distribution.lines import document_line, from_line

_CHUNK = 1 << 16
_PATIENCE_S = 5.0


class ProcessCrew:
    """A crew of processes.

    Args:
        size: number of workers.
        command: command line that starts a worker (``distribution.worker``).
        job: returns the job of a worker, given its number.
    """

    def __init__(self, size: int, command: Sequence[str], job: Callable[[int], Job]):
        self.size, self._command, self._job = size, command, job
        self._workers: dict[int, _Process] = {}
        self._selector = selectors.DefaultSelector()

    def start(self, number: int) -> None:
        """See ``Crew``."""
        worker = _Process(self._command, self._job(number))
        self._workers[number] = worker
        self._selector.register(worker.output, selectors.EVENT_READ, number)
        self._send(number)

    def give(self, number: int, evaluator: str, architectures: Sequence[str]) -> None:
        """See ``Crew``."""
        self._workers[number].say(document_line({"evaluator": evaluator, "architectures": list(architectures)}))
        self._send(number)

    def wait(self, seconds: float) -> list[tuple[int, Message]]:
        """See ``Crew``."""
        found: list[tuple[int, Message]] = []
        for key, _ in self._selector.select(seconds):
            worker = self._workers.get(key.data)
            if worker is None:  # it was stopped while earlier messages were processed
                continue
            if key.fileobj is worker.input:
                self._send(key.data)
                continue
            messages = worker.hear()
            found += ((key.data, message) for message in messages)
            if messages and isinstance(messages[-1], Lost):
                self.stop(key.data)
        return found

    def is_queued(self, number: int) -> bool:
        """See ``Crew``; processes on this machine start at once."""
        return False

    def stop(self, number: int) -> None:
        """See ``Crew``."""
        worker = self._workers.pop(number, None)
        if worker is None:
            return
        self._selector.unregister(worker.output)
        self._watch_input(worker, number, is_full=False)
        worker.end()

    def _send(self, number: int) -> None:
        """Send as much as fits into the pipe now and the rest later: a worker that hangs must not block the search."""
        worker = self._workers[number]
        self._watch_input(worker, number, is_full=not worker.send())

    def _watch_input(self, worker: "_Process", number: int, *, is_full: bool) -> None:
        is_watched = worker.input in self._selector.get_map()
        if is_full and not is_watched:
            self._selector.register(worker.input, selectors.EVENT_WRITE, number)
        elif is_watched and not is_full:
            self._selector.unregister(worker.input)

    def close(self) -> None:
        """See ``Crew``."""
        for number in list(self._workers):
            self.stop(number)
        self._selector.close()


class _Process:
    def __init__(self, command: Sequence[str], job: Job):
        # Libraries read the number of threads when they are loaded, so it must be set before the worker starts.
        environment = {**os.environ, "OMP_NUM_THREADS": str(job.threads)}
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            start_new_session=True,  # Ctrl-C must reach the parent only, which then ends its workers
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise LookupError("the pipes of a worker process are missing")
        self.input, self.output = self._process.stdin, self._process.stdout
        os.set_blocking(self.input.fileno(), False)
        self._heard, self._unsent = b"", b""
        self.say(document_line(job.model_dump()))

    def say(self, line: bytes) -> None:
        """Queue a line for ``send``."""
        self._unsent += line

    def send(self) -> bool:
        """Send as much as fits into the pipe; return whether nothing is left. No effect if the worker has ended."""
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self.input.fileno(), self._unsent) :]
        except BlockingIOError:
            return False
        except BrokenPipeError:
            self._unsent = b""
        return True

    def hear(self) -> list[Message]:
        """Read the messages that have arrived; the last one is ``Lost`` if the process has ended."""
        chunk = os.read(self.output.fileno(), _CHUNK)
        if not chunk:
            return [Lost(self._how_it_ended())]
        *lines, self._heard = (self._heard + chunk).split(b"\n")
        messages: list[Message] = []
        for line in lines:
            messages.append(from_line(line))
            if isinstance(messages[-1], Lost):  # the worker reported a fatal error
                break
        return messages

    def end(self) -> None:
        """Kill the process if it still runs, and close its streams."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # a process in uninterruptible sleep (disk) cannot be killed
            self._process.wait(_PATIENCE_S)
        self.output.close()
        self._errors.close()
        self.input.close()

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        if code < 0:
            why = f"ended by {signal.Signals(-code).name}"
            return why + (", possibly out of memory" if -code == signal.SIGKILL else "")
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"ended with code {code}" + (f": {last[:300]}" if last else "")
