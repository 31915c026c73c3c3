"""Content of a live page: the report of a run in its current state, rendered again only after changes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from time import monotonic, time
from typing import Any

import numpy as np

from neuronas.errors import NeuronasError, counted
from neuronas.report.facts import RunFacts
from neuronas.report.page import SECTIONS, content
from neuronas.report.rendering import render
from neuronas.report.tables import number


@dataclass(frozen=True)
class Underway:
    """Progress of a task: ``done`` of ``total`` units."""

    what: str
    done: int
    total: int
    units: str


class LiveRun:
    """A run directory that another process, or another thread, may be writing.

    Args:
        directory: directory of the run; it may not exist yet.
        read: function that reads it; the page shows any ``NeuronasError`` that it raises.
    """

    links = SECTIONS

    def __init__(self, directory: Path, read: Callable[[Path], RunFacts]):
        self.directory, self._read = directory, read
        self._lock = Lock()
        self._version = ""
        self._content: dict[str, Any] = {}
        # The current task, the time at which it was first seen, and its progress then.
        self._began: tuple[str, float, int] = ("", 0.0, 0)

    def state(self, known: str) -> dict[str, Any]:
        """Update for a page that shows the version ``known``.

        Returns:
            ``age_s``: seconds since the run's last change; ``error``: why it cannot be read, if so. If the version has
            changed: ``version``, ``title``, ``summary``, ``sections`` (HTML by identifier) and ``data`` (of the charts
            and the explorer).
        """
        version, changed = self._stamp()
        with self._lock:  # simultaneous requests wait for a single read
            if version != self._version:
                try:
                    self._content = self._shown(self._read(self.directory))
                    self._version = version
                except (NeuronasError, OSError) as error:  # such as a file that does not exist yet; retried next time
                    self._version = ""
                    self._content = {"error": " ".join(str(error).split())}
            content = self._content
        answer: dict[str, Any] = {"age_s": max(0.0, time() - changed) if changed else 0.0}
        if "error" in content:
            return answer | content
        return answer if known == version else answer | {"version": version} | content

    def _shown(self, run: RunFacts) -> dict[str, Any]:
        page, progress = content(run), _progress(run)
        sections: dict[str, str] = {}
        if progress:
            sections["progress"] = render("progress.html", progress=progress, left_s=self._left_s(progress))
        sections |= page.sections
        return {"title": f"Run {run.name}", "summary": _summary(run), "sections": sections, "data": page.data}

    def _left_s(self, progress: Underway) -> float | None:
        """Seconds left at the average rate since the task was first seen; None before the first step."""
        what, began, done = self._began
        if what != progress.what or done > progress.done:
            what, began, done = self._began = progress.what, monotonic(), progress.done
        if done == progress.done:
            return None
        return (monotonic() - began) / (progress.done - done) * (progress.total - progress.done)

    def _stamp(self) -> tuple[str, float]:
        """Digest of the state of the run's files, and the time of the last change."""
        parts, changed = [], 0.0
        for file in sorted(self.directory.glob("*.*")):
            if file.suffix in _READ:
                with suppress(FileNotFoundError):  # files appear and disappear during a search
                    stat = file.stat()
                    parts.append(f"{file.name}:{stat.st_mtime_ns:x}:{stat.st_size:x}")
                    changed = max(changed, stat.st_mtime)
        return blake2b(",".join(parts).encode(), digest_size=8).hexdigest(), changed


_READ = {".yaml", ".json", ".jsonl", ".sqlite", ".sqlite-wal"}
"""Extensions of the files that a report reads."""


def _progress(run: RunFacts) -> Underway | None:
    """The current task; None if all is finished or the total amount of work is unknown."""
    if not run.result and run.candidates:
        known = np.isfinite(run.candidates.fitness) | np.isfinite(run.candidates.screened)
        n_fitting = len(run.candidates) - run.candidates.n_rejected
        return Underway("Search", int(known.sum()), n_fitting, "proposed candidates evaluated that fit the budgets")
    if run.finalists and run.is_choosing:
        done = sum(len(one.accuracies) for one in run.finalists.finalists)
        return Underway("Finalists", done, sum(rung.n for rung in run.finalists.rungs), "trainings of a rung")
    planned = run.config.train.epochs
    if planned and 0 < len(run.epochs) < planned and not run.is_training_ended:
        return Underway("Training", len(run.epochs), planned, "epochs")
    return None


def _summary(run: RunFacts) -> str:
    """Sentences on the progress of the run."""
    parts = []
    if run.result:
        ended = "stopped by --max-minutes after" if run.is_search_out_of_time else "finished in"
        parts.append(f"Search {ended} {number(run.result.seconds)} s: {run.result.n_candidates:,} candidates.")
    elif run.candidates:
        n_known = int(np.isfinite(run.candidates.fitness).sum())
        parts.append(f"Search not finished: {len(run.candidates):,} candidates, fitness of {n_known:,} known.")
    elif run.answer is None:
        parts.append("Search not finished: no candidate yet.")
    if run.finalists:
        parts.append(f"Finalists: {run.finalists.verdict}.")
    if run.epochs:
        n_done, planned = len(run.epochs), run.config.train.epochs
        done = f"{n_done} of {counted(planned, 'epoch')}" if planned else counted(n_done, "epoch")
        parts.append(f"Trained for {done}.")
    return " ".join(parts)
