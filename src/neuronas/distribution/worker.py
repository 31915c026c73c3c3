"""The side of a worker: reads a job and pieces of work as lines, writes what becomes of them."""

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
class Bench:
    """What a worker works with: evaluators by name, and what they compute, see ``crew.Ready``."""

    evaluators: Mapping[str, Evaluator]
    computes: str


Build = Callable[[Job], Bench]


def work(bench: Bench, evaluator: str, architectures: Sequence[str]) -> Iterator[Message]:
    """Evaluate one piece: ``Evaluated`` for each member, then ``Finished``; or ``Refused``, or ``Lost`` and no more.

    An error that nobody foresaw ends the worker, for what it leaves behind is unknown.
    """
    try:
        found = bench.evaluators[evaluator].evaluate([parse_architecture(text) for text in architectures])
        for place, fitness in found:
            if isinstance(fitness, Failure):
                raise WorkerError(f"a worker's own evaluator gave up: {fitness.reason}")
            yield Evaluated(place, fitness)
        yield Finished(_peak_memory_mb())
    except NeuronasError as error:
        yield Refused(error)
    except Exception as error:  # noqa: BLE001 - reported to the parent; this worker ends
        yield Lost(f"{type(error).__name__}: {error}")


def build_bench(build: Build, job: Job) -> tuple[Bench | None, Message]:
    """Build a worker's evaluators; without them the message says why."""
    try:
        bench = build(job)
    except NeuronasError as error:
        return None, Refused(error)
    except Exception as error:  # noqa: BLE001 - reported to the parent; this worker ends
        return None, Lost(f"{type(error).__name__}: {error}")
    return bench, Ready(bench.computes)


def serve(build: Build) -> None:
    """Serve a parent through the standard streams until it ends or says no more.

    What else is printed goes to standard error; warnings go to the parent.
    """
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, lines), daemon=True).start()
    speak = _Speaker(output)
    logging.getLogger("neuronas").addHandler(_Forwarder(speak))
    bench, message = build_bench(build, validate(Job, json.loads(lines.get()), "job"))
    speak(message)
    while bench is not None:
        for message in work(bench, **json.loads(lines.get())):
            speak(message)
            if isinstance(message, Refused | Lost):
                return


def _listen(source: BinaryIO, lines: "queue.SimpleQueue[bytes]") -> None:
    """Queue what the parent says. When it is gone, nobody wants the rest: end at once, even amid a computation."""
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
