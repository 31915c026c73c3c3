"""``neuronas report RUN``: one HTML file about a run."""

from pathlib import Path
from typing import Annotated

import typer

from neuronas.cli import console, options
from neuronas.cli.run_facts import read_runs
from neuronas.config import write_text
from neuronas.report.page import report_page

OutFile = Annotated[Path | None, typer.Option(help="File to write, or a folder.", rich_help_panel="Run")]


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")],
    out: OutFile = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a run as one HTML file that opens offline (by default report.html in the run directory)."""
    (facts,) = read_runs([run])
    write_page(out or run, "report.html", report_page(facts), as_json=as_json, quiet=quiet)


def write_page(place: Path, name: str, page: str, *, as_json: bool, quiet: bool) -> None:
    """Write a page to a file, or under this name into a folder that is there, and say where it is."""
    file = place / name if place.is_dir() else place
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, page)
    if as_json:
        console.print_json({"file": str(file), "bytes": len(page.encode())})
    elif not quiet:
        console.answers.print(f"{file}: {len(page.encode()) / 1e6:.2f} MB; open it in a browser")
