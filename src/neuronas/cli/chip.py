"""``neuronas evaluate RUN --chip``: accuracy of a trained run on simulated chips."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rich.table import Table

from neuronas.api.trained import TrainedRun
from neuronas.cli import console
from neuronas.cli.progress import Display

if TYPE_CHECKING:
    from neuronas.chip.model import ChipModel
    from neuronas.chip.monte_carlo import AblationRow, Bench, ChipAccuracy

CHIP_EVALUATION = "chip.json"
N_CHIPS = 20
_N_CALIBRATION = 128
"""Training images on which gains and converters are trimmed and layers are measured."""


@dataclass(frozen=True)
class ChipRequest:
    """What the command line asks for.

    Attributes:
        n_chips: to be simulated.
        seed: of the chips.
        without: non-idealities that are switched off.
        scheme: how weights with a sign are held; None: the accelerator decides.
        variation: distribution of the write variation.
        gain_calibration: trim the gain of each column.
        ablation: try the non-idealities one by one as well.
    """

    n_chips: int
    seed: int
    without: Sequence[str]
    scheme: str | None
    variation: str
    gain_calibration: bool
    ablation: bool


class ChipProgress(Display):
    """Chips of one kind that are done."""

    def __init__(self, *, quiet: bool):
        super().__init__("chips", quiet=quiet, fields={})

    def report(self, what: str, done: int, total: int) -> None:
        """Show where the simulation stands."""
        self._draw(what, done, total, {})
        if self._is_line_due:
            self._line(f"{what}: {done} of {total} chips")


def simulate_chips(given: TrainedRun, request: ChipRequest, *, quiet: bool) -> dict[str, Any]:
    """Simulate and return the content of ``chip.json``; docs/chip-simulation.md says what it means."""
    from neuronas.chip.model import chip_model
    from neuronas.chip.monte_carlo import ablate, simulate

    run, network = given.plan, given.plan.config.network
    full = chip_model(
        run.accelerator,
        run.config.hardware.accelerator,
        network.weight_bits,
        scheme=request.scheme,
        variation=request.variation,
        gain_calibration=request.gain_calibration,
    )
    model = full.without(request.without)
    bench = make_bench(given, request)
    started = perf_counter()
    with ChipProgress(quiet=quiet) as progress:
        plain = _plain(bench)
        accuracy = simulate(bench, model, progress.report)
        rows = ablate(bench, model, accuracy, progress.report) if request.ablation else []
    document = {
        "run": str(given.directory),
        "dataset": run.config.data.name,
        "split": "test",
        "n_images": len(bench.images),
        "n_calibration_images": len(bench.calibration),
        "hardware": run.config.hardware.accelerator,
        "weight_bits": network.weight_bits,
        "timesteps": network.timesteps,
        "seed": request.seed,
        "model": _model_document(model),
        "quantised_network_top1": plain,
        **_accuracy_document(accuracy),
        "layers": {
            name: {"snr_db": one.snr_db, "adc_saturation": one.saturation} for name, one in accuracy.layers.items()
        },
        "seconds": round(perf_counter() - started, 2),
    }
    if request.ablation:
        document["ablation"] = [_row_document(row, plain) for row in rows]
    return document


def make_bench(given: TrainedRun, request: ChipRequest) -> "Bench":
    """The trained network, test images, and training images for calibration."""
    import numpy as np

    from neuronas.chip.mapped_layer import pixel_format
    from neuronas.chip.monte_carlo import Bench

    run = given.plan
    training, test = given.images("train"), given.images("test")
    chosen = np.random.default_rng([request.seed, 5]).permutation(len(training))[:_N_CALIBRATION]
    return Bench(
        network=given.trained.network,
        pixels=pixel_format(run.preset.mean, run.preset.std, int(run.accelerator.digital.image_bits)),
        calibration=training.normalised(training.fetch(np.sort(chosen)).to(given.device)),
        images=test,
        indices=np.arange(len(test)),
        device=given.device,
        n_chips=request.n_chips,
        seed=request.seed,
    )


def _plain(bench: "Bench") -> float:
    from neuronas.training.evaluation import accuracy

    return accuracy(bench.network, bench.images, bench.indices, bench.device).top1


def _model_document(model: "ChipModel") -> dict[str, Any]:
    return {
        "non_idealities": list(model.active),
        "sign_scheme": model.scheme,
        "bits_per_cell": model.bits_per_cell,
        "crossbar_size": model.n_rows,
        "on_resistance_ohm": model.on_resistance_ohm,
        "off_resistance_ohm": model.off_resistance_ohm,
        "write_variation": model.write_variation,
        "variation": model.variation,
        "read_noise": model.read_noise,
        "stuck_on_share": model.stuck_on_share,
        "stuck_off_share": model.stuck_off_share,
        "column_resistance_ohm": model.column_resistance_ohm,
        "adc_bits": model.adc_bits,
        "gain_calibration": model.gain_calibration,
    }


def _accuracy_document(accuracy: "ChipAccuracy") -> dict[str, Any]:
    low, high = accuracy.interval
    return {
        "n_chips": len(accuracy.per_chip),
        "top1_mean": accuracy.mean,
        "top1_std": accuracy.std,
        "top1_interval_95": [low, high],
        "top1_per_chip": list(accuracy.per_chip),
    }


def _row_document(row: "AblationRow", plain: float) -> dict[str, Any]:
    loss = {"loss": plain - row.accuracy.mean}
    return {"name": row.name, "non_idealities": list(row.active), **_accuracy_document(row.accuracy), **loss}


def print_chips(document: dict[str, Any], *, quiet: bool) -> None:
    """Show ``chip.json`` to people."""
    out = console.answers
    low, high = document["top1_interval_95"]
    out.print(
        f"top-1 {document['top1_mean']:.2%} ± {document['top1_std']:.2%} on {document['n_chips']} simulated chips "
        f"(95 % interval of the mean {low:.2%} to {high:.2%}); {document['quantised_network_top1']:.2%} without "
        f"non-idealities ({document['n_images']:,} test images of {document['dataset']})",
        style="bold",
    )
    if quiet:
        return
    names = document["model"]["non_idealities"]
    out.print(f"{document['hardware']} with {', '.join(names) or 'no non-ideality'}; {document['seconds']:g} s")
    out.print(_layer_table(document["layers"]))
    if "ablation" in document:
        out.print(_ablation_table(document["ablation"]))


def _layer_table(layers: dict[str, dict[str, float]]) -> Table:
    table = _table("layer", "signal to noise", "ADC saturated")
    for name, one in layers.items():
        table.add_row(name, f"{one['snr_db']:.1f} dB", f"{one['adc_saturation']:.2%}")
    return table


def _ablation_table(rows: list[dict[str, Any]]) -> Table:
    table = _table("non-idealities", "top-1", "loss", "chips")
    for row in rows:
        accuracy = f"{row['top1_mean']:.2%} ± {row['top1_std']:.2%}"
        table.add_row(row["name"], accuracy, f"{row['loss']:.2%}", f"{row['n_chips']}")
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    return table
