"""Accuracy of a trained run on simulated chips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from neuronas.api.trained import TrainedRun, read_trained
from neuronas.config import plain, write_json

if TYPE_CHECKING:
    from neuronas.chip.model import ChipModel
    from neuronas.chip.monte_carlo import AblationRow, Bench, ChipAccuracy

CHIP_EVALUATION = "chip.json"
N_CHIPS = 20
_N_CALIBRATION = 128
"""Training images on which gains and converters are trimmed and layers are measured."""


Report = Callable[[str, int, int], None]
"""Is told what is simulated, how many chips of it are done, and of how many."""


def _silent(what: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class ChipRequest:
    """What is asked for.

    Attributes:
        n_chips: to be simulated.
        seed: of the chips.
        without: non-idealities that are switched off.
        scheme: how weights with a sign are held; None: the accelerator decides.
        variation: distribution of the write variation.
        gain_calibration: trim the gain of each column.
        ablation: try the non-idealities one by one as well.
    """

    n_chips: int = N_CHIPS
    seed: int = 0
    without: Sequence[str] = ()
    scheme: str | None = None
    variation: str = "normal"
    gain_calibration: bool = True
    ablation: bool = False


def simulate_chips(given: TrainedRun, request: ChipRequest, report: Report = _silent) -> dict[str, Any]:
    """Simulate, write ``chip.json`` and return its content; docs/chip-simulation.md says what it means."""
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
    quantised = _quantised_network_top1(bench)
    accuracy = simulate(bench, model, report)
    rows = ablate(bench, model, accuracy, report) if request.ablation else []
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
        "quantised_network_top1": quantised,
        **_accuracy_document(accuracy),
        "layers": {
            name: {"snr_db": one.snr_db, "adc_saturation": one.saturation} for name, one in accuracy.layers.items()
        },
        "seconds": round(perf_counter() - started, 2),
    }
    if request.ablation:
        document["ablation"] = [_row_document(row, quantised) for row in rows]
    write_json(given.directory / CHIP_EVALUATION, plain(document))
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
        pixels=pixel_format(
            run.config.data.mean or (), run.config.data.std or (), int(run.accelerator.digital.image_bits)
        ),
        calibration=training.normalised(training.fetch(np.sort(chosen)).to(given.device)),
        images=test,
        indices=np.arange(len(test)),
        device=given.device,
        n_chips=request.n_chips,
        seed=request.seed,
    )


def _quantised_network_top1(bench: "Bench") -> float:
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
    interval = accuracy.interval
    return {
        "n_chips": len(accuracy.per_chip),
        "top1_mean": accuracy.mean,
        "top1_std": accuracy.std,
        "top1_interval_95": None if interval is None else list(interval),
        "top1_per_chip": list(accuracy.per_chip),
    }


def _row_document(row: "AblationRow", quantised: float) -> dict[str, Any]:
    loss = {"loss": quantised - row.accuracy.mean}
    return {"name": row.name, "non_idealities": list(row.active), **_accuracy_document(row.accuracy), **loss}


@dataclass(frozen=True)
class OnChips:
    """Accuracy of a network over simulated chips.

    Attributes:
        top1_mean: mean over the chips, 0 to 1.
        top1_std: standard deviation with n - 1; None for one chip, if others would differ.
        top1_per_chip: of each.
        quantised_network_top1: without any non-ideality.
        document: the content of ``chip.json``.
    """

    top1_mean: float
    top1_std: float | None
    top1_per_chip: tuple[float, ...]
    quantised_network_top1: float
    document: dict[str, Any]


def evaluate_on_chips(
    run: str | PathLike[str],
    request: ChipRequest | None = None,
    *,
    hardware: str | None = None,
    data_dir: str | None = None,
    device: str | None = None,
    report: Report = _silent,
) -> OnChips:
    """Measure a trained run on simulated crossbar chips, and write ``chip.json`` into its directory.

    Args:
        run: the run's directory.
        request: how many chips, and what they are like.
        hardware: accelerator, if not the run's own.
        data_dir: of its data set, if not the run's own.
        device: ``auto``, ``cpu`` or ``cuda``, if not the run's own.
        report: is told of progress.

    Raises:
        RunDirectoryError: no run, or one that was not trained.
        ConfigurationError: a chip that cannot be simulated, or that cannot hold these weights.
        VerificationError: a damaged file.
    """
    given = read_trained(Path(run), device=device, data_dir=data_dir, hardware=hardware)
    document = simulate_chips(given, request or ChipRequest(), report)
    return OnChips(
        document["top1_mean"],
        document["top1_std"],
        tuple(document["top1_per_chip"]),
        document["quantised_network_top1"],
        document,
    )
