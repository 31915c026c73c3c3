"""Weights, scales and firing rules of the layers of PyTorch modules in evaluation mode."""

from collections.abc import Callable
from typing import cast

import numpy as np
from spikingjelly.activation_based import neuron as spikingjelly_neuron
from torch import Tensor, nn

from neuronas.snn.bound_graph import Floats, WeightArrays
from neuronas.snn.imported import ReluRule, Rule, Scaling, SpikeRule
from neuronas.snn.lif import Lif
from neuronas.snn.spikingjelly import SpikingJellyLif
from neuronas.space.node_operations import Shape

_LEAKY = (spikingjelly_neuron.LIFNode, spikingjelly_neuron.ParametricLIFNode)


def weights_of(layer: nn.Conv2d | nn.Linear) -> WeightArrays:
    """Weights and bias."""
    offset = None if layer.bias is None else _array(layer.bias)
    return WeightArrays(cast("np.ndarray[tuple[int, ...], np.dtype[np.float32]]", _array(layer.weight)), offset=offset)


def scaling_of(norm: nn.modules.batchnorm._BatchNorm) -> Callable[[Shape], Scaling]:
    """Scale and shift of batch normalisation with its running statistics.

    Raises:
        ValueError: it has no running statistics.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("batch normalisation without running statistics given; expected track_running_stats=True")
    mean, var = _array(norm.running_mean).astype(np.float64), _array(norm.running_var).astype(np.float64)
    gain: Floats = 1 / np.sqrt(var + norm.eps)
    gain = gain if norm.weight is None else gain * _array(norm.weight)
    offset = -mean * gain if norm.bias is None else _array(norm.bias) - mean * gain
    return lambda shape: Scaling.of_channels(gain, offset, shape)


def rule_of(layer: nn.Module) -> tuple[Rule, float]:
    """Firing rule of neurons, and the factor of their input.

    Raises:
        ValueError: cost can be estimated for these neurons, but they cannot be simulated.
    """
    if isinstance(layer, SpikingJellyLif):
        layer = layer.node
    if isinstance(layer, nn.ReLU6):
        return ReluRule(6.0), 1.0
    if isinstance(layer, nn.ReLU):
        return ReluRule(), 1.0
    if isinstance(layer, Lif):
        reset = np.array(layer.neuron.v_reset)
        return SpikeRule(np.array(layer.neuron.tau), np.array(layer.threshold), reset, reset), 1.0
    if type(layer) not in (*_LEAKY, spikingjelly_neuron.IFNode):
        raise ValueError("neurons that cannot be simulated; expected LIFNode, ParametricLIFNode, IFNode or ReLU")
    node = cast("spikingjelly_neuron.LIFNode", layer)
    threshold = np.array(float(node.v_threshold))
    reset = np.array(float(node.v_reset or 0.0))
    kept = None if node.v_reset is None else reset
    if type(layer) is spikingjelly_neuron.IFNode:
        return SpikeRule(None, threshold, kept, reset), 1.0
    is_learned = type(layer) is spikingjelly_neuron.ParametricLIFNode
    tau = 1 / float(cast(Tensor, layer.w).detach().sigmoid()) if is_learned else float(node.tau)
    return SpikeRule(np.array(tau), threshold, kept, reset), 1.0 if node.decay_input else tau


def _array(tensor: Tensor) -> Floats:
    return cast(Floats, tensor.detach().cpu().float().numpy())
