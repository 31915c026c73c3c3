"""The worker process: it reads a job and pieces of work from its parent, and writes messages."""

import json
import logging
import os
import queue
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from neuronas.config import validate
from neuronas.distribution.crew import Evaluated, Job, Lost, Message, Noted, PieceFinished, Ready, Refused
from neuronas.distribution.lines import to_line
from neuronas.errors import NeuronasError, WorkerError
from neuronas.fitness.evaluator import Evaluator, Failure
from neuronas.space.notation import parse_architecture


@dataclass(frozen=True)
class WorkerEvaluators:
    """The evaluators of a worker.

    Attributes:
        by_name: the evaluators by name.
        computes: see ``crew.Ready``.
    """

    by_name: Mapping[str, Evaluator]
    computes: str


Build = Callable[[Job], WorkerEvaluators]


def work(built: WorkerEvaluators, evaluator: str, architectures: Sequence[str]) -> Iterator[Message]:
    """Evaluate one piece of work.

    Yields:
        ``Evaluated`` for each candidate, then ``PieceFinished``. After an error, ``Refused`` (an error of neuronas) or
        ``Lost`` (any other error) and nothing more: the worker must end, because its state is unknown.
    """
    try:
        found = built.by_name[evaluator].evaluate([parse_architecture(text) for text in architectures])
        for place, fitness in found:
            if isinstance(fitness, Failure):
                raise WorkerError(f"evaluator of a worker failed: {fitness.reason}")
            yield Evaluated(place, fitness)
        yield PieceFinished(_peak_memory_mb())
    except NeuronasError as error:
        yield Refused(error)
    except Exception as error:  # noqa: BLE001 - reported to the parent, and this worker ends
        yield Lost(f"{type(error).__name__}: {error}")


def build_evaluators(build: Build, job: Job) -> tuple[WorkerEvaluators | None, Message]:
    """Build the evaluators of a worker.

    Returns:
        the evaluators and ``Ready``; after an error, None and ``Refused`` or ``Lost`` (see ``work``).
    """
    try:
        built = build(job)
    except NeuronasError as error:
        return None, Refused(error)
    except Exception as error:  # noqa: BLE001 - reported to the parent; this worker ends
        return None, Lost(f"{type(error).__name__}: {error}")
    return built, Ready(built.computes)


def serve(build: Build) -> None:
    """Work for a parent process, through standard input and output, until the parent ends.

    Other output of this process is redirected to standard error. Log warnings are sent to the parent.
    """
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, lines), daemon=True).start()
    speak = _Speaker(output)
    logging.getLogger("neuronas").addHandler(_Forwarder(speak))
    built, message = build_evaluators(build, validate(Job, json.loads(lines.get()), "job"))
    speak(message)
    while built is not None:
        for message in work(built, **json.loads(lines.get())):
            speak(message)
            if isinstance(message, Refused | Lost):
                return


def _listen(source: BinaryIO, lines: "queue.SimpleQueue[bytes]") -> None:
    """Queue the lines of the parent. When the parent has ended, exit at once, even during a computation."""
    for line in source:
        lines.put(line)
    os._exit(0)


class _Speaker:
    def __init__(self, output: BinaryIO):
        self._output, self._lock = output, threading.Lock()

    def __call__(self, message: Message) -> None:
        with self._lock:
            self._output.write(to_line(message))
            self._output.flush()


class _Forwarder(logging.Handler):
    """Sends warnings to the parent process."""

    def __init__(self, speak: _Speaker):
        super().__init__(logging.WARNING)
        self._speak = speak

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        self._speak(Noted(record.getMessage()))


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
