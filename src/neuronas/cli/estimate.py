"""``neuronas estimate ARCH``: what an architecture costs. Needs neither data nor torch."""

from pathlib import Path
from typing import Annotated

import typer

from neuronas.api.architectures import read_architecture
from neuronas.api.compose import Plan, plan
from neuronas.api.settings import read_settings
from neuronas.cli import console, options
from neuronas.cli.cost_tables import comparison_table, component_table, layer_table, sweep_table
from neuronas.cli.plots import check_plot, plot_sweep
from neuronas.config import write_text
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Cost
from neuronas.hardware.document import sweep_document
from neuronas.hardware.floorplan import floorplan as make_floorplan
from neuronas.hardware.floorplan_svg import floorplan_svg
from neuronas.hardware.models import COST_MODELS, make_cost_model
from neuronas.hardware.sweep import changes_nothing, parse_sweep, run_sweep
from neuronas.search.files import write_json
from neuronas.space.layers import Layer
from neuronas.space.workload import rows


def estimate(
    arch: Annotated[str, typer.Argument(metavar="ARCH", help="Architecture text, architecture.json or run directory.")],
    config: options.Config = None,
    dataset: options.Dataset = None,
    image_side: options.ImageSide = None,
    space: options.SpaceName = None,
    channels: options.Channels = None,
    head: options.Head = None,
    weight_bits: options.WeightBits = None,
    timesteps: options.Timesteps = None,
    hardware: options.Hardware = None,
    cost_model: options.CostModelName = None,
    schedule: options.Schedule = None,
    replication: options.Replication = None,
    activity: options.Activity = None,
    firing_rate: options.FiringRate = None,
    trace: options.Trace = None,
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
    max_parameters: options.MaxParameters = None,
    max_area_mm2: options.MaxArea = None,
    max_latency_ms: options.MaxLatency = None,
    max_energy_uj: options.MaxEnergy = None,
    seed: options.Seed = None,
    device: options.Device = None,
    out: options.Out = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Estimate an architecture's parameters, area, latency and energy on an accelerator."""
    given = read_architecture(arch)
    settings = read_settings(
        config or given.config,
        dataset=dataset,
        image_side=image_side,
        space=space,
        channels=channels,
        head=head,
        weight_bits=weight_bits,
        timesteps=timesteps,
        hardware=hardware,
        cost_model=cost_model,
        schedule=schedule,
        replication=replication,
        activity=activity,
        firing_rate=firing_rate,
        trace=trace,
        max_parameters=max_parameters,
        max_area_mm2=max_area_mm2,
        max_latency_ms=max_latency_ms,
        max_energy_uj=max_energy_uj,
        seed=seed,
        device=device,
    )
    check_plot(plot, sweep)
    if floorplan and floorplan.suffix not in {".svg", ".json"}:
        raise ConfigurationError(f"--floorplan: given {floorplan}; wanted a file that ends in .svg or .json")
    run = plan(settings)
    work = rows(given.architecture, run.shape)
    cost = run.cost_model.estimate(work)
    document = run.cost_document(given.architecture, cost)
    swept = parse_sweep(sweep, run.accelerator) if sweep else None
    points = run_sweep(swept, run.accelerator, lambda changed: _cost(run, changed, work)) if swept else []
    if swept:
        document |= sweep_document(swept, points)
    if plot and swept:
        plot_sweep(plot, swept, points, run.cost_model.name)
    if floorplan:
        _write_floorplan(run, work, floorplan)
    if out:
        options.write_document(out, "estimate.json", document)
    if as_json:
        console.print_json(document)
        return
    console.answers.print(console.budget_table(cost, run.budget))
    if swept:
        console.answers.print("\n", sweep_table(swept, points), sep="")
        if changes_nothing(points):
            console.notes.print(f"note: {swept.key} is in no equation of cost model '{run.cost_model.name}'")
    if not quiet:
        both = {name: _cost(run, run.accelerator, work, name) for name in COST_MODELS}
        console.answers.print("\n", layer_table(cost), "\n", component_table(cost), sep="")
        console.answers.print("\n", comparison_table(both, run.cost_model.name), sep="")
        for line in cost.assumptions:
            console.notes.print(f"note: {line}", style="dim")


def _cost(run: Plan, accelerator: Accelerator, work: tuple[Layer, ...], name: str | None = None) -> Cost:
    """Cost on a changed accelerator, or by another model than the chosen one."""
    hardware, network = run.config.hardware, run.config.network
    settings = hardware.model_copy(update={"cost_model": name or hardware.cost_model})
    model = make_cost_model(settings, accelerator, network.weight_bits, network.timesteps, run.activity)
    return model.estimate(work)


def _write_floorplan(run: Plan, work: tuple[Layer, ...], file: Path) -> None:
    placed = make_floorplan(work, run.mapped_model().work(work))
    if file.suffix == ".json":
        write_json(file, placed.document())
    else:
        title = f"{run.config.hardware.accelerator}, {run.config.network.weight_bits}-bit weights"
        write_text(file, floorplan_svg(placed, title))
