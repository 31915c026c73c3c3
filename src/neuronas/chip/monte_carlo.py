"""Accuracy over several programmed chips, and the loss of accuracy due to each non-ideality."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from math import log10, sqrt

import numpy as np
import torch
from torch import Tensor

from neuronas.chip.chip_model import ChipModel
from neuronas.chip.crossbar_layer import Observed
from neuronas.chip.design import ChipDesign, crossbar_layers, make_design
from neuronas.runs.chip_evaluations import ChipAblation, ChipAccuracies, ChipTime, LayerQuality
from neuronas.runs.chip_records import ChipRecord, ChipRecords, LayerSums
from neuronas.runs.work import Work
from neuronas.snn.weighted import InputFormat, WeightedNetwork
from neuronas.training.evaluation import accuracy
from neuronas.training.images import Images, Indices


@dataclass(frozen=True)
class ChipTrial:
    """Inputs of a simulation that are the same for all chip models.

    Attributes:
        network: trained network in evaluation mode.
        pixels: input format of the normalised images.
        calibration: [n, C, H, W] normalised training images, or sequences [T, n, C, H, W], on the network's device.
        images: test images.
        indices: indices of the test images to classify.
        device: device of the network.
        n_chips: number of chips per model; one chip is simulated if the model has no random non-ideality.
        seed: random seed of the chips.
        identity: text that identifies network, images and code; required if ``records`` is a file.
        records: store of results; chips in it are not simulated again, and new results are added.
    """

    network: WeightedNetwork
    pixels: InputFormat
    calibration: Tensor
    images: Images
    indices: Indices
    device: torch.device
    n_chips: int
    seed: int
    identity: str = ""
    records: ChipRecords = field(default_factory=ChipRecords)

    def n_of(self, model: ChipModel) -> int:
        """Number of chips to simulate for a model; 1 without random non-idealities, since all chips are then equal."""
        return self.n_chips if model.is_random else 1


@dataclass(frozen=True)
class Simulated:
    """Result of a simulation.

    Attributes:
        accuracies: accuracy over the chips.
        layers: quality of each layer by name, if measured: means over the chips, on the calibration images, for the
            inputs of the layer on the chip.
    """

    accuracies: ChipAccuracies
    layers: Mapping[str, LayerQuality]


def over_chips(per_chip: Sequence[float], *, differ: bool) -> ChipAccuracies:
    """Mean, standard deviation and 95 % confidence interval (Student's t) of accuracies.

    Args:
        per_chip: top-1 accuracy of each chip.
        differ: whether the chips have random non-idealities; if not, the standard deviation is 0.
    """
    n, mean = len(per_chip), float(np.mean(per_chip))
    std = float(np.std(per_chip, ddof=1)) if n > 1 else None
    if not differ:
        std = 0.0
    interval = None
    if std is not None:
        half = _student_t(0.975, n - 1) * std / sqrt(n) if n > 1 else 0.0
        interval = max(0.0, mean - half), min(1.0, mean + half)
    return ChipAccuracies(
        n_chips=n, top1_mean=mean, top1_std=std, top1_interval_95=interval, top1_per_chip=tuple(per_chip)
    )


def _student_t(probability: float, freedom: int) -> float:
    """Quantile of Student's t distribution."""
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to import, and a search imports this module

    return float(stdtrit(freedom, probability))


@torch.no_grad()
def simulate(trial: ChipTrial, model: ChipModel, work: Work, what: str = "chips", *, layers: bool = True) -> Simulated:
    """Program chips and classify the test images on each.

    Args:
        trial: network and images.
        model: parameters of the chips.
        work: progress; notified of each chip.
        what: name of these chips for ``work``.
        layers: whether to measure the quality of each layer.
    """
    key = blake2b(repr((trial.identity, trial.seed, model)).encode(), digest_size=16).hexdigest()
    design: ChipDesign | None = None  # created at the first chip that is not in the records, since it is slow
    n = trial.n_of(model)
    chips = []
    for number in range(n):
        record = trial.records.get(key, number, layers=layers)
        if record is not None:
            work.skip(1)
        else:
            design = design or make_design(trial.network, model, trial.pixels, trial.calibration)
            record = _simulated(trial, design, key, number, layers=layers)
            trial.records.add(record)
            work.advance(1, f"{what}, {number + 1} of {n}", {"top1": record.top1})
        chips.append(record)
    accuracies = over_chips([one.top1 for one in chips], differ=model.is_random)
    return Simulated(accuracies, _qualities([one.layers or {} for one in chips]) if layers else {})


def _simulated(trial: ChipTrial, design: ChipDesign, key: str, number: int, *, layers: bool) -> ChipRecord:
    chip = design.chip(trial.seed, number)
    seen = None
    if layers:
        observed = _observed(chip, design, trial.calibration)
        seen = {name: LayerSums(**asdict(one)) for name, one in observed.items()}
    top1 = accuracy(chip, trial.images, trial.indices, trial.device).top1
    return ChipRecord(key=key, number=number, top1=top1, layers=seen)


def at_time(model: ChipModel, found: ChipAccuracies, ideal_top1: float) -> ChipTime:
    """Accuracy of chips at a time after programming, as a row of the document.

    Args:
        model: the chips, some time after programming.
        found: their accuracies.
        ideal_top1: top-1 accuracy of the network without non-idealities.
    """
    extrapolated = model.device_model is not None and model.device_model.is_extrapolated(model.after_s)
    loss = ideal_top1 - found.top1_mean
    return ChipTime(after_s=model.after_s, extrapolated=extrapolated, loss=loss, **dict(found))


def ablate(
    trial: ChipTrial, kinds: Mapping[str, ChipModel], whole: ChipAccuracies, ideal_top1: float, work: Work
) -> tuple[ChipAblation, ...]:
    """Accuracy with all non-idealities, with each alone, with all except each, and without gain calibration.

    Chips with the same number use the same random numbers in all rows, so rows differ only in what is switched off.

    Args:
        trial: network and images.
        kinds: see ``ablation_models``.
        whole: accuracies of the chip with all non-idealities.
        ideal_top1: top-1 accuracy of the network without non-idealities.
        work: progress; notified of each chip.
    """
    rows = []
    for name, kind in kinds.items():
        found = whole if name == "all" else simulate(trial, kind, work, name, layers=False).accuracies
        loss = ideal_top1 - found.top1_mean
        rows.append(ChipAblation(name=name, non_idealities=kind.active, loss=loss, **dict(found)))
    return tuple(rows)


def ablation_models(model: ChipModel) -> dict[str, ChipModel]:
    """The chips of an ablation by the names of its rows; ``model`` has all non-idealities."""
    kinds = {"none": model.without(model.active), "all": model}
    kinds |= {f"only {name}": model.without(set(model.active) - {name}) for name in model.active}
    if len(model.active) > 2:
        kinds |= {f"all but {name}": model.without([name]) for name in model.active}
    if model.active:
        other = "without" if model.gain_calibration else "with"
        kinds[f"{other} gain_calibration"] = replace(model, gain_calibration=not model.gain_calibration)
    return kinds


@torch.no_grad()
def _observed(chip: WeightedNetwork, design: ChipDesign, images: Tensor) -> dict[str, Observed]:
    layers = crossbar_layers(chip, design)
    found = {name: Observed() for name in layers}
    for name, layer in layers.items():
        layer.observed = found[name]
    try:
        chip(images)
    finally:
        for layer in layers.values():
            layer.observed = None
            layer.generator.manual_seed(layer.generator.initial_seed())  # observing must not change later results
    return found


def _qualities(chips: Sequence[Mapping[str, LayerSums]]) -> dict[str, LayerQuality]:
    return {name: quality([one[name] for one in chips]) for name in chips[0]}


def quality(layer: Sequence[LayerSums]) -> LayerQuality:
    """Signal-to-noise ratio and saturation of a layer over several chips."""
    signal, error = sum(one.signal for one in layer), sum(one.error for one in layer)
    n_saturated, n_conversions = sum(one.n_saturated for one in layer), sum(one.n_conversions for one in layer)
    # Without signal or without error, the ratio is not finite.
    snr_db = 10 * log10(signal / error) if signal and error else None
    return LayerQuality(snr_db=snr_db, adc_saturation=n_saturated / max(1.0, n_conversions))
