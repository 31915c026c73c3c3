"""Evaluation of a trained network on images: class scores, accuracy at each precision, firing rates."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.config import EVALUATED_BITS, FULL_PRECISION, LayerBits, WeightBits
from neuronas.runs.work import Seen, unseen
from neuronas.snn.classifier import Classifier
from neuronas.snn.decision import decided, ranked
from neuronas.snn.graph_network import GraphNetwork
from neuronas.training.distributed import Process
from neuronas.training.images import Images, Indices
from neuronas.training.objective import firing_rates
from neuronas.training.passes import ClassScores, Reader, class_scores, run_pass


@dataclass(frozen=True)
class AccuracyAndRates:
    """Metrics measured after each epoch.

    Attributes:
        top1: accuracy.
        rates: mean firing rate of each LIF layer; empty for networks without spikes.
    """

    top1: float
    rates: dict[str, float]

    @property
    def mean_rate(self) -> float | None:
        """Mean over all layers; None for networks without spikes."""
        return sum(self.rates.values()) / len(self.rates) if self.rates else None

    @property
    def silent(self) -> tuple[str, ...]:
        """LIF layers without a single spike; they pass on no information."""
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
        """Mean rate by layer; empty for networks without spikes."""
        return {name: total / self._n for name, total in self._totals.items()}


def accuracy_and_rates(network: Classifier, images: Images, indices: Indices, process: Process) -> AccuracyAndRates:
    """Classify images; measure top-1 accuracy and firing rates."""
    scores, rates = ClassScores(), _Rates(network)
    run_pass(network, images, indices, process.device, scores, rates)
    n_correct = int((decided(scores.result) == images.labels_of(indices)).sum())
    return AccuracyAndRates(n_correct / len(indices), rates.result)


@torch.no_grad()
def dead_outputs(network: Classifier) -> dict[str, int]:
    """Number of outputs, by weighted layer, whose codes are all 0 although not all of their weights are pruned.

    Such an output does not depend on the image. Layers without dead outputs are omitted.
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
    """Accuracy for class scores [n, n_classes] and labels [n]; ties are resolved as in ``snn.decision``."""
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
    return accuracy_of(scores, images.labels_of(indices))


def precisions(trained_bits: WeightBits) -> tuple[WeightBits, ...]:
    """The precisions at which a network is evaluated: full precision, the usual ones and its own, without duplicates.

    A mixed precision used in training comes last, after the uniform precisions.
    """
    if isinstance(trained_bits, LayerBits):
        return (FULL_PRECISION, *EVALUATED_BITS, trained_bits)
    return (FULL_PRECISION, *sorted({*EVALUATED_BITS, trained_bits} - {FULL_PRECISION}))


def precision_name(weight_bits: WeightBits) -> str:
    """Name of a precision in documents: ``float``, ``8``, or ``mixed`` if it differs between layers."""
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
    """Accuracy at several precisions, by bits; precisions other than ``trained_bits`` are post-training quantisation.

    Args:
        network: network at ``trained_bits``.
        images: images to classify.
        indices: indices of these images.
        device: device of the computation.
        trained_bits: the network's own precision.
        measured: class scores at its own precision, [n, n_classes]; only the others are then computed.
        at: precisions.
        seen: progress callback, called with the number of images just computed.
    """
    found = {}
    for one in at:
        if one == trained_bits:
            found[one] = accuracy_of(measured, images.labels_of(indices))
        else:
            with network.at_bits(one):
                found[one] = accuracy(network, images, indices, device, seen)
    return found
