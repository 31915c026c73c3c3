"""Evaluation of a trained network on images: class scores, accuracy at each precision, firing rates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.config import EVALUATED_BITS, FULL_PRECISION, LayerBits, WeightBits
from neuronas.snn.classifier import Classifier
from neuronas.snn.decision import decided, mean_scores, ranked
from neuronas.snn.graph_network import GraphNetwork
from neuronas.training.distributed import Process
from neuronas.training.images import Images, Indices
from neuronas.training.objective import firing_rates

Seen = Callable[[int], None]
"""Progress callback: number of images that were just computed."""


def unseen(n: int) -> None:
    """Progress that nobody follows."""


def class_scores(
    network: GraphNetwork, images: Images, indices: Indices, device: torch.device, seen: Seen = unseen
) -> Tensor:
    """Class scores, averaged over the time steps: [n, n_classes] float32 on the CPU."""
    return torch.cat([mean_scores(scores).cpu() for scores in _scores(network, images, indices, device, seen)])


def step_scores(
    network: GraphNetwork, images: Images, indices: Indices, device: torch.device, seen: Seen = unseen
) -> Tensor:
    """Class scores of each time step: [T, n, n_classes] float32 on the CPU."""
    return torch.cat([scores.cpu() for scores in _scores(network, images, indices, device, seen)], dim=1)


def _scores(
    network: GraphNetwork, images: Images, indices: Indices, device: torch.device, seen: Seen
) -> Iterator[Tensor]:
    """Class scores of one batch after the other, [T, B, n_classes]."""
    network.eval()
    for x, labels in images.batches(indices, device):
        with torch.no_grad():
            scores = network(x)
        yield scores
        seen(len(labels))


@dataclass(frozen=True)
class AccuracyAndRates:
    """What is measured after each epoch.

    Attributes:
        top1: accuracy.
        rates: mean firing rate of each LIF layer; empty without spikes.
    """

    top1: float
    rates: dict[str, float]

    @property
    def mean_rate(self) -> float | None:
        """Over all layers; None without spikes."""
        return sum(self.rates.values()) / len(self.rates) if self.rates else None

    @property
    def silent(self) -> tuple[str, ...]:
        """LIF layers without a single spike: nothing passes them."""
        return tuple(name for name, rate in self.rates.items() if not rate)


@torch.no_grad()
def accuracy_and_rates(network: Classifier, images: Images, indices: Indices, process: Process) -> AccuracyAndRates:
    """Classify images; measure top-1 accuracy and firing rates."""
    network.eval()
    n_correct = 0
    totals: dict[str, float] = {}
    for x, labels in images.batches(indices, process.device):
        with firing_rates(network) as rates:
            scores = mean_scores(network(x))
        n_correct += int((decided(scores).cpu() == labels).sum())
        for name, rate in rates.items():
            totals[name] = totals.get(name, 0.0) + float(rate) * len(labels)
    n = len(indices)
    return AccuracyAndRates(n_correct / n, {name: total / n for name, total in totals.items()})


@torch.no_grad()
def dead_outputs(network: Classifier) -> dict[str, int]:
    """Outputs of each weighted layer all of whose codes are 0, though not all of their weights are pruned.

    Such an output is the same whatever the image. Layers without one are left out.
    """
    found = {}
    for name, layer in network.weighted_layers().items():
        dead = ~(layer.held != 0).flatten(1).any(dim=1)
        if layer.mask is not None:
            dead &= layer.mask.flatten(1).any(dim=1)
        if n := int(dead.sum()):
            found[name] = n
    return found


@dataclass(frozen=True)
class Accuracy:
    """Accuracy on labelled images.

    Attributes:
        top1: share of images whose highest score is the true class.
        top5: share of images whose true class is among the five highest scores (1 with at most five classes).
        per_class: [n_classes] top-1 accuracy of each class; NaN for a class without images.
        confusion: [n_classes, n_classes] confusion matrix in images (rows: true class, columns: predicted class).
    """

    top1: float
    top5: float
    per_class: NDArray[np.float64]
    confusion: NDArray[np.int64]


def accuracy_of(scores: Tensor, labels: Tensor) -> Accuracy:
    """Accuracy of class scores [n, n_classes], labels [n]; equal scores rank by the lowest index (``snn.decision``)."""
    n_classes = scores.shape[1]
    best = ranked(scores, 5)
    hits = best == labels[:, None]
    confusion = torch.bincount(labels * n_classes + best[:, 0], minlength=n_classes**2).reshape(n_classes, n_classes)
    counts = confusion.numpy().astype(np.int64)
    with np.errstate(invalid="ignore"):
        per_class = counts.diagonal() / counts.sum(axis=1)
    top1, top5 = float(hits[:, 0].double().mean()), float(hits.any(dim=1).double().mean())
    return Accuracy(top1, top5, per_class, counts)


def accuracy(
    network: GraphNetwork, images: Images, indices: Indices, device: torch.device, seen: Seen = unseen
) -> Accuracy:
    """Classify images and compute the accuracy."""
    scores = class_scores(network, images, indices, device, seen)
    return accuracy_of(scores, images.labels[torch.from_numpy(indices)])


def precisions(trained_bits: WeightBits) -> tuple[WeightBits, ...]:
    """The precisions at which a network is evaluated: full, the usual ones and its own, each once.

    A mixture of precisions that it was trained with comes last, beside all layers at one precision.
    """
    if isinstance(trained_bits, LayerBits):
        return (FULL_PRECISION, *EVALUATED_BITS, trained_bits)
    return (FULL_PRECISION, *sorted({*EVALUATED_BITS, trained_bits} - {FULL_PRECISION}))


def precision_name(weight_bits: WeightBits) -> str:
    """What a precision is called in documents: ``float``, ``8``, or ``mixed`` where it differs by layer."""
    if isinstance(weight_bits, LayerBits):
        return "mixed"
    return "float" if weight_bits == FULL_PRECISION else str(weight_bits)


def accuracy_by_bits(
    network: Classifier,
    images: Images,
    indices: Indices,
    device: torch.device,
    trained_bits: WeightBits,
    seen: Seen = unseen,
) -> dict[WeightBits, Accuracy]:
    """Accuracy at each of ``precisions``, by bits; at others than ``trained_bits`` weights are rounded (PTQ)."""
    found = {}
    try:
        for one in precisions(trained_bits):
            network.set_bits(one)
            found[one] = accuracy(network, images, indices, device, seen)
    finally:
        network.set_bits(trained_bits)
    return found
