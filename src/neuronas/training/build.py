"""Builds the network of a run from its settings: with initial weights for training, or with its best weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from neuronas.config import (
    FULL_PRECISION,
    NetworkConfig,
    TrainConfig,
    WeightBits,
    as_path,
    distinct_bits,
    keys_with,
)
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.space.genotype import Architecture
from neuronas.space.layer_bits import graph_bits
from neuronas.space.lowering import lower
from neuronas.space.shape import NetworkShape
from neuronas.training.checkpoint import load_best


def make_classifier(
    architecture: Architecture,
    shape: NetworkShape,
    network: NetworkConfig,
    train: TrainConfig,
    device: torch.device,
    noise: Mapping[int, tuple[float, ...]] | None = None,
) -> Classifier:
    """Build the network with random initial weights (from the training's seed), or with those of ``train.start_from``.

    Args:
        architecture: the cells.
        shape: sizes of the network around the cells.
        network: settings of weight precision and neurons.
        train: resolved settings of training.
        device: device of the network.
        noise: standard deviations of weight noise in training, by number of bits, see ``WeightFormat``; None: no noise.

    Raises:
        ConfigurationError: incompatible settings, or bits that do not match the layers.
        RunDirectoryError: the run of ``train.start_from`` was not trained.
        VerificationError: the checkpoint of ``train.start_from`` is damaged or belongs to another network.
    """
    weight_bits = graph_bits(network.weight_bits, lower(architecture, shape))
    form = WeightFormat(
        bits=FULL_PRECISION if train.quantise == "after" else weight_bits,
        scale=train.scale,
        rounding=network.rounding,
        prunable=bool(train.sparsity),
        noise=noise or {},
    )
    if form.scale != "power-of-two" and FULL_PRECISION in distinct_bits(form.bits):
        raise ConfigurationError(
            f"scale {form.scale} given with weight_bits 32{keys_with(form.bits, FULL_PRECISION)}; expected weight_bits "
            "2 to 16: only quantised weights have a step"
        )
    if form.scale != "power-of-two" and network.rounding != "nearest":
        raise ConfigurationError(
            f"rounding {network.rounding} given with scale {form.scale}; expected rounding nearest with a learned step"
        )
    if train.early_side < 1 and shape.head != "gap":
        raise ConfigurationError(
            f"early_side {train.early_side:g} given with head {shape.head}, whose number of weights depends on the "
            "side; expected --head gap or --set train.early_side=1"
        )
    settings = ClassifierSettings(
        form=form,
        neuron=NeuronParameters(network.tau, network.v_threshold, network.v_reset),
        timesteps=network.timesteps,
        surrogate=train.surrogate,
        dropout=train.dropout,
        spiking=not train.ann,
        activation_bits=train.activation_bits,
        checkpointing=bool(train.checkpointing),
        low_precision=_low_precision(train.precision, device),
    )
    classifier = Classifier(architecture, shape, settings, train.seed)
    if train.start_from is not None:
        load_best(classifier, as_path(train.start_from))
    return classifier.to(device)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with its best weights, in evaluation mode.

    Attributes:
        network: the classifier.
        epoch: epoch of the weights, from 1.
        accuracy: accuracy on the validation images; None if the run had none.
        weight_bits: precision of its weights: a number, or the bits of each layer.
    """

    network: Classifier
    epoch: int
    accuracy: float | None
    weight_bits: WeightBits


def load_trained(
    directory: Path,
    architecture: Architecture,
    shape: NetworkShape,
    network: NetworkConfig,
    train: TrainConfig,
    device: torch.device,
    precision: str = "float32",
) -> TrainedNetwork:
    """Read the best checkpoint of a run.

    Args:
        directory: the run directory.
        architecture: the cells of the run.
        shape: sizes of the network around the cells.
        network: the run's settings of weight precision and neurons.
        train: the run's resolved settings of training.
        device: device of the network.
        precision: precision of its convolutions, see setting ``train.precision``.

    Raises:
        RunDirectoryError: the run was not trained.
        VerificationError: the checkpoint is damaged or belongs to another network.
    """
    settings = train.model_copy(update={"precision": precision, "checkpointing": False, "start_from": None})
    classifier = make_classifier(architecture, shape, network, settings, device)
    facts = load_best(classifier, directory)
    epoch, accuracy = facts.get("epoch"), facts.get("accuracy")
    if not isinstance(epoch, int) or not isinstance(accuracy, int | float):
        raise VerificationError(f"run directory {directory}: epoch and accuracy not found in its best checkpoint")
    weight_bits = graph_bits(network.weight_bits, classifier.graph)
    classifier.set_bits(weight_bits)
    classifier.eval()
    return TrainedNetwork(classifier, epoch, float(accuracy) if facts.get("validated", True) else None, weight_bits)


def _low_precision(precision: str, device: torch.device) -> bool:
    if precision != "auto":
        return precision == "bfloat16"
    # On a CPU, bfloat16 is faster only with hardware support (AMX, AVX-512 BF16).
    return device.type == "cuda" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
