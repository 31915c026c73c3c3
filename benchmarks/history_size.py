"""Measures the size of a history with many candidates, and the time to open, continue and report it.

    python benchmarks/history_size.py [--candidates 1000000]

Two different cells with five operations, drawn at random; four of five candidates fit the budget and are evaluated.
Wall-clock time, and CPU time, which is hardly affected by other programs. Needs the extra ``dev``.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from common import write
from neuronas.runs.candidates import read_candidates
from neuronas.runs.history import History
from neuronas.runs.history_file import CandidateRow

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from report_runs import make_run

OPERATIONS = ("none", "skip", "conv_1x1", "conv_3x3", "avg_pool_3x3")
BATCH = 1000


def rows(number: int) -> list[CandidateRow]:
    """A batch of artificial candidates."""
    rng = random.Random(number)

    def cell() -> str:
        return "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*rng.choices(OPERATIONS, k=6))

    found = []
    for position in range(number * BATCH, (number + 1) * BATCH):
        architecture = f"{cell()} / {cell()}"
        key = blake2b(f"{position}".encode(), digest_size=16).hexdigest()
        costs = (float(rng.randrange(10**7)), rng.random() * 100, rng.random() * 500, rng.random() * 300)
        found.append(CandidateRow(position, number, architecture, key, *costs, "" if position % 5 else "latency_ms"))
    return found


def page(history: Path, run: Path) -> dict[str, float]:
    """Time and page size of ``neuronas report`` for a run with this history."""
    history.replace(run / history.name)
    started, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-m", "neuronas", "report", str(run), "--quiet"], check=True)
    after = os.times()
    return {
        "megabytes": round((run / "report.html").stat().st_size / 1e6, 1),
        "wall_s": round(time.perf_counter() - started, 1),
        "processor_s": round(
            after.children_user + after.children_system - before.children_user - before.children_system, 1
        ),
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=1_000_000)
    n_batches = parser.parse_args().candidates // BATCH
    spent: dict[str, list[float]] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        wall, own = time.perf_counter(), time.process_time()
        yield
        before = spent.get(name, [0.0, 0.0])
        spent[name] = [before[0] + time.perf_counter() - wall, before[1] + time.process_time() - own]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite"
        history = History(path)
        for number in range(n_batches):
            batch = rows(number)
            with timed("candidates written"):
                history.add_candidates(batch)
            with timed("fitness written"):
                for row in batch:
                    if not row.rejected:
                        history.add_fitness(row.key, row.position, float(row.position % 997), 0.01, screened=False)
        history.close()
        size = path.stat().st_size
        with timed("opened, fitness read"):
            history = History(path)
            n_known = len(history.fitness(screened=False))
        for number in range(n_batches):
            batch = rows(number)
            with timed("resumed: candidates proposed again"):
                history.add_candidates(batch)
        history.close()
        with timed("read for the report"):
            found = read_candidates(path)
        report = page(path, make_run(Path(folder) / "run"))
    if found is None or len(found) != n_batches * BATCH:
        raise SystemExit("the history lost candidates")
    content: dict[str, Any] = {
        "candidates": n_batches * BATCH,
        "evaluated": n_known,
        "megabytes": round(size / 1e6, 1),
        "bytes_per_candidate": round(size / (n_batches * BATCH), 1),
        "seconds": {name: {"wall": round(wall, 1), "processor": round(own, 1)} for name, (wall, own) in spent.items()},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10),
        "report": report,
    }
    print(content)
    write("history_size", content)


if __name__ == "__main__":
    main()
