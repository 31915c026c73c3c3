"""Evaluation of a trained network on images: accuracy at each precision, firing rates, number of operations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.config import EVALUATED_BITS, FULL_PRECISION
from neuronas.snn.classifier import Classifier
from neuronas.snn.decision import decided, mean_scores, ranked
from neuronas.snn.graph_network import GraphNetwork
from neuronas.snn.lif import observed
from neuronas.snn.trainable import QuantisedConvolution, QuantisedLinear
from neuronas.snn.weighted import InputFormat
from neuronas.training.distributed import Process
from neuronas.training.images import Images, Indices
from neuronas.training.objective import firing_rates

PJ_PER_MAC, PJ_PER_ACCUMULATE = 4.6, 0.9
"""Energy of 32-bit floating-point operations in 45 nm CMOS: Horowitz, ISSCC 2014, doi 10.1109/ISSCC.2014.6757323."""


Seen = Callable[[int], None]
"""Progress callback: number of images that were just computed."""


def _unseen(n: int) -> None:
    pass


@torch.no_grad()
def class_scores(
    network: GraphNetwork, images: Images, indices: Indices, device: torch.device, seen: Seen = _unseen
) -> Tensor:
    """Class scores, averaged over the time steps: [n, n_classes] float32 on the CPU."""
    network.eval()
    found = []
    for x, _ in images.batches(indices, device):
        found.append(mean_scores(network(x)).cpu())
        seen(len(x))
    return torch.cat(found)


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
    network: GraphNetwork, images: Images, indices: Indices, device: torch.device, seen: Seen = _unseen
) -> Accuracy:
    """Classify images and compute the accuracy."""
    scores = class_scores(network, images, indices, device, seen)
    return accuracy_of(scores, images.labels[torch.from_numpy(indices)])


def precisions(trained_bits: int) -> tuple[int, ...]:
    """The precisions at which a network is evaluated: full, the usual ones and its own, each once."""
    return (FULL_PRECISION, *sorted({*EVALUATED_BITS, trained_bits} - {FULL_PRECISION}))


def accuracy_by_bits(
    network: Classifier,
    images: Images,
    indices: Indices,
    device: torch.device,
    trained_bits: int,
    seen: Seen = _unseen,
) -> dict[int, Accuracy]:
    """Accuracy at each of ``precisions``, by bits; at bits other than ``trained_bits`` weights are rounded (PTQ)."""
    found = {}
    try:
        for one in precisions(trained_bits):
            network.set_bits(one)
            found[one] = accuracy(network, images, indices, device, seen)
    finally:
        network.set_bits(trained_bits)
    return found


@dataclass(frozen=True)
class LayerActivity:
    """Activity of one layer with weights, per image, over all time steps.

    Attributes:
        input_rate: share of nonzero inputs per time step, 0 to 1; of what a quantised ReLU gives, share of bits that
            are 1.
        operations: number of products of a nonzero input and a nonzero weight.
        spiking: whether the inputs are spikes: an operation is then an accumulation, otherwise a multiply-accumulate.
    """

    input_rate: float
    operations: float
    spiking: bool


@dataclass(frozen=True)
class NetworkActivity:
    """Activity of a network, per image.

    Attributes:
        layers: activity of each layer with weights, by the name of its node in the layer graph.
        firing_rates: spikes per neuron per time step of each LIF layer, by name.
        n_spikes: number of spikes of all LIF layers over all time steps.
    """

    layers: dict[str, LayerActivity]
    firing_rates: dict[str, float]
    n_spikes: float

    @property
    def accumulations(self) -> float:
        """Synaptic operations: accumulations of a weight, each caused by a spike."""
        return sum(layer.operations for layer in self.layers.values() if layer.spiking)

    @property
    def multiplications(self) -> float:
        """Multiply-accumulate operations of layers whose inputs are not spikes."""
        return sum(layer.operations for layer in self.layers.values() if not layer.spiking)

    @property
    def literature_energy_uj(self) -> float:
        """Energy in uJ, at 4.6 pJ per multiply-accumulate and 0.9 pJ per accumulation (see ``PJ_PER_MAC``)."""
        return (PJ_PER_MAC * self.multiplications + PJ_PER_ACCUMULATE * self.accumulations) / 1e6


@torch.no_grad()
def measure_activity(
    network: Classifier, images: Images, indices: Indices, device: torch.device, seen: Seen = _unseen
) -> NetworkActivity:
    """Count spikes and operations; the result is the mean over the given images."""
    network.eval()
    operations: dict[str, float] = {}
    active: dict[str, float] = {}
    sizes: dict[str, int] = {}
    binary: dict[str, bool] = {}
    counts: dict[str, float] = {}
    neurons: dict[str, int] = {}
    hooks = []
    formats = network.input_formats()

    def watch_layer(name: str, layer: QuantisedConvolution | QuantisedLinear) -> None:
        weights = (layer.held != 0).float()
        if isinstance(layer, QuantisedConvolution):  # the filters of a group read the same channels
            weights = weights.reshape(layer.groups, -1, *weights.shape[1:]).sum(dim=1)

        def seen(module: torch.nn.Module, inputs: tuple[Tensor]) -> None:
            x = inputs[0]
            nonzero = (x != 0).float()
            if isinstance(layer, QuantisedConvolution):
                done = F.conv2d(nonzero, weights, stride=layer.stride, padding=layer.kernel // 2, groups=layer.groups)
            else:
                done = F.linear(nonzero, weights)
            operations[name] = operations.get(name, 0.0) + _total(done)
            active[name] = active.get(name, 0.0) + (_n_ones(x, formats[name]) if name in formats else _total(nonzero))
            sizes[name] = sizes.get(name, 0) + x.numel()
            binary[name] = binary.get(name, True) and bool(((x == 0) | (x == 1)).all())

        hooks.append(layer.register_forward_pre_hook(seen))

    def count(name: str, spikes: Tensor) -> None:
        counts[name] = counts.get(name, 0.0) + _total(spikes)
        neurons[name] = neurons.get(name, 0) + spikes.numel()

    for name, layer in network.weighted_layers().items():
        watch_layer(name, layer)
    try:
        with observed(network.neurons(), count):
            for x, _ in images.batches(indices, device):
                network(x)
                seen(len(x))
    finally:
        for hook in hooks:
            hook.remove()
    n = len(indices)
    layers = {
        name: LayerActivity(active[name] / sizes[name], operations[name] / n, binary[name]) for name in operations
    }
    return NetworkActivity(layers, {name: counts[name] / neurons[name] for name in counts}, sum(counts.values()) / n)


def _total(values: Tensor) -> float:
    return float(values.double().sum())


def _n_ones(x: Tensor, given: InputFormat) -> float:
    """Number of inputs, each counted by the share of its bits that are 1."""
    return sum(_total(plane) for _, plane in given.planes(x)) / given.n_bits
