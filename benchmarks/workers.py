"""Measures cost and gain of workers, and estimates them for up to 1,000 workers.

    python benchmarks/workers.py [imagefolder:DIR] [--estimate]

Measured: the same candidates in this process, with one worker and with two (seconds of the evaluation, best of
``--repeats``, workers started before), which needs an idle machine. ``--estimate`` skips this.

Estimated from CPU time, which other programs hardly affect: for the same candidates on one thread, and for messages and
history writes without any computation. The candidates are split as by the distributor, a piece takes the number of its
edges times the seconds per edge, pieces are assigned to the next free worker, and each result passes the one process
that writes.
"""

import argparse
import heapq
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from common import write
from neuronas.api.searching.workers import computing
from neuronas.api.setup.compose import plan
from neuronas.config import given
from neuronas.distribution.crew import Job
from neuronas.distribution.distributor import PIECES_PER_WORKER, Distributor
from neuronas.distribution.processes import ProcessCrew
from neuronas.distribution.subtrees import subtrees
from neuronas.distribution.worker import WorkerEvaluators, serve
from neuronas.fitness.evaluator import Evaluator
from neuronas.runs.history import History
from neuronas.runs.work import Work
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture, edge_order
from neuronas.space.spaces import load_space

N_CELLS = 2
N_WORKERS = (1, 2, 10, 100, 1000)
SET_SIZES = (1_000, 20_000)


class Nothing:
    """Evaluates without computing, to measure the communication."""

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        """See ``Evaluator``."""
        yield from ((index, 1.0) for index in range(len(architectures)))


def serve_nothing() -> None:
    """Run as a worker that computes nothing."""

    def build(job: Job) -> WorkerEvaluators:
        return WorkerEvaluators({"full": Nothing()}, "nothing")

    serve(build)


def draws(n: int) -> list[Architecture]:
    """Draw n architectures of space ``neuronas`` that compute different functions."""
    rng, space = random.Random(0), load_space("neuronas")
    found: dict[str, Architecture] = {}
    tries = 0
    while len(found) < n and tries < 20 * n:
        architecture = space.random_architecture(rng).cleaned
        found.setdefault(architecture_key(architecture), architecture)
        tries += 1
    return list(found.values())


def seconds(evaluator: Evaluator, candidates: Sequence[Architecture], repeats: int) -> dict[str, float]:
    """Best wall-clock time of the evaluation, and best CPU time of this process."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter(), time.process_time()
        if sum(1 for _ in evaluator.evaluate(candidates)) != len(candidates):
            raise SystemExit("not every candidate was evaluated")
        times.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    wall, processor = (min(kind) for kind in zip(*times, strict=True))
    return {"seconds": round(wall, 3), "processor_s": round(processor, 3)}


def scaling(options: argparse.Namespace, crews: Iterable[tuple[int | None, int | None]]) -> list[dict[str, Any]]:
    """Time the same candidates for crews: number of workers (None: in this process), number of threads (None: all)."""
    candidates = draws(options.candidates)
    rows: list[dict[str, Any]] = []
    for workers, threads in crews:
        settings = {
            "data": {"name": options.dataset}, "network": {"channels": options.channels},
            "fitness": {"exact": True, "batch_size": 64}, "engine": {"workers": workers, "memory_limit_gib": 4.0},
        }  # fmt: skip
        all_threads = torch.get_num_threads()
        torch.set_num_threads(threads or all_threads)
        run = plan(given(settings, "benchmark"))
        with computing(run, Work("scan", Path(), "images"), download=False) as here:
            found = seconds(here.evaluators.full, candidates, options.repeats)
        torch.set_num_threads(all_threads)
        rows.append({"workers": workers, "threads": threads or all_threads} | found)
        print(rows[-1], flush=True)
    return rows


def overheads() -> dict[str, float]:
    """Seconds per candidate for messages and history alone."""
    candidates = draws(5000)
    job = Job(
        settings=plan(given({}, "benchmark")).config,
        copies={},
        identity="",
        threads=1,
        memory_limit_bytes=None,
        memory_share=1.0,
        cuda_device=0,
    )
    command = [sys.executable, str(Path(__file__).resolve()), "--worker"]
    distributor = Distributor(ProcessCrew(1, command, lambda number: job), N_CELLS)
    try:
        distributor.prepare()
        started = time.process_time()
        list(distributor.evaluate("full", candidates))
        message = (time.process_time() - started) / len(candidates)
    finally:
        distributor.close()
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "history.sqlite")
        keys = [architecture_key(architecture) for architecture in candidates]
        started = time.process_time()
        for position, key in enumerate(keys):
            history.add_fitness(key, position, 1.0, 0.0, screened=False)
        written = (time.process_time() - started) / len(candidates)
        history.close()
    return {"parent_s_per_candidate": message, "history_s_per_candidate": written}


def simulate(candidates: Sequence[Architecture], n_workers: int, edge_s: float, writer_s: float) -> dict[str, Any]:
    """Estimate the time of workers for one set of candidates.

    Args:
        candidates: the set.
        n_workers: number of workers.
        edge_s: seconds for an edge that is not shared with the previous candidate.
        writer_s: seconds per candidate of the process that distributes, receives and writes.
    """
    pieces = subtrees(candidates, N_CELLS, n_workers * PIECES_PER_WORKER)
    work = [edges(candidates, piece) for piece in pieces]
    computed, written = makespan([n_edges * edge_s for n_edges in work], n_workers), len(candidates) * writer_s
    total = max(computed, written)
    alone = edges(candidates, subtrees(candidates, N_CELLS, 1)[0]) * edge_s
    return {
        "candidates": len(candidates),
        "workers": n_workers,
        "pieces": len(pieces),
        "messages": len(candidates) + 2 * len(pieces) + 2 * n_workers,
        "history_writes": len(candidates),
        "extra_work": round(sum(work) * edge_s / alone - 1, 3),
        "writer_busy": round(written / total, 3),
        "seconds": round(total, 2),
        "speedup": round(max(alone, written) / total, 1),
    }


def makespan(pieces: Iterable[float], n_workers: int) -> float:
    """Seconds until the last piece is finished if each goes to the next free worker; ``pieces``: seconds of each."""
    free = [0.0] * n_workers
    for seconds_of_piece in pieces:
        heapq.heapreplace(free, free[0] + seconds_of_piece)
    return max(free)


def edges(candidates: Sequence[Architecture], piece: Sequence[int]) -> int:
    """Number of edges computed by a worker for a piece: for each candidate, those not shared with the previous one."""
    total, before = 0, None
    for index in piece:
        key = edge_order(candidates[index], N_CELLS)
        shared = 0
        if before is not None:
            shared = next((n for n, pair in enumerate(zip(key, before, strict=True)) if pair[0] != pair[1]), len(key))
        total += max(1, len(key) - shared)
        before = key
    return total


def main() -> None:
    """Measure, estimate and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="digits")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--candidates", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--estimate", action="store_true", help="measure CPU time only, and estimate")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve_nothing()
        return
    size = {"candidates": options.candidates, "channels": options.channels}
    if not options.estimate:
        write("workers", size | {"scaling": scaling(options, ((None, 1), (None, None), (1, None), (2, None)))})
    measured = draws(options.candidates)
    (alone,) = scaling(options, ((None, 1),))
    edge_s = alone["processor_s"] / edges(measured, subtrees(measured, N_CELLS, 1)[0])
    costs = overheads()
    large = draws(max(SET_SIZES))
    paper = [simulate(large[:n], n_workers, edge_s, sum(costs.values())) for n in SET_SIZES for n_workers in N_WORKERS]
    for row in paper:
        print(row)
    write("workers-estimate", size | {"one_thread": alone, **costs, "edge_s": edge_s, "simulation": paper})


if __name__ == "__main__":
    main()
