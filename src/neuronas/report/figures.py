"""Pictures as files for papers, without a browser: one column of a paper wide, the same bytes again for the same run.

vl-convert (extra ``figures``) is imported only where it is used.
"""

import json
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from neuronas.config import write_bytes, write_text
from neuronas.errors import ConfigurationError, unknown_name
from neuronas.report.charts import Chart
from neuronas.report.facts import RunFacts
from neuronas.report.floorplan_drawing import floorplan_svg
from neuronas.report.network_drawing import network_svg
from neuronas.report.pictures import charts
from neuronas.report.search_charts import pareto_chart
from neuronas.report.style import resolved

FORMATS = ("pdf", "svg", "png")
COLUMN, PAGE = 245.0, 504.0
"""Width of one column, and of both, of a two-column paper in points: 3.4 and 7 inches."""
_SIZE = re.compile(r'\b(width|height)="([\d.]+)"')
_RESOURCES = re.compile(rb"(?:\n +/[a-z]+\d+ \d+ 0 R)+")
_DOTS_PER_INCH = 300
_WIDEST = 528.0  # pixels of a drawing that fits a column: a cell of four nodes
_NO_ARCHITECTURE, _NO_FITNESS = "no architecture in the run", "no fitness in the run's history"
NEEDS = {
    "cells": _NO_ARCHITECTURE,
    "progress": _NO_FITNESS,
    "pareto": _NO_FITNESS,
    "budget": _NO_ARCHITECTURE,
    "layers": _NO_ARCHITECTURE,
    "components": _NO_ARCHITECTURE,
    "floorplan": _NO_ARCHITECTURE,
    "learning": "not trained",
    "accuracy": "not evaluated",
    "firing-rates": "not evaluated",
    "chips": "no ablation on simulated chips",
    "aging": "no simulated chips at several times (evaluate --chip --after)",
}
"""Every figure, and why a run may lack it."""


@dataclass(frozen=True)
class Written:
    """What was drawn: file by name of the figure; and what was not: why, by name."""

    files: dict[str, Path]
    left_out: dict[str, str]


def check_converter(what: str) -> None:
    """Refuse what cannot be exported before anything is computed for it.

    Args:
        what: needs the converter; begins the message, such as ``--plot needs``.

    Raises:
        ConfigurationError: vl-convert is not installed.
    """
    try:
        found = find_spec("vl_convert")
    except ValueError:  # it is there, but not a package
        found = None
    if found is None:
        raise ConfigurationError(
            f"{what} vl-convert-python, which is not installed; install it with: pip install 'neuronas[figures]'"
        )


def check_format(name: str) -> None:
    """Refuse a format that is not written.

    Raises:
        ConfigurationError: none of ``FORMATS``.
    """
    if name not in FORMATS:
        raise unknown_name("figure format", name, FORMATS)


def write_figures(run: RunFacts, folder: Path, ending: str) -> Written:
    """Draw every figure that the run has the numbers for.

    Args:
        run: read from its directory.
        folder: made if it does not exist; files of the same names are replaced.
        ending: one of ``FORMATS``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = figures(run)
    files = {name: folder / f"{name}.{ending}" for name in NEEDS if name in drawn}
    for name, file in files.items():
        save(drawn[name], file, COLUMN)
    return Written(files, {name: why for name, why in NEEDS.items() if name not in drawn})


def figures(run: RunFacts) -> dict[str, Chart | str]:
    """The charts and drawings of a run by name."""
    found: dict[str, Chart | str] = dict(charts(run))
    if "progress" in found and run.candidates:
        answer = run.answer.text if run.answer else None
        found["pareto"] = pareto_chart(run.candidates, run.budget, answer, run.answer_name)
    if run.answer:
        found |= {"cells": network_svg(run.answer), "floorplan": floorplan_svg(run.answer.floorplan, "floorplan")}
    return found


def save(picture: Chart | str, file: Path, width: float) -> None:
    """Write a chart or a drawing as its file's ending says, so many points wide."""
    if isinstance(picture, Chart):
        declared = resolved(json.dumps(picture.figure()))
        picture = str(_converter().vegalite_to_svg(declared, allowed_base_urls=[]))
    svg = _sized(resolved(picture), width)
    if file.suffix == ".svg":
        write_text(file, svg)
    elif file.suffix == ".pdf":
        write_bytes(file, _RESOURCES.sub(_sorted, _converter().svg_to_pdf(svg)))
    else:
        write_bytes(file, _converter().svg_to_png(svg, ppi=_DOTS_PER_INCH))


def _sorted(lines: re.Match[bytes]) -> bytes:
    """The names of a page's resources, which the converter writes in any order, in one order, for the same bytes."""
    return b"\n".join(sorted(lines[0].split(b"\n")))


def _converter() -> Any:
    import vl_convert  # noqa: PLC0415 - an optional package

    return vl_convert


def _sized(svg: str, width: float) -> str:
    """A drawing so many points wide, or wider if its letters would be too small; a unit of its size is a point."""
    head, rest = svg.split(">", 1)
    drawn = float(dict(_SIZE.findall(head))["width"])
    width *= max(1.0, drawn / _WIDEST)
    return _SIZE.sub(lambda found: f'{found[1]}="{float(found[2]) * width / drawn:.2f}"', head) + ">" + rest
