"""Plots of ``estimate --sweep``. Matplotlib is an extra (``neuronas[figures]``) and imported only here."""

from collections.abc import Sequence
from pathlib import Path

from neuronas.errors import ConfigurationError
from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.sweep import Sweep, SweepPoint
from neuronas.report.formats import FORMATS, check_matplotlib


def check_plot(file: Path | None, sweep: str | None) -> None:
    """Refuse a plot that cannot be drawn before anything is computed.

    Raises:
        ConfigurationError: no sweep, another format than PDF, SVG or PNG, or matplotlib is not installed.
    """
    if file is None:
        return
    if sweep is None:
        raise ConfigurationError("--plot draws a sweep; expected --sweep KEY=VALUE,VALUE with it")
    if file.suffix.removeprefix(".") not in FORMATS:
        raise ConfigurationError(f"--plot: given {file}; expected a file that ends in .pdf, .svg or .png")
    check_matplotlib("--plot needs")


def plot_sweep(file: Path, sweep: Sweep, points: Sequence[SweepPoint], model: str) -> None:
    """Draw area, latency and energy over the swept constant, one panel each, into a PDF, SVG or PNG file."""
    from neuronas.hardware.units import axis_label
    from neuronas.report.figures.style import BLUE, new_figure, plain_numbers, save, style

    names = [name for name in BUDGETED if name != "parameters"]
    values = [point.value for point in points]
    with style():
        figure = new_figure(2.2, width_inches=2.3 * len(names))
        for axes, name in zip(figure.subplots(1, len(names)), names, strict=True):
            heights = [getattr(point.cost, name) for point in points]
            axes.plot(values, heights, marker="o", color=BLUE)
            axes.set_xlabel(sweep.key)
            axes.set_ylabel(axis_label(name))
            axes.set_ylim(0, 1.1 * max(heights))
            axes.set_xticks(values)
            axes.grid(axis="y")
            plain_numbers(axes.xaxis, axes.yaxis)
        figure.suptitle(f"estimates of cost model '{model}'")
        save(figure, file)
