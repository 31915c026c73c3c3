"""Reports of runs as offline HTML files, and figures."""

from collections.abc import Sequence
from html import escape
from os import PathLike
from pathlib import Path
from urllib.parse import quote

from pydantic import Field

from neuronas.api.reporting.run_facts import read_run, read_runs
from neuronas.config import as_path, write_text
from neuronas.errors import ConfigurationError
from neuronas.report.figures import check_converter, check_format, write_figures
from neuronas.report.page import comparison_page, report_page
from neuronas.runs.card import Card, Shown
from neuronas.runs.document import Document


class Page(Shown, Document):
    """A written page.

    Attributes:
        file: path of the page.
        n_bytes: size of the page.
        figures: files of the run's figures, by name; empty if none were requested.
        figures_left_out: why a requested figure could not be drawn, by name.
    """

    file: Path
    n_bytes: int
    figures: dict[str, Path] = Field(default_factory=dict)
    figures_left_out: dict[str, str] = Field(default_factory=dict)

    def card(self) -> Card:
        """See ``Shown``; a notebook shows a link to the file."""
        facts = {"file": str(self.file), "size": f"{self.n_bytes / 1e6:.2f} MB"}
        facts |= {name: str(file) for name, file in self.figures.items()}
        facts |= {f"no figure '{name}'": why for name, why in self.figures_left_out.items()}
        link = f'<a href="{escape(quote(str(self.file)))}" target="_blank">open</a>'
        return Card("page", facts, below=link)


def report(
    run: str | PathLike[str],
    *,
    out: str | PathLike[str] | None = None,
    figures: str | PathLike[str] | None = None,
    figure_format: str = "pdf",
) -> Page:
    """Write a run as one HTML file that opens offline and, if requested, its figures.

    Args:
        run: run directory.
        out: file or existing folder; default: ``report.html`` in the run directory.
        figures: folder for figures for a paper; None: no figures.
        figure_format: ``pdf``, ``svg`` or ``png``.

    Raises:
        ConfigurationError: the format is unknown, or vl-convert-python (extra ``figures``) is not installed.
        RunDirectoryError: the directory holds no run.
        VerificationError: one of its files is damaged.
    """
    if figures is not None:
        check_format(figure_format)
        check_converter("figures need")
    directory = as_path(run, "RUN")
    facts = read_run(directory)
    content, place = report_page(facts), as_path(out, "--out") if out is not None else directory
    if figures is None:
        return _write(place, "report.html", content)
    # First, so that no page is written if the folder cannot be created.
    written = write_figures(facts, as_path(figures, "--figures"), figure_format)
    page = _write(place, "report.html", content)
    return page.model_copy(update={"figures": written.files, "figures_left_out": written.left_out})


def compare(runs: Sequence[str | PathLike[str]], *, out: str | PathLike[str] | None = None) -> Page:
    """Write several runs as one HTML file: one table and one plot, with costs by the same model.

    Args:
        runs: two or more different run directories.
        out: file or existing folder; default: ``compare.html`` in the current folder.

    Raises:
        ConfigurationError: fewer than two runs are given, or one is given twice.
        RunDirectoryError: one is not a run directory.
        VerificationError: a file is damaged.
    """
    directories = [as_path(run, "RUN") for run in runs]
    if len(directories) < 2:
        raise ConfigurationError(f"{len(directories)} run given; expected two or more")
    resolved = [run.resolve() for run in directories]
    for number, run in enumerate(directories):
        if resolved[number] in resolved[:number]:
            raise ConfigurationError(f"run '{run}' given twice; expected different ones")
    return _write(
        as_path(out, "--out") if out is not None else Path(),
        "compare.html",
        comparison_page(read_runs(directories)),
    )


def _write(place: Path, name: str, page: str) -> Page:
    """Write a page to a file, or under this name into an existing folder."""
    file = place / name if place.is_dir() else place
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, page)
    return Page(file=file, n_bytes=file.stat().st_size)
