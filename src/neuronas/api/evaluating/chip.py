"""Accuracy of a trained run on simulated chips."""

import os
import shlex
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, cast

from neuronas.api.estimating.own_network import OwnNetwork, is_own_network, read_own
from neuronas.api.setup.chip_models import chips_of
from neuronas.api.setup.dataset_settings import sensor_of
from neuronas.api.setup.held_out import DIAGNOSIS, held_out
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.trained import TrainedRun, calibration_images, read_trained
from neuronas.api.training.train import train as train_again
from neuronas.config import as_options, as_path, given as given_settings
from neuronas.errors import ConfigurationError
from neuronas.runs.chip_evaluations import ChipEvaluation, ChipVerdict, SimulatedChip, chip_file
from neuronas.runs.chip_records import ChipRecords, chip_records_file
from neuronas.runs.observer import Observer
from neuronas.runs.work import Work
from neuronas.space.layer_bits import graph_bits
from neuronas.version import __version__

if TYPE_CHECKING:
    import torch

    from neuronas.chip.chip_model import ChipModel
    from neuronas.chip.monte_carlo import ChipTrial
    from neuronas.snn.weighted import WeightedNetwork
    from neuronas.training.images import Images


class OnChips(Protocol):
    """A network to simulate: a trained run, or the user's own network.

    Attributes:
        plan: data set, chip and simulation settings.
        network: network in evaluation mode, with integer weights.
        device: device of the network.
    """

    @property
    def name(self) -> str:
        """Name in the document."""
        ...

    @property
    def plan(self) -> Plan: ...  # noqa: D102 - above

    @property
    def network(self) -> "WeightedNetwork": ...  # noqa: D102

    @property
    def device(self) -> "torch.device": ...  # noqa: D102

    @property
    def digest(self) -> bytes:
        """Digest of layers and weights."""
        ...

    def images(self, split: str) -> "Images":
        """Images of the data set, ``train`` or ``test``."""
        ...


def evaluate_on_chips(
    run: "str | os.PathLike[str] | torch.nn.Module",
    *,
    out: str | os.PathLike[str] | None = None,
    dt_s: float | None = None,
    assignments: Iterable[str] = (),
    observer: Observer | None = None,
    **options: Any,
) -> ChipEvaluation:
    """Measure a trained run, or a network of your own, on simulated crossbar chips.

    ``chips/NAME.json`` is written into the run's directory, or into ``out``; with options that change the
    accelerator's chip, another file is used. Each finished chip is kept in ``chips/NAME.jsonl``: a further call, after
    an interruption or with more chips, simulates only the missing ones.

    Args:
        run: run directory; or, together with ``dataset``, an ``.onnx`` or ``.nir`` file, or an ``nn.Module``.
        out: directory for the results of your own network; None: nothing is written.
        dt_s: length of a time step in s for a NIR file that does not state it; None: 1e-4.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        observer: observer of the progress.
        **options: settings by keyword: ``chips``, ``seed``, ``ablation``, ``sign_scheme``, ``hardware``, ….

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        ConfigurationError: the chip or a layer cannot be simulated, or the chip cannot hold these weights.
        VerificationError: a file is damaged.
    """
    given: TrainedRun | OwnNetwork
    if is_own_network(run):
        given = read_own(run, options, assignments, dt_s)
        directory = None if out is None else as_path(out, "--out")
    else:
        for name, value in (("--out", out), ("--dt", dt_s)):
            if value is not None:
                raise ConfigurationError(f"{name} given with a run; expected it with a network of your own")
        given = read_trained(as_path(cast("str | os.PathLike[str]", run), "RUN"), options, assignments)
        directory = given.directory
    hardware = given.plan.config.hardware.accelerator
    work = Work("chips", directory or Path(given.name), "chips", observer)
    place = None if directory is None else kept_chips(given.plan, directory)
    records = ChipRecords(None if directory is None else chip_records_file(directory, hardware))
    evaluation = simulate_chips(given, work, records)
    if place is not None:
        evaluation.write(place)
    work.finish(evaluation)
    return evaluation


def kept_chips(run: Plan, directory: Path) -> Path:
    """File, in a directory, of the evaluation on the chips that settings describe; see ``chip_file``."""
    return chip_file(directory, run.config.hardware.accelerator, _options(run))


def simulate_chips(given: OnChips, work: Work | None = None, records: ChipRecords | None = None) -> ChipEvaluation:
    """Simulate chips according to the settings; docs/chip-simulation.md explains the result.

    Args:
        given: trained run, or the user's own network.
        work: notified of each chip.
        records: finished chips, to which new ones are added; default: empty, in memory.
    """
    from neuronas.chip.monte_carlo import ablate, ablation_models, at_time, simulate
    from neuronas.training.evaluation import accuracy

    run, network, request = given.plan, given.plan.config.network, given.plan.config.chip
    models = chips_of(run)
    model = models[-1]
    trial = make_trial(given, records)
    started = perf_counter()
    quantised = accuracy(trial.network, trial.images, trial.indices, trial.device).top1
    unrounded = None
    if isinstance(given, OwnNetwork):
        unrounded = accuracy(given.float_network, trial.images, trial.indices, trial.device).top1
    kinds = ablation_models(model) if request.ablation else {}
    work = work or Work("chips", Path(given.name), "chips")
    # Row "all" uses the chips of the main simulation.
    work.start(sum(trial.n_of(one) for name, one in kinds.items() if name != "all") + sum(map(trial.n_of, models)))
    times = [
        at_time(one, simulate(trial, one, work, f"chips after {time}", layers=False).accuracies, quantised)
        for one, time in zip(models[:-1], request.after, strict=False)
    ]
    whole = simulate(trial, model, work)
    if request.after:
        times.append(at_time(model, whole.accuracies, quantised))
    ablation = ablate(trial, kinds, whole.accuracies, quantised, work) if kinds else ()
    verdict = _verdict(given, trial, model, work) if request.diagnosis else None
    return ChipEvaluation(
        run=given.name,
        dataset=run.config.data.name,
        split="test",
        n_images=len(trial.images),
        n_calibration_images=trial.calibration.shape[-4],
        hardware=run.config.hardware.accelerator,
        weight_bits=graph_bits(network.weight_bits, given.network.graph),
        timesteps=network.timesteps,
        seed=request.seed,
        model=_simulated(model),
        quantised_network_top1=quantised,
        float_network_top1=unrounded,
        **dict(whole.accuracies),
        layers=dict(whole.layers),
        times=tuple(times),
        ablation=ablation,
        verdict=verdict,
        options=_options(run),
        seconds=round(perf_counter() - started, 2),
    )


def make_trial(given: OnChips, records: ChipRecords | None = None) -> "ChipTrial":
    """Network, test images, and training images for calibration; see ``simulate_chips``."""
    import numpy as np

    from neuronas.chip.mapped_layer import pixel_format
    from neuronas.chip.monte_carlo import ChipTrial

    if given.plan.config.train.ann:
        raise ConfigurationError(
            "run trained with --ann given; expected a spiking network, since crossbars read spikes; train without --ann"
        )
    run, request = given.plan, given.plan.config.chip
    data = run.config.data
    training, test = given.images("train"), given.images("test")
    return ChipTrial(
        network=given.network,
        pixels=pixel_format(data.mean, data.std, int(run.accelerator.digital.image_bits), sensor_of(run.config)),
        calibration=calibration_images(training, request.seed, given.device),
        images=test,
        indices=np.arange(len(test)),
        device=given.device,
        n_chips=request.n_chips,
        seed=request.seed,
        identity=_identity(given),
        records=ChipRecords() if records is None else records,
    )


def _identity(given: OnChips) -> str:
    """Key of a simulated chip besides its model and seed: weights, images, accelerator, device and code."""
    run = given.plan
    digest = blake2b(given.digest, digest_size=16)
    for file in sorted(files("neuronas.chip").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    data = run.config.data.model_dump(exclude={"name", "data_dir", "class_names"})  # which may move
    parts = (run.config.network, data, run.config.train.n_images, run.config.train.seed, run.accelerator)
    return f"{__version__} {digest.hexdigest()} {run.dataset.fingerprint} {given.device.type} {parts!r}"


def _verdict(given: OnChips, trial: "ChipTrial", model: "ChipModel", work: Work) -> ChipVerdict:
    """Causes and remedies, measured on validation images, or on training images if the run has none."""
    from neuronas.chip.diagnosis import diagnose

    sample, train = held_out(given, DIAGNOSIS, trial.seed), given.plan.config.train
    name = sample.split

    def on_images(of: "ChipTrial") -> "ChipTrial":
        identity = f"{of.identity}, {name} images"
        return replace(of, images=sample.images, indices=sample.indices, identity=identity)

    if not isinstance(given, TrainedRun):
        return diagnose(on_images(trial), model, name, "", work)
    run, own, noise, epochs = given, given.name, model.write_variation or 0.1, given.plan.config.chip.retrain_epochs
    retrain = ["neuronas", "train", own, "--start-from", own, "--out", f"{own}-noise", "--chip-noise", f"{noise:g}"]
    if epochs:
        retrain += ["--epochs", str(epochs)]

    def retrained() -> "ChipTrial":
        place = Path(f"{own}-noise")
        train_again(own, out=place, resume="auto", chip_noise=noise, epochs=epochs, start_from=own, device=train.device)
        other = replace(read_trained(place), plan=run.plan)
        return on_images(make_trial(other, trial.records))

    return diagnose(on_images(trial), model, name, shlex.join(retrain), work, retrained if epochs else None)


def _options(run: Plan) -> tuple[str, ...]:
    """Settings of the chips, and the number of images, that differ from the defaults."""
    chip = run.config.chip.model_dump(exclude_defaults=True, exclude={"n_chips", "seed"})
    values = {"chip": chip, "data": {"n_test": run.config.data.n_test}}
    return tuple(as_options(given_settings(values, "options"), "evaluate"))


def _simulated(model: "ChipModel") -> SimulatedChip:
    fields = {name: value for name, value in vars(model).items() if name in SimulatedChip.model_fields}
    return SimulatedChip(non_idealities=model.active, **fields)
