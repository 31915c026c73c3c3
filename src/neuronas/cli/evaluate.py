"""``neuronas evaluate RUN [--chip]``: what a trained run does on the test images, as such or on simulated chips."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from neuronas.api.trained import TrainedRun, read_trained
from neuronas.cli import console, options
from neuronas.cli.chip import CHIP_EVALUATION, N_CHIPS, ChipRequest, print_chips, simulate_chips
from neuronas.errors import ConfigurationError
from neuronas.hardware.cost import CostModel
from neuronas.hardware.mapped.activity import Activity as LayerRates
from neuronas.search.files import write_json
from neuronas.space.workload import rows

if TYPE_CHECKING:
    from neuronas.training.evaluation import Accuracy, Activity

EVALUATION = "evaluation.json"
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
    given = read_trained(run, device=device, data_dir=data_dir, hardware=hardware)
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
        document = simulate_chips(given, request, quiet=quiet)
    else:
        document = _measure(given)
    write_json(run / (CHIP_EVALUATION if chip else EVALUATION), console.plain(document))
    if as_json:
        console.print_json(document)
    elif chip:
        print_chips(document, quiet=quiet)
    else:
        _print(document, quiet=quiet)


def _measure(given: TrainedRun) -> dict[str, Any]:
    import numpy as np

    from neuronas.snn.quantisation import FULL_PRECISION
    from neuronas.training.evaluation import accuracy_by_bits, measure_activity

    run, trained = given.plan, given.trained
    network, spiking = run.config.network, trained.network.settings.spiking
    images = given.images("test")
    indices = np.arange(len(images))
    accuracy = accuracy_by_bits(trained.network, images, indices, given.device, network.weight_bits)
    activity = measure_activity(trained.network, images, indices, given.device)
    return {
        "run": str(given.directory),
        "dataset": run.config.data.name,
        "split": "test",
        "n_images": len(images),
        "epoch": trained.epoch,
        "validation_accuracy": trained.accuracy,
        "spiking": spiking,
        "weight_bits": network.weight_bits,
        **_accuracy_document(accuracy[network.weight_bits]),
        "accuracy_by_bits": {
            "float" if bits == FULL_PRECISION else str(bits): one.top1 for bits, one in accuracy.items()
        },
        **_activity_document(activity, spiking=spiking),
        "cost": _cost(given, run.cost_model),
        "cost_at_trace": _cost(given, run.mapped_model(_trace(activity))) if spiking else None,
    }


def _cost(given: TrainedRun, model: CostModel) -> dict[str, Any]:
    cost = model.estimate(rows(given.architecture, given.plan.shape))
    document = given.plan.cost_document(given.architecture, cost, model)
    return {key: value for key, value in document.items() if key != "layers"}


def _trace(activity: "Activity") -> LayerRates:
    return LayerRates(trace={name: layer.input_rate for name, layer in activity.layers.items()})


def _accuracy_document(accuracy: "Accuracy") -> dict[str, Any]:
    return {
        "top1": accuracy.top1,
        "top5": accuracy.top5,
        "per_class": [None if value != value else float(value) for value in accuracy.per_class],
        "confusion": accuracy.confusion.tolist(),
    }


def _activity_document(activity: "Activity", *, spiking: bool) -> dict[str, Any]:
    return {
        "firing_rates": activity.firing_rates,
        "layers": {
            name: {"input_rate": layer.input_rate, "operations": layer.operations, "spiking": layer.spiking}
            for name, layer in activity.layers.items()
        },
        "spikes_per_image": activity.n_spikes if spiking else None,
        "synaptic_operations_per_image": activity.accumulations,
        "multiplications_per_image": activity.multiplications,
        "literature_energy_uj": activity.literature_energy_uj,
    }


def _print(document: dict[str, Any], *, quiet: bool) -> None:
    out = console.answers
    out.print(
        f"top-1 {document['top1']:.2%}, top-5 {document['top5']:.2%} at {document['weight_bits']} bits "
        f"({document['n_images']:,} test images of {document['dataset']})",
        style="bold",
    )
    if quiet:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for bits in document["accuracy_by_bits"]:
        table.add_column(bits if bits == "float" else f"{bits} bits", justify="right")
    table.add_row(*(f"{value:.2%}" for value in document["accuracy_by_bits"].values()))
    out.print(table)
    if document["spiking"]:
        rates = Table(box=None, pad_edge=False, header_style="dim")
        rates.add_column("neurons")
        rates.add_column("spikes a step", justify="right")
        for name, rate in document["firing_rates"].items():
            rates.add_row(name, f"{rate:.3f}")
        out.print(rates)
        out.print(
            f"{document['spikes_per_image']:,.0f} spikes and {document['synaptic_operations_per_image']:,.0f} synaptic "
            f"operations an image, {document['multiplications_per_image']:,.0f} multiplications"
        )
    cost, traced = document["cost"], document["cost_at_trace"]
    at_trace = f", {traced['energy_uj']:.4g} µJ by model '{traced['cost_model']}' at these spikes" if traced else ""
    out.print(
        f"energy: {document['literature_energy_uj']:.4g} µJ by the literature's 0.9 and 4.6 pJ an operation; on "
        f"{cost['hardware']} {cost['energy_uj']:.4g} µJ by model '{cost['cost_model']}'{at_trace}"
    )
