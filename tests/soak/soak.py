"""Searches and trains for hours, and monitors memory, open files and threads of the process.

    python tests/soak/soak.py [--hours 2] [--every 10] [--only search] [--out benchmarks/results/soak.json]

Half of the time is used for an evolution on the digits, half for the training of a cell; both are ended by SIGTERM, as
users end long runs, and read afterwards. Exit code 1 if a phase ends otherwise, its files are damaged, the number of
open files or threads grows, or memory grows beyond what the run's records account for.
"""

import argparse
import json
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from crash import check_search, check_training
from neuronas.runs.directory import HISTORY, LOG

SPACE = "operations: [none, skip, conv_1x1, conv_3x3, avg_pool_3x3]\ncells: 2\n"
"""Two different cells with five operations; an hour would exhaust the default space."""
SEARCH = ("search", "--algorithm", "evolution", "--n-draws", "10000000", "--seed", "0", "--space")
TRAIN = ("train", "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|", "--epochs", "1000000", "--seed", "0")
_WARM_UP = 0.1
"""Share of a phase after which libraries are loaded and buffers have their size."""
_GROWTH_MB = 50.0
_RECORD_BYTES = 1536
"""Memory that a search may keep for each known candidate."""


def watch(command: tuple[str, ...], run: Path, seconds: float, every: float) -> tuple[list[dict[str, float]], int]:
    """Run a command for a time and end it; return measurements and exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "neuronas", *command, "--quiet", "--out", str(run)], stderr=subprocess.PIPE, text=True
    )
    seen, started = psutil.Process(process.pid), time.monotonic()
    samples = []
    while process.poll() is None and time.monotonic() - started < seconds:
        time.sleep(every)
        with seen.oneshot():
            samples.append(
                {
                    "seconds": round(time.monotonic() - started, 1),
                    "memory_mb": round(seen.memory_info().rss / 1e6, 1),
                    "n_files": seen.num_fds(),
                    "n_threads": seen.num_threads(),
                    "processor_s": round(sum(seen.cpu_times()[:2]), 1),
                    "work": _work(run),
                }
            )
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=300)
    if process.returncode != 130:
        print(errors.strip()[-2000:], flush=True)
    return samples, process.returncode


def _work(run: Path) -> int:
    """Number of candidates of a search, or epochs of a training, so far."""
    if (run / "metrics.jsonl").exists():
        return (run / "metrics.jsonl").read_text().count("\n")
    if not (run / HISTORY).exists():
        return 0
    with closing(sqlite3.connect(f"file:{run / HISTORY}?mode=ro", uri=True, timeout=30)) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return db.execute("SELECT count(*) FROM candidates").fetchone()[0] if "candidates" in tables else 0


def judge(samples: list[dict[str, float]], code: int, record_bytes: int) -> dict[str, Any]:
    """Summary of the measurements, and faults."""
    warm = [one for one in samples if one["seconds"] >= _WARM_UP * samples[-1]["seconds"]]
    hours = np.array([one["seconds"] for one in warm]) / 3600
    memory = np.array([one["memory_mb"] for one in warm])
    slope = float(np.polyfit(hours, memory, 1)[0])
    growth = float(np.median(memory[-10:]) - np.median(memory[:10]))
    allowed = _GROWTH_MB + (warm[-1]["work"] - warm[0]["work"]) * record_bytes / 1e6
    wrong = [f"exit code {code}"] if code != 130 else []
    wrong += [f"memory grew by {growth:.0f} MB"] if growth > allowed else []
    for name in ("n_files", "n_threads"):
        early, late = (max(one[name] for one in part) for part in (warm[: len(warm) // 2], warm[len(warm) // 2 :]))
        wrong += [f"{name} grew from {early} to {late}"] if late > early else []
    return {
        "hours": round(samples[-1]["seconds"] / 3600, 2),
        "processor_hours": round(samples[-1]["processor_s"] / 3600, 2),
        "work": samples[-1]["work"],
        "memory_mb": {
            "warm": float(np.median(memory[:10])),
            "end": float(np.median(memory[-10:])),
            "most": memory.max(),
        },
        "memory_mb_per_hour": round(slope, 1),
        "n_files": sorted({one["n_files"] for one in warm}),
        "n_threads": sorted({one["n_threads"] for one in warm}),
        "wrong": wrong,
        "samples": samples[:: max(1, len(samples) // 60)],
    }


def main() -> int:
    """Run both phases and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between measurements")
    parser.add_argument("--only", choices=("search", "train"), help="this phase, for half of the time")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    document: dict[str, Any] = {"machine": platform.machine(), "python": platform.python_version()}
    with tempfile.TemporaryDirectory() as folder:
        space = Path(folder) / "space.yaml"
        space.write_text(SPACE)
        phases: tuple[tuple[str, tuple[str, ...], Callable[[Path], None], int], ...] = (
            ("search", (*SEARCH, str(space)), check_search, _RECORD_BYTES),
            ("train", TRAIN, check_training, 0),
        )
        for name, command, check, record_bytes in phases:
            if given.only not in (None, name):
                continue
            run = Path(folder) / name
            samples, code = watch(command, run, given.hours * 1800, given.every)
            check(run)
            document[name] = judge(samples, code, record_bytes)
            document[name]["files_mb"] = round(
                sum(one.stat().st_size for one in run.rglob("*") if one.is_file()) / 1e6, 1
            )
            document[name]["log_mb"] = round((run / LOG).stat().st_size / 1e6, 3)
            print(json.dumps({name: {k: v for k, v in document[name].items() if k != "samples"}}), flush=True)
            if given.out:
                given.out.write_text(json.dumps(document, indent=1) + "\n")
    return int(any(document[name]["wrong"] for name, *_ in phases if name in document))


if __name__ == "__main__":
    sys.exit(main())
