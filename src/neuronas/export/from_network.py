"""Converts a trained network to its layer graph with arrays."""

from typing import cast

import numpy as np
from torch import Tensor

from neuronas.config import FULL_PRECISION
from neuronas.errors import ConfigurationError
from neuronas.snn.arithmetic import EPSILON
from neuronas.snn.bound_graph import BoundGraph, Floats, NeuronArrays, WeightArrays
from neuronas.snn.classifier import Classifier
from neuronas.snn.lif import Lif
from neuronas.snn.normalisation import BatchNorm
from neuronas.snn.trainable import QuantisedConvolution, QuantisedLinear


def bind(network: Classifier) -> BoundGraph:
    """Convert a network.

    Raises:
        ConfigurationError: the network is artificial (trained with --ann).
    """
    if not network.settings.spiking:
        raise ConfigurationError("run trained with --ann given; expected a spiking network; train it without --ann")
    layers, neurons, norms = network.weighted_layers(), network.neurons(), network.norms()
    return BoundGraph(
        network.graph,
        network.timesteps,
        {name: _weights(layer, norms.get(name)) for name, layer in layers.items()},
        {name: _neurons(lif, norms.get(name)) for name, lif in neurons.items()},
    )


def _weights(layer: QuantisedConvolution | QuantisedLinear, norm: BatchNorm | None) -> WeightArrays:
    gain, offset = _folded(norm)
    if layer.quantiser.bits == FULL_PRECISION:
        return WeightArrays(_array(layer.kept), gain=gain, offset=offset)
    codes, step = layer.quantiser.codes(layer.kept)
    return WeightArrays(_array(codes * step), _array(codes).astype(np.int32), _array(step), gain, offset)


def _neurons(lif: Lif, norm: BatchNorm | None) -> NeuronArrays:
    neuron = lif.neuron
    return NeuronArrays(neuron.tau, np.array(lif.threshold), np.array(neuron.v_reset), neuron.v_reset, *_folded(norm))


def _folded(norm: BatchNorm | None) -> tuple[Floats | None, Floats | None]:
    """Gain and offset of batch normalisation in evaluation mode.

    gain = weight / sqrt(var + epsilon), offset = bias - mean * gain.
    """
    if norm is None:
        return None, None
    mean, var = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    gain = norm.weight * (var + EPSILON).rsqrt()
    return _array(gain), _array(norm.bias - mean * gain)


def _array(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return cast("np.ndarray[tuple[int, ...], np.dtype[np.float32]]", tensor.detach().cpu().float().numpy())
