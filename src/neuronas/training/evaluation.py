"""Evaluation of a trained network on images: class scores, accuracy at each precision, firing rates."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.config import EVALUATED_BITS, FULL_PRECISION, LayerBits, WeightBits
from neuronas.snn.classifier import Classifier
from neuronas.snn.decision import decided, ranked
from neuronas.snn.graph_network import GraphNetwork
from neuronas.training.distributed import Process
from neuronas.training.images import Images, Indices
from neuronas.training.objective import firing_rates
from neuronas.training.passes import ClassScores, Reader, Seen, class_scores, run_pass, unseen


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


class _Rates(Reader):
    """Mean firing rate of each LIF layer, each batch weighted by its number of images."""

    def __init__(self, network: Classifier):
        self._network, self._n = network, 0
        self._totals: dict[str, float] = {}
        self._batch: dict[str, Tensor] = {}

    @contextmanager
    def watching(self, n_images: int) -> Iterator[None]:
        """See ``Reader``."""
        with firing_rates(self._network) as self._batch:
            yield

    def read(self, scores: Tensor, labels: Tensor) -> None:
        """See ``Reader``."""
        self._n += len(labels)
        for name, rate in self._batch.items():
            self._totals[name] = self._totals.get(name, 0.0) + float(rate) * len(labels)

    @property
    def result(self) -> dict[str, float]:
        """By layer; empty without spikes."""
        return {name: total / self._n for name, total in self._totals.items()}


def accuracy_and_rates(network: Classifier, images: Images, indices: Indices, process: Process) -> AccuracyAndRates:
    """Classify images; measure top-1 accuracy and firing rates."""
    scores, rates = ClassScores(), _Rates(network)
    run_pass(network, images, indices, process.device, scores, rates)
    n_correct = int((decided(scores.result) == images.labels[torch.from_numpy(indices)]).sum())
    return AccuracyAndRates(n_correct / len(indices), rates.result)


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
    measured: Tensor,
    at: Sequence[WeightBits],
    seen: Seen = unseen,
) -> dict[WeightBits, Accuracy]:
    """Accuracy at each of several precisions, by bits; at others than ``trained_bits`` weights are rounded (PTQ).

    Args:
        network: at ``trained_bits``.
        images: that are classified.
        indices: of them.
        device: for the computation.
        trained_bits: the network's own precision.
        measured: its class scores there, [n, n_classes]; only the other precisions are computed.
        at: the precisions.
        seen: is told of images that were just computed.
    """
    found = {}
    for one in at:
        if one == trained_bits:
            found[one] = accuracy_of(measured, images.labels[torch.from_numpy(indices)])
        else:
            with network.at_bits(one):
                found[one] = accuracy(network, images, indices, device, seen)
    return found
