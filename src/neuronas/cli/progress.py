"""Progress display of all commands: a bar in a terminal or a notebook, otherwise occasional lines."""

import sys
from html import escape
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rich.progress import BarColumn, Progress, TextColumn

from neuronas.cli import console
from neuronas.report.tables import duration
from neuronas.runs.observer import Advanced, BatchProposed, EpochEnded, FinalistTrained, Finished, RunEnded, Started

_LINE_EVERY_S = 10.0
_ESTIMATE_AFTER_S, _ESTIMATE_AFTER_N, _LONG_S = 2.0, 3, 20.0
"""Seconds and items, without the first step, before the total time is estimated; and seconds of a long task."""
_REDRAW_EVERY_S = 0.2
_SHOWN = ("best_fitness", "train_accuracy", "validation_accuracy", "top1")
"""Values shown next to the bar."""


class ProgressBar:
    """An observer that shows progress, with rate and remaining time, on standard error or below a notebook cell.

    Args:
        quiet: show nothing.
    """

    def __init__(self, *, quiet: bool = False):
        self._quiet = quiet
        self._bar: _Bar = _Nothing()
        self._last_line = self._last_drawn = monotonic()
        self._is_estimated = False

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar, also after a failure."""
        self._bar.close()

    def started(self, event: Started) -> None:
        """See ``Observer``."""
        self._bar.close()
        self._bar = _Nothing() if self._quiet else _NotebookBar() if _in_notebook() else _TerminalBar()
        self._last_line = self._last_drawn = monotonic()
        self._is_estimated = False

    def progress(self, event: Advanced) -> None:
        """See ``Observer``."""
        now = monotonic()
        self._estimate(event)
        if event.detail is not None or now - self._last_drawn > _REDRAW_EVERY_S:
            self._last_drawn = now
            self._bar.draw(event, describe(event))
        if isinstance(event.detail, RunEnded | FinalistTrained):
            self._last_line = now
            self._note(str(event.detail))
        elif isinstance(event.detail, BatchProposed):
            self._line(str(event.detail))
        elif isinstance(event.detail, EpochEnded):
            self._line(f"{event.detail}, {_rate(event)}")
        elif event.unit == "%" and now - self._last_line > _LINE_EVERY_S:
            self._line(", ".join(part for part in (event.part, describe(event)) if part))
        elif now - self._last_line > _LINE_EVERY_S:
            total = "" if event.total is None else f" of {event.total:,}"
            self._line(f"{event.part}, {event.done:,}{total} {event.unit}, {describe(event)}")

    def finished(self, event: Finished) -> None:
        """See ``Observer``."""
        self._bar.close()

    def _estimate(self, event: Advanced) -> None:
        """Print once an estimate of the total time, from the items after the first step."""
        left = event.seconds_left
        is_early = event.n_observed < _ESTIMATE_AFTER_N or event.seconds_observed < _ESTIMATE_AFTER_S
        if self._is_estimated or self._quiet or left is None or is_early:
            return
        self._is_estimated = True
        if left >= _LONG_S:
            n = event.done - event.n_before
            self._note(
                f"about {duration(event.seconds + left)} for {(event.total or 0) - event.n_before:,} {event.unit} "
                f"(estimated from the first {n:,})"
                if event.unit != "%"
                else f"about {duration(left)} left"
            )

    def _line(self, text: str) -> None:
        if not self._quiet and not self._bar.is_drawn and not console.notes.is_terminal:
            self._last_line = monotonic()
            self._note(text)

    def _note(self, text: str) -> None:
        if not self._quiet and not self._bar.note(text):
            console.notes.print(text)


def describe(event: Advanced) -> str:
    """Rate, remaining time and the main values, as text."""
    parts = []
    if event.unit == "%":
        parts += [f"{event.done} %"] if event.total else []
    elif event.done > event.n_before:
        parts.append(_rate(event))
    if event.seconds_left is not None:
        parts.append(f"about {duration(event.seconds_left)} left")
    parts += [f"{name.replace('_', ' ')} {event.values[name]:.4g}" for name in _SHOWN if name in event.values]
    return ", ".join(parts)


def _rate(event: Advanced) -> str:
    rate = event.rate
    return f"{rate:,.{0 if rate >= 100 else 1}f} {event.unit}/s" if rate >= 1 else f"{1 / max(rate, 1e-9):.3g} s each"


class _Nothing:
    """A display that shows nothing; base of the others. ``is_drawn``: it replaces lines of text."""

    is_drawn = False

    def draw(self, event: Advanced, text: str) -> None:
        """Show the progress."""

    def note(self, text: str) -> bool:
        """Show a line next to the bar; False: the caller has to print it."""
        return False

    def close(self) -> None:
        """Remove the bar."""


class _TerminalBar(_Nothing):
    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            console=console.notes,
            transient=True,
            disable=not console.notes.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None, text="")
        self._bar.start()

    def draw(self, event: Advanced, text: str) -> None:
        """See ``_Nothing``."""
        self._bar.update(self._task, description=event.part, completed=event.done, total=event.total, text=text)

    def close(self) -> None:
        """See ``_Nothing``."""
        self._bar.stop()


class _NotebookBar(_Nothing):
    is_drawn = True

    def __init__(self) -> None:
        from IPython.display import display

        self._handle: Any = display(_Html(""), display_id=True)  # type: ignore[no-untyped-call]
        self._notes: list[str] = []
        self._shown = ""

    def draw(self, event: Advanced, text: str) -> None:
        """See ``_Nothing``."""
        ends = "" if event.total is None else f' value="{event.done}" max="{max(event.total, 1)}"'
        self._shown = f"<div><progress{ends}></progress> {escape(event.part)}, {escape(text)}</div>"
        self._update()

    def note(self, text: str) -> bool:
        """See ``_Nothing``."""
        self._notes = [*self._notes[-4:], text]
        self._update()
        return True

    def close(self) -> None:
        """See ``_Nothing``."""
        self._shown = ""
        self._update()

    def _update(self) -> None:
        self._handle.update(_Html(self._shown + "".join(f"<div>{escape(one)}</div>" for one in self._notes)))


class _Html:
    """Object that a notebook shows as HTML."""

    def __init__(self, html: str):
        self._html = html

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return ""


_Bar = _Nothing


def _in_notebook() -> bool:
    """Whether the program runs in the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None
