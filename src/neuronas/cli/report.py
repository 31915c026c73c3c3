"""``neuronas report RUN``: one HTML file about a run, and its figures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronas.cli import console, options
from neuronas.config import as_path
from neuronas.errors import ConfigurationError

if TYPE_CHECKING:
    from neuronas.api.reporting.report import Page

OutFile = Annotated[
    Path | None, options.path("PATH", "File to write, or a folder \\[report.html in the run directory].")
]
Figures = Annotated[Path | None, options.path("DIR", "Folder for figures for a paper \\[none].", panel="Figures")]
FigureFormat = Annotated[str | None, options.option("pdf, svg or png \\[pdf].", panel="Figures")]


def report(
    run: Annotated[Path, typer.Argument(parser=as_path, metavar="RUN", help="Run directory.")],
    out: OutFile = None,
    figures: Figures = None,
    figure_format: FigureFormat = None,
    plugin: options.Plugins = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.reporting.report import report as write_report

    if figures is None and figure_format is not None:
        raise ConfigurationError(f"--figure-format {figure_format} given without --figures DIR")
    page = write_report(run, out=out, figures=figures, figure_format=figure_format or "pdf")
    if as_json:
        console.print_json(page)
    elif not quiet:
        print_page(page)


def print_page(page: "Page") -> None:
    """Print the paths of a page and its figures, and which figures could not be drawn."""
    console.answers.print(f"{page.file}: {page.n_bytes / 1e6:.2f} MB; open it in a browser")
    for name, file in page.figures.items():
        console.answers.print(f"{file}: {name}")
    for name, why in page.figures_left_out.items():
        console.notes.print(f"no figure '{name}': {why}")


def compare(
    runs: Annotated[list[Path], typer.Argument(parser=as_path, metavar="RUN RUN...", help="Run directories.")],
    out: Annotated[Path | None, options.path("PATH", "File to write, or a folder \\[compare.html].")] = None,
    plugin: options.Plugins = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.reporting.report import compare as write_comparison

    page = write_comparison(runs, out=out)
    if as_json:
        console.print_json(page)
    elif not quiet:
        print_page(page)
