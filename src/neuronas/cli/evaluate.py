"""``neuronas evaluate RUN [--chip]``: what a trained run does on the test images, as such or on simulated chips."""

from pathlib import Path
from typing import Annotated, Any

import typer

from neuronas.api.chip import N_CHIPS, ChipRequest, evaluate_on_chips
from neuronas.api.evaluate import evaluate as measure
from neuronas.cli import console, options
from neuronas.cli.chip import ChipProgress, print_chips
from neuronas.cli.tables import printable
from neuronas.errors import ConfigurationError
from neuronas.report.accuracy_tables import precision_table, rates_table

_CHIP = "Chip"
Chip = Annotated[bool, typer.Option("--chip", help="Measure it on simulated chips.", rich_help_panel=_CHIP)]
Chips = Annotated[int | None, typer.Option(min=1, help="Chips to simulate (20).", rich_help_panel=_CHIP)]
ChipSeed = Annotated[int | None, typer.Option("--seed", min=0, help="Decides the chips (0).", rich_help_panel=_CHIP)]
Without = Annotated[
    str | None,
    typer.Option(
        help="Switch off, such as adc,read_noise; or write_variation, wire_resistance, stuck_cells, off_conductance.",
        rich_help_panel=_CHIP,
    ),
]
SignScheme = Annotated[
    str | None, typer.Option(help="differential, offset-binary or twos-complement.", rich_help_panel=_CHIP)
]
Variation = Annotated[str | None, typer.Option(help="normal or lognormal write variation.", rich_help_panel=_CHIP)]
Gain = Annotated[
    bool | None, typer.Option("--gain-calibration/--no-gain-calibration", help="Trim columns.", rich_help_panel=_CHIP)
]
Ablation = Annotated[
    bool | None, typer.Option("--ablation", help="Which non-ideality costs how much.", rich_help_panel=_CHIP)
]


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a trained run.")],
    chip: Chip = False,
    chips: Chips = None,
    ablation: Ablation = None,
    without: Without = None,
    sign_scheme: SignScheme = None,
    variation: Variation = None,
    gain_calibration: Gain = None,
    seed: ChipSeed = None,
    hardware: options.Hardware = None,
    data_dir: options.DataDir = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure a trained run on its test images: accuracy at every precision, firing rates, operations, cost.

    With --chip: accuracy on simulated crossbar chips, written to chip.json (see docs/chip-simulation.md).
    """
    for name in ("chips", "ablation", "without", "sign_scheme", "variation", "gain_calibration", "seed"):
        if locals()[name] is not None and not chip:
            raise ConfigurationError(f"--{name.replace('_', '-')} given without --chip; add --chip to simulate chips")
    if chip:
        names = [name.strip() for name in (without or "").split(",") if name.strip()]
        request = ChipRequest(
            n_chips=chips or N_CHIPS,
            seed=seed or 0,
            without=names,
            scheme=sign_scheme,
            variation=variation or "normal",
            gain_calibration=gain_calibration is not False,
            ablation=bool(ablation),
        )
        with ChipProgress(quiet=quiet) as progress:
            document = evaluate_on_chips(
                run, request, hardware=hardware, data_dir=data_dir, device=device, report=progress.report
            ).document
    else:
        document = measure(run, hardware=hardware, data_dir=data_dir, device=device).document
    if as_json:
        console.print_json(document)
    elif chip:
        print_chips(document, quiet=quiet)
    else:
        _print(document, quiet=quiet)


def _print(document: dict[str, Any], *, quiet: bool) -> None:
    out = console.answers
    out.print(
        f"top-1 {document['top1']:.2%}, top-5 {document['top5']:.2%} at {document['weight_bits']} bits "
        f"({document['n_images']:,} test images of {document['dataset']})",
        style="bold",
    )
    if quiet:
        return
    out.print(printable(precision_table(document["accuracy_by_bits"])))
    if document["spiking"]:
        out.print(printable(rates_table(document["firing_rates"])))
        out.print(
            f"{document['spikes_per_image']:,.0f} spikes and {document['synaptic_operations_per_image']:,.0f} synaptic "
            f"operations per image, {document['multiplications_per_image']:,.0f} multiplications"
        )
    cost, traced = document["cost"], document["cost_at_trace"]
    at_trace = f", {traced['energy_uj']:.4g} µJ by model '{traced['cost_model']}' at these spikes" if traced else ""
    out.print(
        f"energy: {document['literature_energy_uj']:.4g} µJ by the literature's 0.9 and 4.6 pJ per operation; on "
        f"{cost['hardware']} {cost['energy_uj']:.4g} µJ by model '{cost['cost_model']}'{at_trace}"
    )
