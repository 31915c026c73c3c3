"""Shows what runs: a search's candidates per second, best so far, rejections; a training's images per second."""

import logging
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from neuronas.cli import console
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture

_log = logging.getLogger(__name__)
_LINE_EVERY_S = 10.0


class SearchProgress:
    """An observer that draws a progress bar on standard error, or a line now and then where there is no terminal."""

    def __init__(self, *, quiet: bool):
        self._quiet = quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.1f}/s  best {task.fields[best]}  rejected {task.fields[rejected]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console.notes,
            transient=True,
            disable=quiet or not console.notes.is_terminal,
        )
        self._task = self._bar.add_task("searching", total=0, rate=0.0, best="-", rejected=0)
        self._n_batches = self._n_done = self._n_total = self._n_rejected = 0
        self._best: float | None = None
        self._started = self._last_line = monotonic()

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        self._bar.stop()

    def batch(self, n_candidates: int, n_rejected: int, n_functions: int, n_full: int) -> None:
        """See ``Observer``."""
        self._n_batches += 1
        self._n_rejected += n_rejected
        self._n_total += n_full + (n_functions if n_full < n_functions else 0)
        line = (
            f"batch {self._n_batches}: {n_candidates:,} candidates, {n_rejected:,} break the budget, "
            f"{n_functions:,} distinct functions left"
            + (f", of which a screen keeps {n_full:,}" if n_full < n_functions else "")
        )
        _log.info(line)
        self._line(line)
        self._bar.update(
            self._task, description=f"batch {self._n_batches}", total=self._n_total, rejected=self._n_rejected
        )

    def evaluated(self, architecture: Architecture, fitness: float, *, screened: bool) -> None:
        """See ``Observer``."""
        self._n_done += 1
        # Fitness on a screen's small batch is on another scale.
        if not screened and (self._best is None or fitness > self._best):
            self._best = fitness
            _log.info("fitness %.6f: %s", fitness, format_architecture(architecture))
        rate = self._n_done / max(monotonic() - self._started, 1e-9)
        self._bar.update(self._task, completed=self._n_done, rate=rate, best=self._best_text())
        if monotonic() - self._last_line > _LINE_EVERY_S:
            self._line(f"{self._n_done:,} of {self._n_total:,} evaluated, {rate:.1f}/s, best {self._best_text()}")

    def _best_text(self) -> str:
        return "-" if self._best is None else f"{self._best:.3f}"

    def _line(self, text: str) -> None:
        if not self._quiet and not console.notes.is_terminal:
            self._last_line = monotonic()
            console.notes.print(text)


class TrainingProgress:
    """Draws a training run: a bar on standard error, or a line for each epoch where there is no terminal.

    Args:
        n_epochs: of the whole run.
        quiet: draw nothing.
    """

    def __init__(self, n_epochs: int, *, quiet: bool):
        self._n_epochs, self._quiet = n_epochs, quiet
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f} images/s  {task.fields[accuracy]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console.notes,
            transient=True,
            disable=quiet or not console.notes.is_terminal,
        )
        self._task = self._bar.add_task("training", total=None, epoch=0, rate=0.0, accuracy="")

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        self._bar.stop()

    def report(self, epoch: int, step: int, n_steps: int, images_per_s: float, row: dict[str, Any] | None) -> None:
        """See ``neuronas.training.loop.Report``."""
        done, total = epoch * n_steps + step, self._n_epochs * n_steps
        self._bar.update(self._task, total=total, completed=done, epoch=epoch, rate=images_per_s)
        if row is None:
            return
        validation = row["validation_accuracy"]
        shown = f"train {row['train_accuracy']:.1%}" + ("" if validation is None else f", validation {validation:.1%}")
        self._bar.update(self._task, accuracy=shown)
        line = f"epoch {row['epoch']} of {self._n_epochs}: loss {row['train_loss']:.4f}, {shown}"
        _log.info(line)
        if not self._quiet and not console.notes.is_terminal:
            console.notes.print(f"{line}, {images_per_s:,.0f} images/s")
