"""What training minimises, and how fast: losses, firing rates, learning rate, pruning."""

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
from neuronas.snn.trainable import is_distributed

_TET_SHARE = 0.05
_TET_TARGET = 1.0
_STEPS_AT = (0.5, 0.75, 0.9)
_STEP_FACTOR = 0.1
_PRUNING_FROM, _PRUNING_TO = 0.1, 0.7


def classification_loss(scores: Tensor, targets: Tensor, kind: str, label_smoothing: float) -> Tensor:
    """Loss of class scores.

    Args:
        scores: [T, B, n_classes].
        targets: [B, n_classes], shares that add up to 1.
        kind: ``mean``: cross entropy of the mean over time; ``tet``: mean of each step's cross entropy, with a share of
            0.05 for the squared distance of scores to 1 (TET, arXiv 2202.11946, equation 11).
        label_smoothing: share of the target that is spread over all classes.
    """
    if kind == "mean":
        return F.cross_entropy(mean_scores(scores), targets, label_smoothing=label_smoothing)
    every = targets.expand(len(scores), *targets.shape).flatten(0, 1)
    entropy = F.cross_entropy(scores.flatten(0, 1), every, label_smoothing=label_smoothing)
    return (1 - _TET_SHARE) * entropy + _TET_SHARE * (scores - _TET_TARGET).square().mean()


@contextmanager
def firing_rates(network: Classifier, *, wanted: bool = True) -> Iterator[dict[str, Tensor]]:
    """Collect each LIF layer's spikes a neuron and time step, with gradients, while the network runs once."""
    found: dict[str, list[Tensor]] = {}

    def seen(name: str, spikes: Tensor) -> None:
        found.setdefault(name, []).append(spikes.float().mean())

    rates: dict[str, Tensor] = {}
    with observed(network.neurons() if wanted else {}, seen):
        yield rates
    rates.update({name: torch.stack(means).mean() for name, means in found.items()})


def rate_penalty(rates: dict[str, Tensor], target: float) -> Tensor:
    """Mean over layers of the squared excess of the firing rate, over the global batch, over a target."""
    own = torch.stack(list(rates.values()))
    if is_distributed():
        own = distributed.all_reduce(own) / dist.get_world_size()  # type: ignore[no-untyped-call]
    return (own - target).clamp_min(0).square().mean()


def learning_rate(kind: str, largest: float, progress: float, warmup: float) -> float:
    """Learning rate at a point of training.

    Args:
        kind: ``cosine`` (to zero), or ``step`` (a tenth at 50, 75 and 90 % of training).
        largest: the largest.
        progress: share of training that is done, 0 to 1.
        warmup: share of training in which the rate rises linearly from zero.
    """
    if progress < warmup:
        return largest * progress / warmup
    if kind == "cosine":
        return largest * 0.5 * (1 + cos(pi * (progress - warmup) / max(1 - warmup, 1e-12)))
    passed: int = sum(progress >= at for at in _STEPS_AT)
    return float(largest * _STEP_FACTOR**passed)


def planned_sparsity(final: float, progress: float) -> float:
    """Share of weights that are pruned at a point of training: rises cubically from 10 to 70 % of it.

    Gradual pruning of Zhu and Gupta, arXiv 1710.01878, equation 1.
    """
    done = min(max((progress - _PRUNING_FROM) / (_PRUNING_TO - _PRUNING_FROM), 0.0), 1.0)
    return final * (1 - (1 - done) ** 3)


@torch.no_grad()
def prune(network: Classifier, sparsity: float) -> None:
    """Mask out the weights of smallest magnitude of every layer but the stem, the same share in each."""
    for name, layer in network.weighted_layers().items():
        if name == "stem":  # a few hundred weights that see the image itself
            continue
        magnitude = layer.weight.abs().flatten()
        n = int(sparsity * len(magnitude))
        mask = torch.ones_like(magnitude, dtype=torch.bool)
        if n:
            mask[magnitude.argsort(stable=True)[:n]] = False
        layer.mask = mask.view_as(layer.weight)


@torch.no_grad()
def sparsity_of(network: Classifier) -> float:
    """Share of weights that are zero as the chip holds them."""
    held = [layer.held for layer in network.weighted_layers().values()]
    return float(sum((weight == 0).sum() for weight in held)) / sum(weight.numel() for weight in held)
