"""``neuronas compare RUN RUN…``: one HTML file about several runs."""

from pathlib import Path
from typing import Annotated

import typer

from neuronas.cli import console, options
from neuronas.cli.report import OutFile, write_page
from neuronas.cli.run_facts import read_runs
from neuronas.errors import ConfigurationError
from neuronas.report.page import comparison_page


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Run directories.")],
    out: OutFile = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write several runs as one HTML file that opens offline (by default compare.html here): one table, one plot."""
    if len({run.resolve() for run in runs}) < max(2, len(runs)):
        raise ConfigurationError(f"{len(runs)} run(s) given; wanted two or more different ones")
    page = comparison_page(read_runs(runs))
    written = write_page(out or Path(), "compare.html", page, show=not (as_json or quiet))
    if as_json:
        console.print_json(written)
