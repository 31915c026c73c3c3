"""``neuronas estimate ARCH``: what an architecture costs. Needs neither data nor torch."""

from pathlib import Path
from typing import Annotated, Any

import typer

from neuronas.api.estimate import Estimate
from neuronas.api.estimate import estimate as cost_of
from neuronas.cli import console
from neuronas.cli import options as opt
from neuronas.cli.plots import check_plot, plot_sweep
from neuronas.cli.tables import printable
from neuronas.config import write_text
from neuronas.errors import ConfigurationError
from neuronas.hardware.sweep import changes_nothing
from neuronas.report.cost_tables import budget_table, component_table, layer_table, model_table, sweep_table
from neuronas.report.floorplan_svg import floorplan_svg
from neuronas.runs.costs import SweptConstant
from neuronas.runs.floorplan_file import FloorplanFile

_FILE = "estimate.json"


@opt.with_settings("estimate")
def estimate(
    arch: Annotated[str, typer.Argument(metavar="ARCH", help="Architecture text, architecture.json or run directory.")],
    options: dict[str, Any],
    config: opt.Config = None,
    assignments: opt.Set = None,
    sweep: Annotated[
        str | None,
        typer.Option(help="A constant at several values: crossbar_size=32,64,128.", rich_help_panel="Hardware"),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the sweep into FILE.svg or FILE.png.", rich_help_panel="Hardware")
    ] = None,
    floorplan: Annotated[
        Path | None,
        typer.Option(help="Write the mapping's floorplan to FILE.svg or FILE.json.", rich_help_panel="Hardware"),
    ] = None,
    out: opt.Out = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Estimate an architecture's parameters, area, latency and energy on an accelerator."""
    check_plot(plot, sweep)
    if floorplan and floorplan.suffix not in {".svg", ".json"}:
        raise ConfigurationError(f"--floorplan: given {floorplan}; expected a file that ends in .svg or .json")
    found = cost_of(arch, config=config, assignments=assignments or (), **options)
    if not quiet:
        console.note_unread(found.config.hardware)
    document, model = found.report, found.config.hardware.cost_model
    swept, points = found.sweep(sweep) if sweep else (None, [])
    if swept:
        document = document.model_copy(update={"sweep": SweptConstant.of(swept, points)})
    if plot and swept:
        plot_sweep(plot, swept, points, model)
    if floorplan:
        _write_floorplan(found, floorplan)
    if out:
        document.write(out / _FILE)
    if not quiet:
        for file in (plot, floorplan, out and out / _FILE):
            if file:
                console.notes.print(f"written: {file}")
    if as_json:
        console.print_json(document)
        return
    console.answers.print(printable(budget_table(found.cost, found.budget)))
    if swept:
        console.answers.print("\n", printable(sweep_table(swept, points)), sep="")
        if changes_nothing(points):
            console.notes.print(
                f"note: {swept.key} is in no equation of cost model '{found.config.hardware.cost_model}'"
            )
    if not quiet:
        for content in (
            layer_table(found.cost),
            component_table(found.cost),
            model_table(found.by_all_models(), model),
        ):
            console.answers.print("\n", printable(content), sep="")
        for line in found.cost.assumptions:
            console.notes.print(f"note: {line}", style="dim")


def _write_floorplan(found: Estimate, file: Path) -> None:
    placed = found.floorplan()
    if file.suffix == ".json":
        FloorplanFile.of(placed).write(file)
    else:
        title = f"{found.config.hardware.accelerator}, {found.config.network.weight_bits}-bit weights"
        write_text(file, floorplan_svg(placed, title))
