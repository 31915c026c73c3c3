"""Accuracy of a trained run on simulated chips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from neuronas.api.trained import TrainedRun, read_trained
from neuronas.runs.evaluations import ChipAblation, ChipEvaluation, LayerQuality, SimulatedChip, chip_file

if TYPE_CHECKING:
    from neuronas.chip.model import ChipModel
    from neuronas.chip.monte_carlo import ChipAccuracy, ChipTrial

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
        seed: random seed of the chips.
        without: non-idealities that are switched off.
        scheme: how signed weights are held; None: the accelerator decides.
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


def evaluate_on_chips(
    run: str | PathLike[str],
    request: ChipRequest | None = None,
    *,
    hardware: str | None = None,
    data_dir: str | None = None,
    device: str | None = None,
    report: Report = _silent,
) -> ChipEvaluation:
    """Measure a trained run on simulated crossbar chips, and write ``chips/NAME.json`` into its directory.

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
    evaluation = simulate_chips(given, request or ChipRequest(), report)
    path = chip_file(given.directory, evaluation.hardware)
    path.parent.mkdir(exist_ok=True)
    evaluation.write(path)
    return evaluation


def simulate_chips(given: TrainedRun, request: ChipRequest, report: Report = _silent) -> ChipEvaluation:
    """Simulate; docs/chip-simulation.md says what the answer means."""
    from neuronas.chip.model import chip_model
    from neuronas.chip.monte_carlo import ablate, simulate
    from neuronas.training.evaluation import accuracy

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
    trial = make_trial(given, request)
    started = perf_counter()
    quantised = accuracy(trial.network, trial.images, trial.indices, trial.device).top1
    whole = simulate(trial, model, report)
    ablation = ablate(trial, model, whole, report) if request.ablation else []
    return ChipEvaluation(
        run=str(given.directory),
        dataset=run.config.data.name,
        split="test",
        n_images=len(trial.images),
        n_calibration_images=len(trial.calibration),
        hardware=run.config.hardware.accelerator,
        weight_bits=network.weight_bits,
        timesteps=network.timesteps,
        seed=request.seed,
        model=_simulated(model),
        quantised_network_top1=quantised,
        **_accuracies(whole),
        layers={
            name: LayerQuality(snr_db=one.snr_db, adc_saturation=one.saturation) for name, one in whole.layers.items()
        },
        ablation=tuple(
            ChipAblation(
                name=row.name,
                non_idealities=row.active,
                loss=quantised - row.accuracy.mean,
                **_accuracies(row.accuracy),
            )
            for row in ablation
        ),
        seconds=round(perf_counter() - started, 2),
    )


def make_trial(given: TrainedRun, request: ChipRequest) -> "ChipTrial":
    """The trained network, test images, and training images for calibration."""
    import numpy as np

    from neuronas.chip.mapped_layer import pixel_format
    from neuronas.chip.monte_carlo import ChipTrial

    run = given.plan
    training, test = given.images("train"), given.images("test")
    chosen = np.random.default_rng([request.seed, 5]).permutation(len(training))[:_N_CALIBRATION]
    return ChipTrial(
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


def _simulated(model: "ChipModel") -> SimulatedChip:
    return SimulatedChip(
        non_idealities=model.active,
        sign_scheme=model.scheme,
        bits_per_cell=model.bits_per_cell,
        crossbar_size=model.n_rows,
        on_resistance_ohm=model.on_resistance_ohm,
        off_resistance_ohm=model.off_resistance_ohm,
        write_variation=model.write_variation,
        variation=model.variation,
        read_noise=model.read_noise,
        stuck_on_share=model.stuck_on_share,
        stuck_off_share=model.stuck_off_share,
        column_resistance_ohm=model.column_resistance_ohm,
        adc_bits=model.adc_bits,
        gain_calibration=model.gain_calibration,
    )


def _accuracies(found: "ChipAccuracy") -> dict[str, Any]:
    """The fields of ``ChipAccuracies``."""
    return {
        "n_chips": len(found.per_chip),
        "top1_mean": found.mean,
        "top1_std": found.std,
        "top1_interval_95": found.interval,
        "top1_per_chip": found.per_chip,
    }
