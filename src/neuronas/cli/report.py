"""``neuronas report RUN``: one HTML file about a run, and its figures."""

from pathlib import Path
from typing import Annotated, Any

import typer

from neuronas.api.report import Page
from neuronas.api.report import report as write_report
from neuronas.api.run_facts import read_runs
from neuronas.cli import console, options
from neuronas.cli.plots import check_format, check_matplotlib
from neuronas.errors import ConfigurationError
from neuronas.report.facts import RunFacts

OutFile = Annotated[Path | None, typer.Option(help="File to write, or a folder.", rich_help_panel="Run")]
Figures = Annotated[
    Path | None,
    typer.Option(help="Folder to write figures for a paper into as well.", rich_help_panel="Figures"),
]
FigureFormat = Annotated[str | None, typer.Option(help="pdf (default), svg or png.", rich_help_panel="Figures")]


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")],
    out: OutFile = None,
    figures: Figures = None,
    figure_format: FigureFormat = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a run as one HTML file that opens offline (by default report.html in the run directory)."""
    if figures is None and figure_format is not None:
        raise ConfigurationError(f"--figure-format {figure_format} given without --figures DIR")
    if figures is not None:
        check_format(figure_format or "pdf")
        check_matplotlib("--figures")
    page, show = write_report(run, out=out), not (as_json or quiet)
    if show:
        print_page(page)
    written = page.document
    if figures is not None:
        (facts,) = read_runs([run])
        written |= _write_figures(facts, figures, figure_format or "pdf", show=show)
    if as_json:
        console.print_json(written)


def print_page(page: Page) -> None:
    """Say where a page is."""
    console.answers.print(f"{page.file}: {page.n_bytes / 1e6:.2f} MB; open it in a browser")


def _write_figures(facts: RunFacts, folder: Path, ending: str, *, show: bool) -> dict[str, Any]:
    from neuronas.report.figures.write import write_figures

    written = write_figures(facts, folder, ending)
    if show:
        console.answers.print(f"{folder}: {', '.join(file.name for file in written.files.values())}")
        for name, why in written.left_out.items():
            console.notes.print(f"no figure '{name}': {why}")
    return {
        "figures": {name: str(file) for name, file in written.files.items()},
        "figures_left_out": written.left_out,
    }
