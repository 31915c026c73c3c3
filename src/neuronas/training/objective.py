"""Loss functions, firing-rate penalty, learning rate schedules and pruning."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import cos, pi

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn import functional as distributed
from torch.nn import functional as F  # noqa: N812

from neuronas.snn.classifier import Classifier
from neuronas.snn.decision import mean_scores
from neuronas.snn.lif import observed
from neuronas.snn.normalisation import is_distributed

_TET_SHARE = 0.05
_TET_TARGET = 1.0
_STEPS_AT = (0.5, 0.75, 0.9)
_STEP_FACTOR = 0.1
_PRUNING_FROM, _PRUNING_TO = 0.1, 0.7


def balanced_weights(labels: Tensor, n_classes: int) -> Tensor:
    """Weight of each class in the loss: n images / (n classes * images of the class), 1 for a class without images.

    Every class then has the same share of the loss, and the mean weight over the images is 1.

    Args:
        labels: class of each training image.
        n_classes: number of classes.
    """
    counts = torch.bincount(labels, minlength=n_classes)
    weights = len(labels) / ((counts > 0).sum() * counts.clamp_min(1))
    return torch.where(counts > 0, weights, 1.0).float()


def classification_loss(
    scores: Tensor, targets: Tensor, kind: str, label_smoothing: float, class_weights: Tensor | None = None
) -> Tensor:
    """Loss of class scores.

    Args:
        scores: [T, B, n_classes] class scores (logits).
        targets: [B, n_classes] class probabilities that add up to 1.
        kind: ``mean``: cross entropy of the scores averaged over time; ``tet``: 0.95 times the mean over time steps of
            the cross entropy, plus 0.05 times the mean squared error of the scores to 1 (TET, arXiv 2202.11946,
            equation 11).
        label_smoothing: share of the target distributed uniformly over all classes.
        class_weights: [n_classes] weight of each class in the cross entropy; None: 1.
    """
    if kind == "mean":
        return F.cross_entropy(mean_scores(scores), targets, class_weights, label_smoothing=label_smoothing)
    every = targets.expand(len(scores), *targets.shape).flatten(0, 1)
    entropy = F.cross_entropy(scores.flatten(0, 1), every, class_weights, label_smoothing=label_smoothing)
    return (1 - _TET_SHARE) * entropy + _TET_SHARE * (scores - _TET_TARGET).square().mean()


@contextmanager
def firing_rates(network: Classifier, *, enabled: bool = True) -> Iterator[dict[str, Tensor]]:
    """Collect the spikes per neuron per time step of each LIF layer, with gradients, during one forward pass.

    Yields:
        a dictionary that is filled when the context ends; it stays empty if not ``enabled``.
    """
    found: dict[str, list[Tensor]] = {}

    def seen(name: str, spikes: Tensor) -> None:
        found.setdefault(name, []).append(spikes.float().mean())

    rates: dict[str, Tensor] = {}
    with observed(network.neurons() if enabled else {}, seen):
        yield rates
    rates.update({name: torch.stack(means).mean() for name, means in found.items()})


def rate_penalty(rates: dict[str, Tensor], target: float) -> Tensor:
    """Mean over layers of ``max(0, rate - target)^2``, with the rates of the global batch."""
    own = torch.stack(list(rates.values()))
    if is_distributed():
        own = distributed.all_reduce(own) / dist.get_world_size()  # type: ignore[no-untyped-call]
    return (own - target).clamp_min(0).square().mean()


def learning_rate(kind: str, largest: float, progress: float, warmup: float, floor: float = 0.0) -> float:
    """Learning rate at a point of training.

    Args:
        kind: ``cosine`` (cosine decay to ``floor``), or ``step`` (divided by 10 at 50, 75 and 90 % of training).
        largest: peak learning rate.
        progress: finished share of training, 0 to 1.
        warmup: share of training in which the rate rises linearly from 0.
        floor: rate at the end of ``cosine``.
    """
    if progress < warmup:
        return largest * progress / warmup
    if kind == "cosine":
        return floor + (largest - floor) * 0.5 * (1 + cos(pi * (progress - warmup) / max(1 - warmup, 1e-12)))
    passed: int = sum(progress >= at for at in _STEPS_AT)
    return float(largest * _STEP_FACTOR**passed)


def planned_sparsity(final: float, progress: float) -> float:
    """Target sparsity at a point of training: 0 until 10 % of training, ``final`` from 70 %.

    Cubic schedule of gradual pruning (Zhu and Gupta, arXiv 1710.01878, equation 1).
    """
    done = min(max((progress - _PRUNING_FROM) / (_PRUNING_TO - _PRUNING_FROM), 0.0), 1.0)
    return final * (1 - (1 - done) ** 3)


@torch.no_grad()
def prune(network: Classifier, sparsity: float) -> None:
    """Prune the weights with the smallest magnitudes, the same share in every layer except the stem."""
    for name, layer in network.weighted_layers().items():
        if name == "stem":  # only a few hundred weights, which read the image
            continue
        magnitude = layer.weight.abs().flatten()
        n = int(sparsity * len(magnitude))
        mask = torch.ones_like(magnitude, dtype=torch.bool)
        if n:
            mask[magnitude.argsort(stable=True)[:n]] = False
        layer.mask = mask.view_as(layer.weight)


@torch.no_grad()
def sparsity_of(network: Classifier) -> float:
    """Share of quantised weights that are 0."""
    held = [layer.held for layer in network.weighted_layers().values()]
    return float(sum((weight == 0).sum() for weight in held)) / sum(weight.numel() for weight in held)
