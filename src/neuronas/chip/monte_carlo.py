"""Accuracy over several programmed chips, and which non-ideality costs how much."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf, log10, sqrt

import numpy as np
import torch
from scipy.stats import t as student_t
from torch import Tensor

from neuronas.chip.design import Design, crossbar_layers, make_design
from neuronas.chip.layer import Observed
from neuronas.chip.mapped_layer import InputFormat
from neuronas.chip.model import ChipModel
from neuronas.snn.classifier import Classifier
from neuronas.training.evaluation import accuracy
from neuronas.training.images import Images, Indices

Report = Callable[[str, int, int], None]
"""(what is simulated, chips done, chips wanted)."""


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
class LayerQuality:
    """How a layer fares on calibration images, with its inputs as they are on the chip; means over the chips.

    Attributes:
        snr_db: squared ideal answers over squared errors, in decibels; inf without errors.
        saturation: share of conversions that exceed the converter's range.
    """

    snr_db: float
    saturation: float


@dataclass(frozen=True)
class ChipAccuracy:
    """Top-1 accuracy of programmed chips.

    Attributes:
        per_chip: of each.
        layers: by name; empty if not asked for.
        differ: whether chips have random effects; if not, one stands for all.
    """

    per_chip: tuple[float, ...]
    layers: dict[str, LayerQuality] = field(default_factory=dict)
    differ: bool = True

    @property
    def mean(self) -> float:
        """Over chips."""
        return float(np.mean(self.per_chip))

    @property
    def std(self) -> float | None:
        """Over chips, unbiased; 0 where all are alike, None where one tells nothing of the others."""
        if not self.differ:
            return 0.0
        return float(np.std(self.per_chip, ddof=1)) if len(self.per_chip) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the mean (Student's t), within 0 and 1; None where ``std`` is."""
        n, std = len(self.per_chip), self.std
        if std is None:
            return None
        half = float(student_t.ppf(0.975, n - 1)) * std / sqrt(n) if n > 1 else 0.0
        return max(0.0, self.mean - half), min(1.0, self.mean + half)


@torch.no_grad()
def simulate(
    trial: ChipTrial, model: ChipModel, report: Report, what: str = "chips", *, layers: bool = True
) -> ChipAccuracy:
    """Program chips and classify the images on each.

    Args:
        trial: what they are tried with.
        model: of the chips.
        report: is told of each chip.
        what: name of this kind of chip, for the report.
        layers: measure the layers as well.
    """
    design = make_design(trial.network, model, trial.pixels, trial.calibration)
    n = trial.n_chips if model.is_random else 1
    found, seen = [], []
    for number in range(n):
        chip = design.chip(trial.seed, number)
        if layers:
            seen.append(_observed(chip, design, trial.calibration))
        found.append(accuracy(chip, trial.images, trial.indices, trial.device).top1)
        report(what, number + 1, n)
    return ChipAccuracy(tuple(found), _qualities(seen) if layers else {}, model.is_random)


@dataclass(frozen=True)
class AblationRow:
    """One kind of chip: its name, what is on, and its accuracy."""

    name: str
    active: tuple[str, ...]
    accuracy: ChipAccuracy


def ablate(trial: ChipTrial, model: ChipModel, whole: ChipAccuracy, report: Report) -> list[AblationRow]:
    """Accuracy with all non-idealities, with each alone, with all but each, and without gain calibration.

    Chips of one number have the same draws in all rows, so that rows differ by what is switched and not by luck.
    """
    kinds: list[tuple[str, ChipModel]] = []
    for name in model.active:
        kinds.append((f"only {name}", model.without(other for other in model.active if other != name)))
    if len(model.active) > 2:
        kinds += [(f"all but {name}", model.without([name])) for name in model.active]
    if model.active:
        other = "without" if model.gain_calibration else "with"
        kinds.append((f"{other} gain_calibration", replace(model, gain_calibration=not model.gain_calibration)))
    rows = [
        AblationRow("none", (), simulate(trial, model.without(model.active), report, "none", layers=False)),
        AblationRow("all", model.active, whole),
    ]
    for name, kind in kinds:
        rows.append(AblationRow(name, kind.active, simulate(trial, kind, report, name, layers=False)))
    return rows


@torch.no_grad()
def _observed(chip: Classifier, design: Design, images: Tensor) -> dict[str, Observed]:
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
    return {
        name: LayerQuality(
            _decibels(sum(one[name].signal for one in chips), sum(one[name].error for one in chips)),
            sum(one[name].n_saturated for one in chips) / max(1.0, sum(one[name].n_conversions for one in chips)),
        )
        for name in chips[0]
    }


def _decibels(signal: float, error: float) -> float:
    if not error:
        return inf
    return 10 * log10(signal / error) if signal else -inf
