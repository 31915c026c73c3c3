"""Accuracy of the integer-only network of a trained run beside float arithmetic."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from neuronas.api.trained import TrainedRun
from neuronas.runs.inputs import NetworkInput
from neuronas.runs.integers import IntegerAccuracy

if TYPE_CHECKING:
    from neuronas.export.integer_network import IntegerNetwork
    from neuronas.training.images import Images


def _unseen(n: int) -> None:
    pass


def integers_of(given: TrainedRun) -> "IntegerNetwork":
    """The integer-only network of a trained run.

    Raises:
        ConfigurationError: the network is artificial, its weights are not quantised, or a sum does not fit 32 bits.
    """
    from neuronas.export.from_network import bind
    from neuronas.export.to_integers import integer_network

    return integer_network(bind(given.network), NetworkInput.of(given.plan.config.data))


def integer_accuracy(
    given: TrainedRun, network: "IntegerNetwork", images: "Images", seen: Callable[[int], None] = _unseen
) -> IntegerAccuracy:
    """Classify images by integer and by float arithmetic.

    Args:
        given: the run.
        network: its integer-only network.
        images: test images.
        seen: is told of images that were just computed.
    """
    import numpy as np
    import torch

    from neuronas.export.integer_interpreter import integer_scores
    from neuronas.snn.decision import decided
    from neuronas.training.evaluation import class_scores
    from neuronas.training.images import BATCH, as_shown

    indices = np.arange(len(images))
    exact = decided(class_scores(given.network, images, indices, given.device))
    found = []
    for first in range(0, len(indices), BATCH):
        pixels = as_shown(images.fetch(indices[first : first + BATCH]).to(given.device))
        found.append(decided(integer_scores(network, pixels).sum(dim=0)).cpu())
        seen(len(found[-1]))
    answers, labels = torch.cat(found), images.labels
    return IntegerAccuracy(
        fraction_bits=network.fraction_bits,
        n_images=len(indices),
        top1=float((answers == labels).double().mean()),
        float_top1=float((exact == labels).double().mean()),
        same_answers=float((answers == exact).double().mean()),
    )
