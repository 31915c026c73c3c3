"""Pictures of ``estimate``: the plot of a sweep and the floorplan, in the format that the file's name ends with."""

from collections.abc import Sequence
from pathlib import Path

from neuronas.errors import ConfigurationError
from neuronas.hardware.floorplan import Floorplan
from neuronas.hardware.sweep import Sweep, SweepPoint
from neuronas.report.cost_charts import sweep_chart
from neuronas.report.figures import FORMATS, PAGE, check_converter, save
from neuronas.report.floorplan_drawing import floorplan_svg
from neuronas.runs.floorplan_file import FloorplanFile


def check_plot(file: Path | None, sweep: str | None) -> None:
    """Refuse a plot that cannot be drawn before anything is computed.

    Raises:
        ConfigurationError: no sweep, an unknown format, or the converter is not installed.
    """
    if file is None:
        return
    if sweep is None:
        raise ConfigurationError("--plot draws a sweep; expected --sweep KEY=VALUE,VALUE with it")
    _check_ending("--plot", file, FORMATS)
    check_converter("--plot needs")


def check_floorplan(file: Path | None) -> None:
    """Refuse a floorplan that cannot be written, likewise."""
    if file is None:
        return
    _check_ending("--floorplan", file, ("json", *FORMATS))
    if file.suffix not in (".json", ".svg"):
        check_converter(f"--floorplan {file.name} needs")


def write_sweep(file: Path, sweep: Sweep, points: Sequence[SweepPoint], model: str) -> None:
    """Draw area, latency and energy over the swept constant, one panel each."""
    save(sweep_chart(sweep, points, model), file, PAGE)


def write_floorplan(file: Path, plan: Floorplan, title: str) -> None:
    """Write a floorplan as a picture or as JSON."""
    if file.suffix == ".json":
        FloorplanFile.of(plan).write(file)
    else:
        save(floorplan_svg(plan, title), file, PAGE)


def _check_ending(option: str, file: Path, formats: tuple[str, ...]) -> None:
    if file.suffix.removeprefix(".") not in formats:
        *others, last = (f".{name}" for name in formats)
        raise ConfigurationError(f"{option}: given {file}; expected a file that ends in {', '.join(others)} or {last}")
