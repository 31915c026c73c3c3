"""A worker without torch: fitness from the architecture's text, and misbehaviour on demand.

python light_worker.py [--die-at TEXT] [--raise-at TEXT] [--stop-at TEXT] [--never-ready] [--never-moves]
                       [--refuse] [--other] [--sleep SECONDS]
"""

import argparse
import logging
import os
import signal
import time
from collections.abc import Iterator, Sequence

from neuronas.distribution.crew import Job
from neuronas.distribution.worker import WorkerEvaluators, serve
from neuronas.errors import DataError
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture


def light_fitness(architecture: Architecture) -> float:
    return float(int(architecture_key(architecture)[:8], 16))


class Light:
    def __init__(self, given: argparse.Namespace):
        self.given = given

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        for index, architecture in enumerate(architectures):
            text = format_architecture(architecture)
            if self.given.die_at is not None and text.startswith(self.given.die_at):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.given.stop_at is not None and text.startswith(self.given.stop_at):
                os.kill(os.getpid(), signal.SIGSTOP)
            if self.given.raise_at is not None and text.startswith(self.given.raise_at):
                raise MemoryError("no room for this one")
            time.sleep(self.given.sleep)
            yield index, light_fitness(architecture)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--die-at")
    parser.add_argument("--raise-at")
    parser.add_argument("--stop-at")
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--never-moves", action="store_true")
    parser.add_argument("--refuse", action="store_true")
    parser.add_argument("--other", action="store_true")
    parser.add_argument("--sleep", type=float, default=0.0)
    given = parser.parse_args()

    def build(job: Job) -> WorkerEvaluators:
        if given.never_ready:
            os.kill(os.getpid(), signal.SIGKILL)
        if given.never_moves:
            os.kill(os.getpid(), signal.SIGSTOP)
        if given.refuse:
            raise DataError("no images here")
        os.write(1, b"a library that talks\n")
        logging.getLogger("neuronas.test").warning("one image is broken")
        evaluator = Light(given)
        computes = str(os.getpid()) if given.other else "the same"
        return WorkerEvaluators({"full": evaluator, "screen": evaluator}, computes)

    serve(build)


if __name__ == "__main__":
    main()
