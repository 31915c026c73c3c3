"""``neuronas estimate ARCH``: cost of an architecture or of your own network. Needs neither data nor torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from neuronas.cli import console, options as opt
from neuronas.config import value_at, weights_text, written
from neuronas.errors import ConfigurationError

if TYPE_CHECKING:
    from neuronas.api.estimating.estimate import Estimate
    from neuronas.api.setup.settings import Config
    from neuronas.hardware.sweep import Sweep, SweepPoint
    from neuronas.runs.costs import CostReport

_FILE, _HARDWARE = "estimate.json", "hardware.accelerator"


@opt.with_settings("estimate")
def estimate(
    arch: opt.Arch,
    options: dict[str, Any],
    input_shape: opt.InputShape = None,
    config: opt.Config = None,
    assignments: opt.Set = None,
    sweep: Annotated[
        str | None,
        opt.option("Vary a constant of the accelerator, such as crossbar_size=32,64,128 \\[none].", panel="Hardware"),
    ] = None,
    plot: Annotated[
        Path | None, opt.path("FILE", "Plot the sweep to FILE.pdf, .svg or .png \\[not plotted].", panel="Hardware")
    ] = None,
    floorplan: Annotated[
        Path | None,
        opt.path("FILE", "Write the floorplan to FILE.svg, .pdf, .png or .json \\[not written].", panel="Hardware"),
    ] = None,
    out: Annotated[Path | None, opt.path("DIR", f"Folder for {_FILE} \\[not written].")] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.estimating.estimate import estimate as cost_of
    from neuronas.api.setup.settings import gathered, without
    from neuronas.cli.tables import printable
    from neuronas.hardware.accelerator import ALL
    from neuronas.report.cost_tables import hardware_table
    from neuronas.runs.costs import SweptConstant

    settings: tuple[dict[str, Any], Config, tuple[str, ...]] = (options, config, tuple(assignments or ()))
    on_all = value_at(written(gathered("estimate", *settings)), _HARDWARE) == ALL
    if on_all:
        settings = without(_HARDWARE, "estimate", *settings)
        if sweep or floorplan:
            raise ConfigurationError(f"--hardware {ALL} given with --sweep or --floorplan; expected one accelerator")
    if plot or floorplan:
        _check_pictures(plot, sweep, floorplan)
    options, base, given = settings
    found = cost_of(arch, input_shape=opt.input_shape_of(input_shape), config=base, assignments=given, **options)
    if on_all:
        compared = found.on_all_hardware()
        if out:
            compared.write(out / _FILE)
        if as_json:
            console.print_json(compared)
            return
        console.answers.print(printable(hardware_table(compared)))
        for refused in compared.refused:
            console.notes.print(f"left out: {refused.reason}")
        return
    document = found.report
    swept, points = found.sweep(sweep) if sweep else (None, [])
    if swept:
        document = document.model_copy(update={"sweep": SweptConstant.of(swept, points)})
    if plot or floorplan:
        _write_pictures(found, swept, points, plot, floorplan)
    if out:
        document.write(out / _FILE)
    if not quiet:
        for file in (plot, floorplan, out and out / _FILE):
            if file:
                console.notes.print(f"written: {file}")
    if as_json:
        console.print_json(document)
    else:
        _print(found, document, swept, points, quiet=quiet)


def _check_pictures(plot: Path | None, sweep: str | None, floorplan: Path | None) -> None:
    """Refuse pictures that cannot be drawn, before anything is computed.

    Raises:
        ConfigurationError: a plot is requested without a sweep, the format is unknown, or the converter is not
            installed.
    """
    from neuronas.report.figures import FORMATS, check_converter

    if plot:
        if sweep is None:
            raise ConfigurationError("--plot draws a sweep; expected --sweep KEY=VALUE,VALUE with it")
        _check_ending("--plot", plot, FORMATS)
        check_converter("--plot needs")
    if floorplan:
        _check_ending("--floorplan", floorplan, ("json", *FORMATS))
        if floorplan.suffix not in (".json", ".svg"):
            check_converter(f"--floorplan {floorplan.name} needs")


def _check_ending(option: str, file: Path, formats: tuple[str, ...]) -> None:
    if file.suffix.removeprefix(".") not in formats:
        *others, last = (f".{name}" for name in formats)
        raise ConfigurationError(f"{option}: given {file}; expected a file that ends in {', '.join(others)} or {last}")


def _write_pictures(
    found: "Estimate", swept: "Sweep | None", points: "list[SweepPoint]", plot: Path | None, floorplan: Path | None
) -> None:
    """Plot area, latency and energy over the swept constant, one panel each; write the floorplan."""
    from neuronas.report.cost_charts import sweep_chart
    from neuronas.report.figures import PAGE, save
    from neuronas.report.floorplan_drawing import floorplan_svg
    from neuronas.runs.floorplan_file import FloorplanFile

    settings = found.config
    if plot and swept:
        save(sweep_chart(swept, points, settings.hardware.cost_model), plot, PAGE)
    if floorplan and floorplan.suffix == ".json":
        FloorplanFile.of(found.floorplan()).write(floorplan)
    elif floorplan:
        title = f"{settings.hardware.accelerator}, {weights_text(settings.network.weight_bits)}"
        save(floorplan_svg(found.floorplan(), title), floorplan, PAGE)


def _print(
    found: "Estimate", document: "CostReport", swept: "Sweep | None", points: "list[SweepPoint]", *, quiet: bool
) -> None:
    from neuronas.cli.architectures import print_budget
    from neuronas.cli.tables import printable
    from neuronas.hardware.sweep import changes_nothing
    from neuronas.report.cost_tables import component_table, layer_table, model_table, sweep_table

    model = found.config.hardware.cost_model
    print_budget(document, found.budget)
    if swept:
        console.answers.print("\n", printable(sweep_table(swept, points)), sep="")
        if changes_nothing(points):
            console.notes.print(f"note: {swept.key} is in no equation of cost model '{model}'")
    if not quiet:
        for content in (
            layer_table(found.cost),
            component_table(found.cost),
            model_table(found.by_all_models(), model),
        ):
            console.answers.print("\n", printable(content), sep="")
        forecast = [found.firing_rates.note] if found.firing_rates else []
        for line in (*found.cost.assumptions, *forecast):
            console.notes.print(f"note: {line}", style="dim")
