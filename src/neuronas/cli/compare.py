"""``neuronas compare RUN RUN…``: one HTML file about several runs."""

from pathlib import Path
from typing import Annotated

import typer

from neuronas.api.report import compare as write_comparison
from neuronas.cli import console, options
from neuronas.cli.report import OutFile, print_page


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Run directories.")],
    out: OutFile = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write several runs as one HTML file that opens offline (by default compare.html here): one table, one plot."""
    page = write_comparison(runs, out=out)
    if as_json:
        console.print_json(page.document)
    elif not quiet:
        print_page(page)
