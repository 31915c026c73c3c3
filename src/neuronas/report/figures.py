"""Figures for papers as files, without a browser: one column wide, reproducible byte for byte.

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
"""Every figure, and the reason if a run lacks it."""


@dataclass(frozen=True)
class Written:
    """Drawn figures, file by name; and missing figures, reason by name."""

    files: dict[str, Path]
    left_out: dict[str, str]


def check_converter(what: str) -> None:
    """Check that the converter is installed, before anything is computed.

    Args:
        what: beginning of the message, such as ``--plot needs``.

    Raises:
        ConfigurationError: vl-convert is not installed.
    """
    try:
        found = find_spec("vl_convert")
    except ValueError:  # installed, but not as a package
        found = None
    if found is None:
        raise ConfigurationError(
            f"{what} vl-convert-python, which is not installed; run: pip install 'neuronas[figures]'"
        )


def check_format(name: str) -> None:
    """Check a file format.

    Raises:
        ConfigurationError: it is not one of ``FORMATS``.
    """
    if name not in FORMATS:
        raise unknown_name("figure format", name, FORMATS)


def write_figures(run: RunFacts, folder: Path, ending: str) -> Written:
    """Draw every figure for which the run has data.

    Args:
        run: the run.
        folder: folder of the figures; created if necessary, files of the same names are replaced.
        ending: file format, one of ``FORMATS``.
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
    """Write a chart or a drawing in the format of the file's extension, with a width in points."""
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
    """Sort the names of a page's resources, which the converter writes in random order, for reproducible bytes."""
    return b"\n".join(sorted(lines[0].split(b"\n")))


def _converter() -> Any:
    import vl_convert  # noqa: PLC0415 - an optional package

    return vl_convert


def _sized(svg: str, width: float) -> str:
    """Scale a drawing to a width in points, or wider if its text would be too small."""
    head, rest = svg.split(">", 1)
    drawn = float(dict(_SIZE.findall(head))["width"])
    width *= max(1.0, drawn / _WIDEST)
    return _SIZE.sub(lambda found: f'{found[1]}="{float(found[2]) * width / drawn:.2f}"', head) + ">" + rest
