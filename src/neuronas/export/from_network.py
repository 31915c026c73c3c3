"""From the trained network to its layer graph with arrays."""

from typing import cast

import numpy as np
from torch import Tensor, nn

from neuronas.errors import ConfigurationError
from neuronas.export.bound_graph import BoundGraph, Floats, NeuronArrays, WeightArrays
from neuronas.snn.arithmetic import EPSILON
from neuronas.snn.classifier import Classifier, ConvBatchNorm, NodeNorm
from neuronas.snn.lif import Lif
from neuronas.snn.quantisation import FULL_PRECISION
from neuronas.snn.trainable import BatchNorm, Convolution, Linear
from neuronas.space.graph import Neurons, Node, Weights
from neuronas.space.lowering import lower


def bind(network: Classifier) -> BoundGraph:
    """Write a network down.

    Raises:
        ConfigurationError: an artificial network, which has no neurons to export.
    """
    if not network.settings.spiking:
        raise ConfigurationError("run trained with --ann given; expected a spiking network; train it without --ann")
    graph = lower(network.architecture, network.shape)
    layers, neurons, norms = network.weighted_layers(), network.neurons(), _norms(network)
    return BoundGraph(
        graph,
        network.timesteps,
        {
            node.name: _weights(layers[node.name], norms.get(layers[node.name]))
            for node in graph.nodes
            if isinstance(node.operation, Weights)
        },
        {
            node.name: _neurons(neurons[lif_name(node)], norms.get(neurons[lif_name(node)]))
            for node in graph.nodes
            if isinstance(node.operation, Neurons)
        },
    )


def _weights(layer: Convolution | Linear, norm: BatchNorm | None) -> WeightArrays:
    gain, offset = _folded(norm)
    if layer.quantiser.bits == FULL_PRECISION:
        return WeightArrays(_array(layer.kept), gain=gain, offset=offset)
    codes, step = layer.quantiser.codes(layer.kept)
    return WeightArrays(_array(codes * step), _array(codes).astype(np.int32), _array(step), gain, offset)


def _neurons(lif: Lif, norm: BatchNorm | None) -> NeuronArrays:
    neuron = lif.neuron
    return NeuronArrays(neuron.tau, np.array(lif.threshold), np.array(neuron.v_reset), neuron.v_reset, *_folded(norm))


def _folded(norm: BatchNorm | None) -> tuple[Floats | None, Floats | None]:
    """Batch normalisation in evaluation as gain and offset: gain = weight / sqrt(var + epsilon)."""
    if norm is None:
        return None, None
    mean, var = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    gain = norm.weight * (var + EPSILON).rsqrt()
    return _array(gain), _array(norm.bias - mean * gain)


def _array(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return cast("np.ndarray[tuple[int, ...], np.dtype[np.float32]]", tensor.detach().cpu().float().numpy())


def _norms(network: Classifier) -> dict[nn.Module, BatchNorm]:
    """The batch normalisation behind each convolution and in front of LIF layers."""
    found: dict[nn.Module, BatchNorm] = {
        module.conv: module.norm for module in network.modules() if isinstance(module, ConvBatchNorm)
    }
    for module in network.modules():
        if isinstance(module, nn.Sequential) and isinstance(module[0], NodeNorm):
            found[module[1]] = module[0].norm
    return found


def lif_name(node: Node) -> str:
    """The network's name of the LIF layer of a node."""
    origin = node.origin
    if origin is None or not isinstance(node.operation, Neurons):
        raise TypeError(f"node '{node.name}' given; expected neurons of an architecture")
    if origin.part == "cell":
        threshold = node.operation.threshold
        suffix = "" if threshold is None else f"@{threshold!r}".replace(".", "_")
        return f"cells.{origin.place}.node{origin.number}{suffix}"
    if origin.part == "reduction":
        return f"reductions.{origin.place - 1}.1"
    return "last.1" if node.name == "head.lif" else "head.1"
