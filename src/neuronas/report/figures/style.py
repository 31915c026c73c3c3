"""How figures look: one column of a paper wide, colours that colour-blind people tell apart, the same bytes again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLUMN_INCHES = 3.4
"""Width of one column of a two-column paper."""
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW)
"""Okabe and Ito, Color Universal Design (2008)."""
INK, SOFT, FAINT = "#222222", "#666666", "#d8d8d8"
_SETTINGS: dict[str, Any] = {
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "pdf.fonttype": 42,  # TrueType fonts inside the file, as publishers ask for
    "svg.fonttype": "path",
    "svg.hashsalt": "neuronas",
    "text.parse_math": False,  # a name with $ in it is a name
    "savefig.dpi": 300,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in here: matplotlib's own defaults, whatever the user's are, and ours over them."""
    with rc_context():
        matplotlib.style.use(["default", _SETTINGS])
        yield


def new_figure(height_inches: float, width_inches: float = COLUMN_INCHES) -> Figure:
    """An empty figure that arranges its axes by itself."""
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain_numbers(*axes: Axis) -> None:
    """Numbers along axes as on the page: thousands separators, no offset; millions as M."""
    for axis in axes:
        axis.set_major_formatter(lambda value, _: f"{value / 1e6:,.4g}M" if value >= 1e6 else f"{value:,.10g}")


def legend_above(figure: Figure, markerscale: float = 1.2) -> None:
    """What the axes show, in one line above all; markers are drawn so many times larger there."""
    shown: dict[str, Artist] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True)) | shown
    figure.legend(
        list(shown.values()), list(shown), loc="outside upper center", ncols=len(shown), markerscale=markerscale
    )


def save(figure: Figure, file: Path) -> None:
    """Write a figure as its file's ending says, without the time of day: equal figures are equal files."""
    metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(file.suffix)
    figure.savefig(file, metadata=metadata)
