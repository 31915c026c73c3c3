"""The one adapter to SpikingJelly: LIF neurons and their reset."""

import logging
from dataclasses import dataclass
from typing import cast

from spikingjelly.activation_based import functional, surrogate
from spikingjelly.activation_based import neuron as spikingjelly_neuron
from torch import nn

# torch says at every first use of SpikingJelly that Triton is absent; on a CPU that is no news.
logging.getLogger("torch._library.triton").setLevel(logging.ERROR)


@dataclass(frozen=True)
class NeuronParameters:
    """Parameters of the LIF neuron, in SpikingJelly's terms.

    One step, with input x, membrane potential v and spike s::

        h = v + (x - (v - v_reset)) / tau
        s = 1 if h >= v_threshold else 0
        v = v_reset if s else h

    Attributes:
        tau: membrane time constant in time steps, above 1 (4/3 in SNASNet, arXiv 2201.10355).
        v_threshold: firing threshold.
        v_reset: potential after a spike (hard reset), and before the first time step.
    """

    tau: float = 4 / 3
    v_threshold: float = 1.0
    v_reset: float = 0.0


def make_lif(parameters: NeuronParameters, threshold: float | None = None) -> nn.Module:
    """Make a LIF layer for sequences [T, B, ...] that gives spikes of the same shape.

    Args:
        parameters: the neuron.
        threshold: firing threshold, if other than ``parameters.v_threshold``.
    """
    node = spikingjelly_neuron.LIFNode(
        tau=float(parameters.tau),
        decay_input=True,
        v_threshold=float(parameters.v_threshold if threshold is None else threshold),
        v_reset=float(parameters.v_reset),
        surrogate_function=surrogate.ATan(),
        detach_reset=True,
        step_mode="m",
    )
    return cast(nn.Module, node)


def is_lif(module: nn.Module) -> bool:
    """Whether a module is a LIF layer made here."""
    return isinstance(module, spikingjelly_neuron.LIFNode)


def reset_state(network: nn.Module) -> None:
    """Forget all membrane potentials; due before each batch, since SpikingJelly keeps them between calls."""
    functional.reset_net(network)
