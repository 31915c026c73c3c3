"""Shows what runs: a bar on standard error, or a line now and then where there is no terminal."""

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
from neuronas.runs.metrics import Epoch
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture

_log = logging.getLogger(__name__)
_LINE_EVERY_S = 10.0


class Display:
    """A bar, or lines. Base of the displays below; use it in a ``with`` statement.

    Args:
        text: behind the bar, in rich's format; ``fields`` are what it names.
        quiet: draw nothing.
        fields: first values.
    """

    def __init__(self, text: str, *, quiet: bool, fields: dict[str, Any]):
        self._quiet = quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(text),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console.notes,
            transient=True,
            disable=quiet or not console.notes.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None, **fields)
        self._last_line = monotonic()

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        self._bar.stop()

    def _draw(self, description: str, done: int, total: int, fields: dict[str, Any]) -> None:
        self._bar.update(self._task, description=description, completed=done, total=total, **fields)

    def _line(self, text: str) -> None:
        if not self._quiet and not console.notes.is_terminal:
            self._last_line = monotonic()
            console.notes.print(text)

    @property
    def _is_line_due(self) -> bool:
        return monotonic() - self._last_line > _LINE_EVERY_S


class SearchProgress(Display):
    """Observes a search: candidates per second, best so far, rejections."""

    def __init__(self, *, quiet: bool):
        text = "{task.fields[rate]:.1f}/s  best {task.fields[best]}  rejected {task.fields[rejected]}"
        super().__init__(text, quiet=quiet, fields={"rate": 0.0, "best": "-", "rejected": 0})
        self._n_batches = self._n_done = self._n_total = self._n_rejected = 0
        self._best: float | None = None
        self._started = monotonic()

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
        self._show()

    def evaluated(self, architecture: Architecture, fitness: float, *, screened: bool) -> None:
        """See ``Observer``."""
        self._n_done += 1
        # Fitness on a screen's small batch is on another scale.
        if not screened and (self._best is None or fitness > self._best):
            self._best = fitness
            _log.info("fitness %.6f: %s", fitness, format_architecture(architecture))
        self._show()
        if self._is_line_due:
            self._line(f"{self._n_done:,} of {self._n_total:,} evaluated, {self._rate:.1f}/s, best {self._best_text}")

    def failed(self, architecture: Architecture, reason: str) -> None:
        """See ``Observer``."""
        _log.warning("no fitness for %s: %s", format_architecture(architecture), reason)

    def _show(self) -> None:
        self._draw(
            f"batch {self._n_batches}",
            self._n_done,
            self._n_total,
            {"rate": self._rate, "best": self._best_text, "rejected": self._n_rejected},
        )

    @property
    def _rate(self) -> float:
        return self._n_done / max(monotonic() - self._started, 1e-9)

    @property
    def _best_text(self) -> str:
        return "-" if self._best is None else f"{self._best:.3f}"


class TrainingProgress(Display):
    """Shows a training run: images per second, a line for each epoch.

    Args:
        n_epochs: of the whole run.
        quiet: draw nothing.
    """

    def __init__(self, n_epochs: int, *, quiet: bool):
        text = "{task.fields[rate]:,.0f} images/s  {task.fields[accuracy]}"
        super().__init__(text, quiet=quiet, fields={"rate": 0.0, "accuracy": ""})
        self._n_epochs, self._accuracy = n_epochs, ""

    def report(self, epoch: int, step: int, n_steps: int, images_per_s: float, row: Epoch | None) -> None:
        """See ``neuronas.training.loop.Report``."""
        if row is not None:
            validation = row.validation_accuracy
            shown = "" if validation is None else f", validation {validation:.1%}"
            self._accuracy = f"train {row.train_accuracy:.1%}{shown}"
            line = f"epoch {row.epoch} of {self._n_epochs}: loss {row.train_loss:.4f}, {self._accuracy}"
            _log.info(line)
            self._line(f"{line}, {images_per_s:,.0f} images/s")
        elif self._is_line_due:
            self._line(
                f"epoch {epoch + 1} of {self._n_epochs}: step {step:,} of {n_steps:,}, {images_per_s:,.0f} images/s"
            )
        done, total = epoch * n_steps + step, self._n_epochs * n_steps
        fields = {"rate": images_per_s, "accuracy": self._accuracy}
        self._draw(f"epoch {min(epoch + 1, self._n_epochs)}", done, total, fields)


class BenchmarkProgress(Display):
    """Shows how many functions a benchmark of a fitness has evaluated."""

    def __init__(self, *, quiet: bool):
        super().__init__("", quiet=quiet, fields={})

    def report(self, n_done: int, n_total: int) -> None:
        """See ``neuronas.experiments.proxy_benchmark.Report``."""
        self._draw("evaluating", n_done, n_total, {})
        if self._is_line_due:
            self._line(f"{n_done:,} of {n_total:,} evaluated")
