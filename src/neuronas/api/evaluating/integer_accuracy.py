"""Accuracy of a trained run at the precision of an export, compared with float."""

from typing import TYPE_CHECKING

from neuronas.api.setup.held_out import Sample
from neuronas.api.setup.trained import TrainedRun
from neuronas.config import FULL_PRECISION, distinct_bits
from neuronas.runs.inputs import NetworkInput
from neuronas.runs.integers import IntegerAccuracy, WeightAccuracy
from neuronas.runs.work import Seen, unseen

if TYPE_CHECKING:
    from torch import Tensor

    from neuronas.export.integer_network import IntegerNetwork


def integers_of(given: TrainedRun) -> "IntegerNetwork":
    """The integer-only network of a trained run.

    Raises:
        ConfigurationError: the network is artificial, its weights are not quantised, or a sum does not fit 32 bits.
    """
    from neuronas.export.from_network import bind
    from neuronas.export.to_integers import integer_network

    config = given.plan.config
    return integer_network(bind(given.network), NetworkInput.of(config.data), config.export.fraction_bits)


def weight_accuracy(given: TrainedRun, sample: Sample, scores: "Tensor") -> WeightAccuracy | None:
    """Classify images with unrounded weights for comparison; None if weights are not rounded.

    Args:
        given: run.
        sample: images.
        scores: class scores with its rounded weights, [n, n_classes].
    """
    from neuronas.training.evaluation import accuracy, accuracy_of

    network, bits = given.network, given.trained.weight_bits
    if distinct_bits(bits) == (FULL_PRECISION,):
        return None
    with network.at_bits(FULL_PRECISION):
        unrounded = accuracy(network, sample.images, sample.indices, given.device)
    return WeightAccuracy(
        weight_bits=bits,
        split=sample.split,
        n_images=len(sample.indices),
        top1=accuracy_of(scores, sample.labels).top1,
        float_top1=unrounded.top1,
    )


def integer_accuracy(
    given: TrainedRun,
    network: "IntegerNetwork",
    sample: Sample,
    scores: "Tensor",
    seen: Seen = unseen,
) -> IntegerAccuracy:
    """Classify images by integer and by float arithmetic.

    Args:
        given: run.
        network: integer-only network of the run.
        sample: images.
        scores: class scores of the run's network in float arithmetic, [n, n_classes].
        seen: called with the number of images just computed.
    """
    import torch

    from neuronas.export.integer_interpreter import integer_scores
    from neuronas.snn.decision import decided
    from neuronas.training.images import BATCH, as_shown

    images, indices = sample.images, sample.indices
    exact = decided(scores)
    found = []
    for first in range(0, len(indices), BATCH):
        pixels = as_shown(images.fetch(indices[first : first + BATCH]).to(given.device))
        found.append(decided(integer_scores(network, pixels).sum(dim=0)).cpu())
        seen(len(found[-1]))
    answers, labels = torch.cat(found), sample.labels
    return IntegerAccuracy(
        fraction_bits=network.fraction_bits,
        split=sample.split,
        n_images=len(indices),
        top1=float((answers == labels).double().mean()),
        float_top1=float((exact == labels).double().mean()),
        same_answers=float((answers == exact).double().mean()),
    )
