"""Plots of ``estimate --sweep``. Matplotlib is an extra (``neuronas[plots]``) and imported only here."""

from collections.abc import Sequence
from pathlib import Path

from neuronas.errors import ConfigurationError
from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.sweep import Sweep, SweepPoint

_TITLES = {
    "parameters": "parameters",
    "area_mm2": "area, mm\u00b2",
    "latency_ms": "latency, ms",
    "energy_uj": "energy, \u00b5J",
}
_INK, _LINE = "#444444", "#1f6f9f"


def check_plot(file: Path | None, sweep: str | None) -> None:
    """Refuse a plot that cannot be drawn before anything is computed.

    Raises:
        ConfigurationError: no sweep, another format than PNG or SVG, or matplotlib is not installed.
    """
    if file is None:
        return
    if sweep is None:
        raise ConfigurationError("--plot draws a sweep; wanted --sweep KEY=VALUE,VALUE with it")
    if file.suffix not in {".svg", ".png"}:
        raise ConfigurationError(f"--plot: given {file}; wanted a file that ends in .svg or .png")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            "--plot needs matplotlib, which is not installed; pip install 'neuronas[plots]'"
        ) from None


def plot_sweep(file: Path, sweep: Sweep, points: Sequence[SweepPoint], model: str) -> None:
    """Draw area, latency and energy over the swept constant, one panel each, into an SVG or PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in BUDGETED if name != "parameters"]
    figure = Figure(figsize=(3.4 * len(names), 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    values = [point.value for point in points]
    for axes, name in zip(figure.subplots(1, len(names)), names, strict=True):
        heights = [getattr(point.cost, name) for point in points]
        axes.plot(values, heights, marker="o", color=_LINE)
        axes.set_title(_TITLES[name], fontsize=11, color=_INK)
        axes.set_xlabel(sweep.key, color=_INK)
        axes.set_ylim(0, 1.1 * max(heights))
        axes.set_xticks(values)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    figure.suptitle(f"estimates of cost model '{model}'", fontsize=10, color=_INK)
    figure.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None)
