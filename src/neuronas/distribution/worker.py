"""The worker's side: reads a job and pieces of work as lines, and writes messages."""

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
from neuronas.distribution.crew import Evaluated, Finished, Job, Lost, Message, Noted, Ready, Refused
from neuronas.distribution.lines import to_line
from neuronas.errors import NeuronasError, WorkerError
from neuronas.fitness.evaluator import Evaluator, Failure
from neuronas.space.notation import parse_architecture


@dataclass(frozen=True)
class WorkerEvaluators:
    """A worker's evaluators by name, and a digest of what they compute (``crew.Ready``)."""

    by_name: Mapping[str, Evaluator]
    computes: str


Build = Callable[[Job], WorkerEvaluators]


def work(built: WorkerEvaluators, evaluator: str, architectures: Sequence[str]) -> Iterator[Message]:
    """Evaluate one piece: ``Evaluated`` for each member, then ``Finished``; or ``Refused``, or ``Lost`` and no more.

    An unexpected error ends the worker, because its state is unknown then.
    """
    try:
        found = built.by_name[evaluator].evaluate([parse_architecture(text) for text in architectures])
        for place, fitness in found:
            if isinstance(fitness, Failure):
                raise WorkerError(f"a worker's evaluator failed: {fitness.reason}")
            yield Evaluated(place, fitness)
        yield Finished(_peak_memory_mb())
    except NeuronasError as error:
        yield Refused(error)
    except Exception as error:  # noqa: BLE001 - reported to the parent; this worker ends
        yield Lost(f"{type(error).__name__}: {error}")


def build_evaluators(build: Build, job: Job) -> tuple[WorkerEvaluators | None, Message]:
    """Build a worker's evaluators; where that fails, None and a message with the reason."""
    try:
        built = build(job)
    except NeuronasError as error:
        return None, Refused(error)
    except Exception as error:  # noqa: BLE001 - reported to the parent; this worker ends
        return None, Lost(f"{type(error).__name__}: {error}")
    return built, Ready(built.computes)


def serve(build: Build) -> None:
    """Serve a parent process through the standard streams until it ends.

    Anything else printed goes to standard error; warnings go to the parent.
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
    """Queue the parent's lines. When it has ended, end at once, even in the middle of a computation."""
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
    """Sends warnings to the parent."""

    def __init__(self, speak: _Speaker):
        super().__init__(logging.WARNING)
        self._speak = speak

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        self._speak(Noted(record.getMessage()))


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
