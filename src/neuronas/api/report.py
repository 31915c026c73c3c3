"""Runs as HTML files that open offline."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from neuronas.api.run_facts import read_runs
from neuronas.config import write_text
from neuronas.errors import ConfigurationError
from neuronas.report.page import comparison_page, report_page


@dataclass(frozen=True)
class Page:
    """A page that was written.

    Attributes:
        file: where.
        n_bytes: its size.
    """

    file: Path
    n_bytes: int

    @property
    def document(self) -> dict[str, Any]:
        """What ``neuronas report --json`` prints."""
        return {"file": str(self.file), "bytes": self.n_bytes}


def report(run: str | PathLike[str], *, out: str | PathLike[str] | None = None) -> Page:
    """Write a run as one HTML file that opens offline.

    Args:
        run: the run's directory.
        out: file, or a folder that is there; default: ``report.html`` in the run's directory.

    Raises:
        RunDirectoryError: no run.
        VerificationError: one of its files is broken.
    """
    (facts,) = read_runs([Path(run)])
    return _write(Path(out) if out else Path(run), "report.html", report_page(facts))


def compare(runs: Sequence[str | PathLike[str]], *, out: str | PathLike[str] | None = None) -> Page:
    """Write several runs as one HTML file: one table, one plot.

    Args:
        runs: their directories, two or more different ones.
        out: file, or a folder that is there; default: ``compare.html`` here.

    Raises:
        ConfigurationError: fewer than two, or one given twice.
        RunDirectoryError: one is no run.
        VerificationError: a broken file.
    """
    directories = [Path(run) for run in runs]
    if len({run.resolve() for run in directories}) < max(2, len(directories)):
        raise ConfigurationError(f"{len(directories)} run(s) given; wanted two or more different ones")
    return _write(Path(out) if out else Path(), "compare.html", comparison_page(read_runs(directories)))


def _write(place: Path, name: str, page: str) -> Page:
    """Write a page to a file, or under this name into a folder that is there."""
    file = place / name if place.is_dir() else place
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, page)
    return Page(file, len(page.encode()))
