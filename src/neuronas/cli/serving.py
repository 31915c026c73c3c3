"""Live pages: the options of the commands that serve one, and the server of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronas.cli import console
from neuronas.errors import ConfigurationError

if TYPE_CHECKING:
    from neuronas.report.live import LiveRun
    from neuronas.report.server import LivePage, LiveServer

PANEL = "Live page"
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Port of the live page \\[any free one].", rich_help_panel=PANEL),
]
Serve = Annotated[
    bool,
    typer.Option(
        "--serve", help="Show the search live in the browser, on this machine only \\[off].", rich_help_panel=PANEL
    ),
]


def live_server(directory: Path, port: int | None) -> "LiveServer":
    """Create the server of a run's live page, without starting it.

    Raises:
        ConfigurationError: the port is taken.
    """
    from neuronas.report.server import LiveServer

    return LiveServer(_live_run(directory), port or 0)


@contextmanager
def served(directory: Path, *, serve: bool, port: int | None, quiet: bool) -> Iterator[None]:
    """Serve a run's live page during a computation, if requested; see ``serving``."""
    with serving(_live_run(directory) if serve else None, port, quiet=quiet):
        yield


@contextmanager
def serving(shown: "LivePage | None", port: int | None, *, quiet: bool) -> Iterator[None]:
    """Serve a live page during a computation; None: no page is requested.

    Raises:
        ConfigurationError: a port is given without a page, or the port is taken.
    """
    if port is not None and shown is None:
        raise ConfigurationError(f"--port {port} given without --serve, the page that it is for")
    if shown is None:
        yield
        return
    from neuronas.report.server import LiveServer

    with LiveServer(shown, port or 0) as server:
        if not quiet:
            console.notes.print(f"live page, on this machine only: {server.address}")
        yield


def _live_run(directory: Path) -> "LiveRun":
    from neuronas.api.reporting.run_facts import read_run
    from neuronas.report.live import LiveRun

    return LiveRun(directory, read_run)
