"""Search progress and learning curves."""

from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from neuronas.report.curves import Curves
from neuronas.report.figures.style import BLUE, SKY, VERMILION, legend_above, new_figure, plain_numbers
from neuronas.runs.candidates import Candidates

_LINES = ((BLUE, "-"), (VERMILION, "--"))
FEW = 500  # fewer points are drawn larger
_LABEL_CHARACTERS = 16  # of one line beside a panel
RASTER_FROM = 3000  # so many points are an image inside the figure: a file of paths would be slow to open


def progress_figure(curves: Curves, candidates: Candidates) -> Figure:
    """The fitness of every candidate, and the best so far."""
    figure = new_figure(2.1)
    axes = figure.subplots()
    numbers = range(1, len(candidates) + 1)
    axes.plot(
        numbers,
        candidates.fitness,
        linestyle="none",
        marker=".",
        markersize=2 if len(candidates) > FEW else 3.5,
        color=SKY,
        markeredgewidth=0,
        label="candidates",
        rasterized=len(candidates) > RASTER_FROM,
    )
    _lines(axes, curves)
    axes.set_ylabel("fitness")
    plain_numbers(axes.xaxis, axes.yaxis)
    legend_above(figure, 3)
    return figure


def learning_figure(panels: tuple[Curves, ...]) -> Figure:
    """A panel for each quantity over the epochs."""
    figure = new_figure(0.3 + 1.2 * len(panels))
    for number, (axes, curves) in enumerate(
        zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True)
    ):
        _lines(axes, curves)
        axes.set_ylabel(fill(curves.title.lower(), _LABEL_CHARACTERS))
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        if curves.shares:
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        if number < len(panels) - 1:
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)
        if len(curves.drawn) > 1:
            axes.legend(loc="lower right")
    return figure


def _lines(axes: Axes, curves: Curves) -> None:
    for line, (colour, dashes) in zip(curves.drawn, _LINES, strict=False):
        xs, ys = zip(*line.points, strict=True)
        drawn = "steps-post" if line.steps else "default"
        alone = "o" if len(xs) == 1 else ""
        axes.plot(xs, ys, dashes, marker=alone, color=colour, drawstyle=drawn, label=line.name)
    axes.set_xlabel(curves.x_title)
