"""``neuronas estimate ARCH``: what an architecture costs. Needs neither data nor torch."""

from typing import Annotated

import typer
from rich.table import Table

from neuronas.cli import console, options
from neuronas.cli.architectures import read_architecture
from neuronas.cli.compose import plan
from neuronas.hardware.cost import Cost
from neuronas.hardware.document import cost_document
from neuronas.space.notation import format_architecture
from neuronas.space.workload import rows


def estimate(
    arch: Annotated[str, typer.Argument(metavar="ARCH", help="Architecture text, architecture.json or run directory.")],
    config: options.Config = None,
    dataset: options.Dataset = None,
    image_side: options.ImageSide = None,
    space: options.SpaceName = None,
    channels: options.Channels = None,
    weight_bits: options.WeightBits = None,
    timesteps: options.Timesteps = None,
    hardware: options.Hardware = None,
    cost_model: options.CostModelName = None,
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
    settings = options.settings(
        config or given.config,
        dataset=dataset,
        image_side=image_side,
        space=space,
        channels=channels,
        weight_bits=weight_bits,
        timesteps=timesteps,
        hardware=hardware,
        cost_model=cost_model,
        max_parameters=max_parameters,
        max_area_mm2=max_area_mm2,
        max_latency_ms=max_latency_ms,
        max_energy_uj=max_energy_uj,
        seed=seed,
        device=device,
    )
    run = plan(settings)
    text = format_architecture(given.architecture)
    cost = run.cost_model.estimate(rows(given.architecture, run.shape))
    network = run.config.network
    document = cost_document(
        text, run.config.hardware.accelerator, run.cost_model.name, network.weight_bits, network.timesteps, cost
    )
    if out:
        options.write_document(out, "estimate.json", document)
    if as_json:
        console.print_json(document)
        return
    console.answers.print(console.budget_table(cost, run.budget))
    if not quiet:
        console.answers.print("\n", _layer_table(cost), "\n", _component_table(cost), sep="")
        for line in cost.assumptions:
            console.notes.print(f"note: {line}", style="dim")


def _layer_table(cost: Cost) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in (
        "layer",
        "kind",
        "channels",
        "kernel",
        "side",
        "crossbars",
        "PEs",
        "tiles",
        "used",
        "mm²",
        "ms",
        "µJ",
    ):
        table.add_column(title, justify="left" if title in {"layer", "kind"} else "right")
    for row in cost.layers:
        layer = row.layer
        shape = (
            layer.name,
            layer.kind,
            f"{layer.in_channels}→{layer.out_channels}",
            f"{layer.kernel}x{layer.kernel}",
            f"{layer.in_side}→{layer.out_side}",
        )
        if row.n_crossbars:
            counts = (f"{row.n_crossbars}", f"{row.n_pes}", f"{row.n_tiles}", f"{row.utilisation:.0%}")
            table.add_row(*shape, *counts, f"{row.area_mm2:.3f}", f"{row.latency_ms:.3f}", f"{row.energy_uj:.3f}")
        else:
            table.add_row(*shape, "not counted", style="dim")
    return table


def _component_table(cost: Cost) -> Table:
    names = list(dict.fromkeys(name for parts in cost.components.values() for name in parts))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("component")
    for title in ("mm²", "ms", "µJ"):
        table.add_column(title, justify="right")
    for name in names:
        cells = (cost.components[quantity].get(name) for quantity in ("area_mm2", "latency_ms", "energy_uj"))
        table.add_row(name, *("" if value is None else f"{value:.3f}" for value in cells))
    return table
