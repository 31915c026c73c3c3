"""A trained run, read back: the network with its best weights."""

from dataclasses import dataclass
from pathlib import Path

import torch

from neuronas.config import NetworkConfig, TrainConfig
from neuronas.errors import VerificationError
from neuronas.snn.classifier import Classifier
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape
from neuronas.training.checkpoint import load_best
from neuronas.training.model import make_classifier


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with its best weights, in evaluation mode, computing in float32.

    Attributes:
        network: the classifier.
        epoch: the one whose weights these are.
        accuracy: on the validation images; None where there were none.
    """

    network: Classifier
    epoch: int
    accuracy: float | None


def load_trained(
    directory: Path,
    architecture: Architecture,
    shape: NetworkShape,
    network: NetworkConfig,
    train: TrainConfig,
    device: torch.device,
) -> TrainedNetwork:
    """Read the best checkpoint of a run.

    Args:
        directory: of the run.
        architecture: of the run.
        shape: the network around the cells.
        network: the run's settings of it.
        train: the run's resolved settings of training.
        device: where it will run.

    Raises:
        RunDirectoryError: the run was not trained.
        VerificationError: a damaged checkpoint, or one of another network.
    """
    exact = train.model_copy(update={"precision": "float32", "checkpointing": False, "start_from": None})
    classifier = make_classifier(architecture, shape, network, exact, device)
    facts = load_best(classifier, directory)
    epoch, accuracy = facts.get("epoch"), facts.get("accuracy")
    if not isinstance(epoch, int) or not isinstance(accuracy, int | float):
        raise VerificationError(f"run directory {directory}: its best checkpoint names no epoch and accuracy")
    classifier.set_bits(network.weight_bits)
    classifier.eval()
    return TrainedNetwork(classifier, epoch, float(accuracy) if facts.get("validated", True) else None)
