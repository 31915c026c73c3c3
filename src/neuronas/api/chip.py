"""Accuracy of a trained run on simulated chips."""

import shlex
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from importlib.resources import files
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from neuronas.api.compose import Plan
from neuronas.api.train import train as train_again
from neuronas.api.trained import TrainedRun, read_trained
from neuronas.config import as_path
from neuronas.errors import ConfigurationError
from neuronas.runs.chip_records import ChipRecords
from neuronas.runs.evaluations import ChipEvaluation, ChipVerdict, SimulatedChip, chip_file, chip_records_file
from neuronas.runs.observer import Observer, Work
from neuronas.version import __version__

if TYPE_CHECKING:
    from neuronas.chip.chip_model import ChipModel
    from neuronas.chip.monte_carlo import ChipTrial

_N_DIAGNOSIS = 256
"""Images on which causes and changes are tried, at most."""
_N_CALIBRATION = 128
"""Training images on which gains and converters are trimmed and layers are measured."""


def evaluate_on_chips(
    run: str | PathLike[str],
    *,
    assignments: Iterable[str] = (),
    observer: Observer | None = None,
    **options: Any,
) -> ChipEvaluation:
    """Measure a trained run on simulated crossbar chips, and write ``chips/NAME.json`` into its directory.

    Each finished chip is kept in ``chips/NAME.jsonl``: called again after an interruption, or with more chips, only the
    missing ones are simulated.

    Args:
        run: the run's directory.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        observer: follows the progress.
        **options: settings by keyword: ``chips``, ``seed``, ``ablation``, ``sign_scheme``, ``hardware``, ….

    Raises:
        RunDirectoryError: no run, or one that was not trained.
        ConfigurationError: a chip that cannot be simulated, or that cannot hold these weights.
        VerificationError: a damaged file.
    """
    given = read_trained(as_path(run, "RUN"), options, assignments)
    hardware = given.plan.config.hardware.accelerator
    work = Work("chips", given.directory, "chips", observer)
    evaluation = simulate_chips(given, work, ChipRecords(chip_records_file(given.directory, hardware)))
    evaluation.write(chip_file(given.directory, hardware))
    work.finish(evaluation)
    return evaluation


def simulate_chips(given: TrainedRun, work: Work | None = None, records: ChipRecords | None = None) -> ChipEvaluation:
    """Simulate as the settings say; docs/chip-simulation.md says what the answer means.

    Args:
        given: the trained run.
        work: is told of each chip.
        records: chips that are simulated already, and where others are kept; default: none, in memory.
    """
    from neuronas.chip.monte_carlo import ablate, ablation_models, simulate
    from neuronas.training.evaluation import accuracy

    run, network, request = given.plan, given.plan.config.network, given.plan.config.chip
    model = chip_of(run)
    trial = make_trial(given, records)
    started = perf_counter()
    quantised = accuracy(trial.network, trial.images, trial.indices, trial.device).top1
    kinds = ablation_models(model) if request.ablation else {}
    work = work or Work("chips", given.directory, "chips")
    # The chips of row "all" are those of the main simulation.
    work.start(sum(trial.n_of(one) for name, one in kinds.items() if name != "all") + trial.n_of(model))
    whole = simulate(trial, model, work)
    ablation = ablate(trial, kinds, whole.accuracies, quantised, work) if kinds else ()
    verdict = _verdict(given, trial, model, work) if request.diagnosis else None
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
        **dict(whole.accuracies),
        layers=dict(whole.layers),
        ablation=ablation,
        verdict=verdict,
        seconds=round(perf_counter() - started, 2),
    )


def chip_of(run: Plan) -> "ChipModel":
    """The chip that settings describe.

    Raises:
        ConfigurationError: the accelerator cannot be simulated, or cannot hold these weights.
    """
    from neuronas.chip.chip_model import chip_model

    request = run.config.chip
    full = chip_model(
        run.accelerator,
        run.config.hardware.accelerator,
        run.config.network.weight_bits,
        sign_scheme=request.sign_scheme,
        variation=request.variation,
        gain_calibration=request.gain_calibration,
    )
    return full.without(request.without)


def chip_warning(run: Plan) -> str | None:
    """A word where a layer of random weights loses too much on the chip of a run; None where it does not.

    None as well where chips of this kind cannot be simulated, which ``evaluate --chip`` says.
    """
    from neuronas.chip.precheck import ENOUGH_DB, layer_snr_db
    from neuronas.snn.quantisation import FULL_PRECISION

    if run.accelerator.device is None or run.config.network.weight_bits == FULL_PRECISION:
        return None
    model = chip_of(run)
    snr_db = layer_snr_db(model)
    if snr_db is None or snr_db >= ENOUGH_DB:
        return None
    return (
        f"a layer of {model.crossbar_size} rows keeps {snr_db:.1f} dB of signal to noise on simulated chips of "
        f"{run.config.hardware.accelerator} (sign scheme {model.sign_scheme}, write variation "
        f"{model.write_variation:.0%}, {model.adc_bits}-bit converters); below {ENOUGH_DB:g} dB networks lose "
        "accuracy: evaluate --chip will say which change helps"
    )


def make_trial(given: TrainedRun, records: ChipRecords | None = None) -> "ChipTrial":
    """The trained network, test images, and training images for calibration; see ``simulate_chips``."""
    import numpy as np

    from neuronas.chip.mapped_layer import pixel_format
    from neuronas.chip.monte_carlo import ChipTrial

    if given.plan.config.train.ann:
        raise ConfigurationError(
            "run trained with --ann given; expected a spiking network, since crossbars read spikes; train without --ann"
        )
    run, request = given.plan, given.plan.config.chip
    training, test = given.images("train"), given.images("test")
    chosen = np.random.default_rng([request.seed, 5]).permutation(len(training))[:_N_CALIBRATION]
    return ChipTrial(
        network=given.trained.network,
        pixels=pixel_format(run.config.data.mean, run.config.data.std, int(run.accelerator.digital.image_bits)),
        calibration=training.normalised(training.fetch(np.sort(chosen)).to(given.device)),
        images=test,
        indices=np.arange(len(test)),
        device=given.device,
        n_chips=request.n_chips,
        seed=request.seed,
        identity=_identity(given),
        records=ChipRecords() if records is None else records,
    )


def _identity(given: TrainedRun) -> str:
    """What decides a simulated chip besides its model and seed: weights, images, accelerator, device and code."""
    from neuronas.training.checkpoint import BEST, FOLDER

    run = given.plan
    digest = blake2b((given.directory / FOLDER / BEST).read_bytes(), digest_size=16)
    for file in sorted(files("neuronas.chip").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    data = run.config.data.model_dump(exclude={"name", "data_dir", "class_names"})  # which may move
    parts = (run.config.network, data, run.config.train.n_images, run.config.train.seed, run.accelerator)
    return f"{__version__} {digest.hexdigest()} {run.dataset.fingerprint} {given.device.type} {parts!r}"


def _verdict(given: TrainedRun, trial: "ChipTrial", model: "ChipModel", work: Work) -> ChipVerdict:
    """Causes and remedies on validation images, or on training images where the run has none."""
    import numpy as np

    from neuronas.chip.diagnosis import diagnose
    from neuronas.chip.monte_carlo import ChipTrial
    from neuronas.training.images import stratified_split

    train, images = given.plan.config.train, given.images("train")
    split = stratified_split(images.labels, train.validation_share, train.seed)
    name = "validation" if len(split.validation) else "training"
    indices = split.validation if len(split.validation) else split.training
    chosen = np.random.default_rng([trial.seed, 6]).permutation(indices)[:_N_DIAGNOSIS]
    own, noise, epochs = str(given.directory), model.write_variation or 0.1, given.plan.config.chip.retrain_epochs
    retrain = ["neuronas", "train", own, "--start-from", own, "--out", f"{own}-noise", "--chip-noise", f"{noise:g}"]
    if epochs:
        retrain += ["--epochs", str(epochs)]

    def on_images(of: ChipTrial) -> ChipTrial:
        return replace(of, images=images, indices=np.sort(chosen), identity=f"{of.identity}, {name} images")

    def retrained() -> ChipTrial:
        place = Path(f"{own}-noise")
        train_again(own, out=place, resume="auto", chip_noise=noise, epochs=epochs, start_from=own, device=train.device)
        other = replace(read_trained(place), plan=given.plan)
        return on_images(make_trial(other, trial.records))

    tried = retrained if epochs else None
    return diagnose(on_images(trial), model, name, shlex.join(retrain), work, tried)


def _simulated(model: "ChipModel") -> SimulatedChip:
    fields = {name: value for name, value in vars(model).items() if name in SimulatedChip.model_fields}
    return SimulatedChip(non_idealities=model.active, **fields)
