"""Builds the network of a run from its settings: with initial weights for training, or with its best weights."""

from dataclasses import dataclass
from pathlib import Path

import torch

from neuronas.config import NetworkConfig, TrainConfig
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import FULL_PRECISION
from neuronas.snn.trainable import WeightFormat
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape
from neuronas.training.checkpoint import load_best


def make_classifier(
    architecture: Architecture,
    shape: NetworkShape,
    network: NetworkConfig,
    train: TrainConfig,
    device: torch.device,
    noise: tuple[float, ...] = (),
) -> Classifier:
    """Build the network, with first weights drawn from the training seed or those of a trained run.

    Args:
        architecture: the cells.
        shape: the network around them.
        network: precision and neurons.
        train: resolved settings of training.
        device: where it will learn.
        noise: of the weights in training, see ``WeightFormat``.

    Raises:
        ConfigurationError: settings that do not go together.
        RunDirectoryError: the run to start from was not trained.
        VerificationError: it has another network, or is damaged.
    """
    form = WeightFormat(
        bits=FULL_PRECISION if train.quantise == "after" else network.weight_bits,
        scale=train.scale,
        rounding=network.rounding,
        prunable=bool(train.sparsity),
        noise=noise,
    )
    if form.scale != "power-of-two" and form.bits == FULL_PRECISION:
        raise ConfigurationError(f"scale {form.scale} given with weight_bits 32; only rounded weights have a step")
    if form.scale != "power-of-two" and network.rounding != "nearest":
        raise ConfigurationError(
            f"rounding {network.rounding} given with scale {form.scale}; learned steps round to the nearest"
        )
    settings = ClassifierSettings(
        form=form,
        neuron=NeuronParameters(network.tau, network.v_threshold, network.v_reset),
        timesteps=network.timesteps,
        surrogate=train.surrogate,
        spiking=not train.ann,
        checkpointing=bool(train.checkpointing),
        low_precision=_low_precision(train.precision, device),
    )
    classifier = Classifier(architecture, shape, settings, train.seed)
    if train.start_from is not None:
        load_best(classifier, Path(train.start_from))
    return classifier.to(device)


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


def _low_precision(precision: str, device: torch.device) -> bool:
    if precision != "auto":
        return precision == "bfloat16"
    # On a CPU bfloat16 is faster where the processor multiplies it (AMX, AVX-512 BF16), and slower elsewhere.
    return device.type == "cuda" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
