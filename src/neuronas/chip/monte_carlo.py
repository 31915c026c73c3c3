"""Accuracy over several programmed chips, and which non-ideality costs how much."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log10, sqrt

import numpy as np
import torch
from scipy.stats import t as student_t
from torch import Tensor

from neuronas.chip.chip_model import ChipModel
from neuronas.chip.crossbar_layer import Observed
from neuronas.chip.design import ChipDesign, crossbar_layers, make_design
from neuronas.chip.mapped_layer import InputFormat
from neuronas.runs.evaluations import ChipAblation, ChipAccuracies, LayerQuality
from neuronas.snn.classifier import Classifier
from neuronas.training.evaluation import accuracy
from neuronas.training.images import Images, Indices

Report = Callable[[str, int, int], None]
"""Progress: (what is simulated, chips done, chips in all)."""


@dataclass(frozen=True)
class ChipTrial:
    """What every kind of chip is tried with.

    Attributes:
        network: trained, in evaluation mode.
        pixels: format of the normalised images.
        calibration: [n, C, H, W] normalised training images, on the network's device.
        images: to be classified.
        indices: which of them.
        device: of the network.
        n_chips: of each kind; of one kind without random effects all chips are alike, and one is enough.
        seed: of the chips.
    """

    network: Classifier
    pixels: InputFormat
    calibration: Tensor
    images: Images
    indices: Indices
    device: torch.device
    n_chips: int
    seed: int


@dataclass(frozen=True)
class Simulated:
    """Accuracy over the chips of a kind, and the quality of each layer by name, if it was measured.

    A layer is measured on calibration images, with its inputs as they are on the chip; values are means over the chips.
    """

    accuracies: ChipAccuracies
    layers: Mapping[str, LayerQuality]


def over_chips(per_chip: Sequence[float], *, differ: bool) -> ChipAccuracies:
    """Statistics over chips.

    Args:
        per_chip: top-1 accuracy of each.
        differ: whether chips have random effects; if not, one stands for all.
    """
    n, mean = len(per_chip), float(np.mean(per_chip))
    std = float(np.std(per_chip, ddof=1)) if n > 1 else None
    if not differ:
        std = 0.0
    interval = None
    if std is not None:
        half = float(student_t.ppf(0.975, n - 1)) * std / sqrt(n) if n > 1 else 0.0
        interval = max(0.0, mean - half), min(1.0, mean + half)
    return ChipAccuracies(
        n_chips=n, top1_mean=mean, top1_std=std, top1_interval_95=interval, top1_per_chip=tuple(per_chip)
    )


@torch.no_grad()
def simulate(
    trial: ChipTrial, model: ChipModel, report: Report, what: str = "chips", *, layers: bool = True
) -> Simulated:
    """Program chips and classify the images on each.

    Args:
        trial: what they are tried with.
        model: of the chips.
        report: called after each chip.
        what: name of this kind of chip, for the report.
        layers: measure the layers as well.
    """
    design = make_design(trial.network, model, trial.pixels, trial.calibration)
    n = trial.n_chips if model.is_random else 1
    per_chip, seen = [], []
    for number in range(n):
        chip = design.chip(trial.seed, number)
        if layers:
            seen.append(_observed(chip, design, trial.calibration))
        per_chip.append(accuracy(chip, trial.images, trial.indices, trial.device).top1)
        report(what, number + 1, n)
    return Simulated(over_chips(per_chip, differ=model.is_random), _qualities(seen) if layers else {})


def ablate(
    trial: ChipTrial, model: ChipModel, whole: ChipAccuracies, ideal_top1: float, report: Report
) -> tuple[ChipAblation, ...]:
    """Accuracy with all non-idealities, with each alone, with all but each, and without gain calibration.

    Chips of one number have the same draws in all rows, so that rows differ by what is switched and not by luck.

    Args:
        trial: what the chips are tried with.
        model: of the chip as a whole.
        whole: its accuracies.
        ideal_top1: accuracy of the network without any non-ideality.
        report: called after each chip.
    """
    kinds = {"none": model.without(model.active), "all": model}
    kinds |= {f"only {name}": model.without(set(model.active) - {name}) for name in model.active}
    if len(model.active) > 2:
        kinds |= {f"all but {name}": model.without([name]) for name in model.active}
    if model.active:
        other = "without" if model.gain_calibration else "with"
        kinds[f"{other} gain_calibration"] = replace(model, gain_calibration=not model.gain_calibration)
    rows = []
    for name, kind in kinds.items():
        found = whole if name == "all" else simulate(trial, kind, report, name, layers=False).accuracies
        loss = ideal_top1 - found.top1_mean
        rows.append(ChipAblation(name=name, non_idealities=kind.active, loss=loss, **dict(found)))
    return tuple(rows)


@torch.no_grad()
def _observed(chip: Classifier, design: ChipDesign, images: Tensor) -> dict[str, Observed]:
    layers = crossbar_layers(chip, design)
    found = {name: Observed() for name in layers}
    for name, layer in layers.items():
        layer.observed = found[name]
    try:
        chip(images)
    finally:
        for layer in layers.values():
            layer.observed = None
            layer.generator.manual_seed(layer.generator.initial_seed())  # whether it was watched leaves no trace
    return found


def _qualities(chips: Sequence[dict[str, Observed]]) -> dict[str, LayerQuality]:
    return {name: _quality([one[name] for one in chips]) for name in chips[0]}


def _quality(layer: Sequence[Observed]) -> LayerQuality:
    signal, error = sum(one.signal for one in layer), sum(one.error for one in layer)
    n_saturated, n_conversions = sum(one.n_saturated for one in layer), sum(one.n_conversions for one in layer)
    # No answer at all has no finite ratio either.
    snr_db = 10 * log10(signal / error) if signal and error else None
    return LayerQuality(snr_db=snr_db, adc_saturation=n_saturated / max(1.0, n_conversions))
