"""Shows how a benchmark of a fitness goes on."""

from time import monotonic
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from neuronas.cli import console

_LINE_EVERY_S = 10.0


class BenchmarkProgress:
    """Draws how many functions are evaluated: a bar on standard error, or a line now and then without a terminal."""

    def __init__(self, *, quiet: bool):
        self._quiet = quiet
        self._bar = Progress(
            TextColumn("evaluating"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console.notes,
            transient=True,
            disable=quiet or not console.notes.is_terminal,
        )
        self._task = self._bar.add_task("evaluating", total=None)
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

    def report(self, n_done: int, n_total: int) -> None:
        """See ``neuronas.experiments.proxy_benchmark.Report``."""
        self._bar.update(self._task, completed=n_done, total=n_total)
        if not self._quiet and not console.notes.is_terminal and monotonic() - self._last_line > _LINE_EVERY_S:
            self._last_line = monotonic()
            console.notes.print(f"{n_done:,} of {n_total:,} evaluated")
