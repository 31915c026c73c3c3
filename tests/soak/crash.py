"""Kills searches and trainings at random moments, resumes them, and compares them with an undisturbed run.

    python tests/soak/crash.py [--searches 100] [--trainings 30] [--seed 0] [--out FILE.json]

Each fault is SIGKILL, SIGTERM or Ctrl-C after a random time; every third search uses two workers. After each fault all
files of the run are read. ``test_crash.py`` runs a few rounds.
"""

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import psutil

from neuronas.runs.directory import CHECKPOINTS, CONFIG, HISTORY, RESULT
from neuronas.training.checkpoint import BEST, LAST, read_checkpoint

SEARCH = (
    "search", "--algorithm", "snasnet", "--n-draws", "200", "--channels", "4", "--timesteps", "2",
    "--batch-size", "64", "--seed", "3",
)  # fmt: skip
TRAIN = ("train", "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|", "--channels", "4", "--timesteps", "2",
         "--epochs", "4", "--seed", "3")  # fmt: skip
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TIMES = {"seconds", "peak_memory_mb"}
_PATIENCE_S = 120.0
_SPREAD = 1.3
"""Faults occur up to this multiple of an undisturbed run's duration; later ones find it finished."""
Content = dict[str, Any]


class LossError(Exception):
    """Data were lost, truncated or different."""


def _own_python(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "neuronas", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        # Background jobs ignore Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


class Rounds:
    """Interrupts one command repeatedly.

    Args:
        folder: working folder.
        command: arguments of neuronas, without ``--out``.
        content: reads those results of a run that must not depend on interruptions.
        check: reads every file of an interrupted run.
        random: chooses signals and moments.
        start: starts neuronas with arguments.
    """

    def __init__(
        self,
        folder: Path,
        command: tuple[str, ...],
        content: Callable[[Path], Content],
        check: Callable[[Path], None],
        random: Random,
        start: Callable[[list[str]], Any] = _own_python,
    ):
        self.folder, self.command, self.content, self.check, self.random = folder, command, content, check, random
        self.start = start
        self.faults: Counter[str] = Counter()
        self.losses: list[str] = []
        self.n_runs = self.n_started = 0
        self.seconds: dict[tuple[str, ...], float] = {}
        self.whole = self._measure(())

    def _measure(self, options: tuple[str, ...]) -> Content:
        """Duration and content of an undisturbed run with these options."""
        started = time.monotonic()
        content = self._finish(self.folder / f"whole{len(self.seconds)}", options)
        self.seconds[options] = time.monotonic() - started
        return content

    def run(self, n_faults: int, workers_every: int = 0) -> None:
        """Inject faults; finish every interrupted run and compare it."""
        while self.faults.total() < n_faults:
            options = ("--workers", "2") if workers_every and self.n_runs % workers_every == 0 else ()
            try:
                if options not in self.seconds and self._measure(options) != self.whole:
                    raise LossError(f"{' '.join(options)}: another result")
                self._one_run(self.folder / f"run{self.n_runs}", n_faults, options)
            except LossError as loss:
                self.losses.append(str(loss))
            self.n_runs += 1

    def _one_run(self, run: Path, n_faults: int, options: tuple[str, ...]) -> None:
        while self.faults.total() < n_faults and self._break_off(run, options):
            self.check(run)
        if self._finish(run, options) != self.whole:
            raise LossError(f"{run}: ends with another result")

    def _start(self, run: Path, options: tuple[str, ...]) -> Any:
        self.n_started += 1
        resume = ("--resume",) if (run / CONFIG).exists() else ()
        return self.start([*self.command, *options, "--quiet", "--out", str(run), *resume])

    def _finish(self, run: Path, options: tuple[str, ...]) -> Content:
        process = self._start(run, options)
        _, errors = process.communicate(timeout=10 * _PATIENCE_S)
        if process.returncode:
            raise LossError(f"{run}: cannot be brought to its end: {errors}")
        self.check(run)
        return self.content(run)

    def _break_off(self, run: Path, options: tuple[str, ...]) -> bool:
        """Start, wait and kill; False if the run was finished before."""
        process = self._start(run, options)
        try:
            process.wait(self.random.uniform(0, _SPREAD * self.seconds[options]))
        except subprocess.TimeoutExpired:
            try:
                family = psutil.Process(process.pid).children(recursive=True)
            except psutil.NoSuchProcess:  # it ended just now
                family = []
            number = self.random.choice(SIGNALS)
            process.send_signal(number)
            self.faults[number.name] += 1
            _, errors = process.communicate(timeout=_PATIENCE_S)
            # A signal may arrive before the program handles it, or after its last output.
            if process.returncode not in {0, 1, 130, -number}:
                raise LossError(f"{run}: {number.name} ends it with {process.returncode}: {errors}") from None
            _, alive = psutil.wait_procs(family, _PATIENCE_S)
            if alive:
                raise LossError(f"{run}: workers outlive {number.name}: {alive}") from None
            return True
        _, errors = process.communicate()
        if process.returncode:
            raise LossError(f"{run}: ends with {process.returncode}: {errors}")
        return False


def searched(run: Path) -> Content:
    """The result of a search without times, and its history."""
    document = json.loads((run / RESULT).read_text())
    with closing(sqlite3.connect(run / HISTORY)) as db:
        return {
            "result": {key: value for key, value in document.items() if key not in TIMES},
            "candidates": db.execute("SELECT * FROM candidates ORDER BY position").fetchall(),
            "evaluations": db.execute("SELECT key, screened, position, fitness FROM evaluations").fetchall(),
            "failures": db.execute("SELECT * FROM failures").fetchall(),
        }


def check_search(run: Path) -> None:
    """Every existing file is complete, and the history has no duplicates."""
    _check_documents(run)
    if not (run / HISTORY).exists() or not (run / HISTORY).stat().st_size:
        return
    with closing(sqlite3.connect(run / HISTORY)) as db:
        if db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise LossError(f"{run}: the history is damaged")
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, columns in (("candidates", "position"), ("evaluations", "key, screened")):
            if (
                table in tables
                and db.execute(f"SELECT 1 FROM {table} GROUP BY {columns} HAVING count(*) > 1").fetchall()
            ):
                raise LossError(f"{run}: {table} holds something twice")


def trained(run: Path) -> Content:
    """Tensors of both checkpoints, and the metrics without speed."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    content: Content = {"metrics": [{key: row[key] for key in row if key != "images_per_s"} for row in rows]}
    for name in (BEST, LAST):
        tensors, _ = read_checkpoint(run / CHECKPOINTS / name)
        content[name] = {key: tensor.numpy().tobytes() for key, tensor in tensors.items()}
    return content


def check_training(run: Path) -> None:
    """Every existing file is complete, and no epoch is duplicated."""
    _check_documents(run)
    for path in (run / CHECKPOINTS).glob("*.safetensors"):
        read_checkpoint(path)
    if (run / "metrics.jsonl").exists():
        epochs = [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        if epochs != sorted(set(epochs)):
            raise LossError(f"{run}: epochs {epochs}")


def _check_documents(run: Path) -> None:
    for path in run.glob("*.json"):
        json.loads(path.read_text())


def search_rounds(folder: Path, n_faults: int, seed: int) -> Rounds:
    """Interrupt searches."""
    rounds = Rounds(folder / "search", SEARCH, searched, check_search, Random(seed))
    rounds.run(n_faults, workers_every=3)
    return rounds


def training_rounds(folder: Path, n_faults: int, seed: int) -> Rounds:
    """Interrupt training."""
    rounds = Rounds(folder / "train", TRAIN, trained, check_training, Random(seed))
    rounds.run(n_faults)
    return rounds


def main() -> None:
    """Inject faults and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=100, help="faults in searches")
    parser.add_argument("--trainings", type=int, default=30, help="faults in training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    document: dict[str, Any] = {"seed": given.seed}
    with tempfile.TemporaryDirectory() as folder:
        for name, go, n_faults in (
            ("search", search_rounds, given.searches),
            ("train", training_rounds, given.trainings),
        ):
            started = time.monotonic()
            rounds = go(Path(folder), n_faults, given.seed)
            document[name] = {
                "faults": dict(rounds.faults), "n_faults": rounds.faults.total(), "n_starts": rounds.n_started,
                "n_runs": rounds.n_runs, "losses": rounds.losses, "seconds": round(time.monotonic() - started),
            }  # fmt: skip
            sys.stdout.write(json.dumps({name: document[name]}) + "\n")
            sys.stdout.flush()
    if given.out:
        given.out.write_text(json.dumps(document, indent=1) + "\n")
    sys.exit(any(document[name]["losses"] for name in ("search", "train")))


if __name__ == "__main__":
    main()
