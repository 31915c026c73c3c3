"""Adapter for the neurons of SpikingJelly, used by the reference network."""

import logging

from spikingjelly.activation_based import neuron as spikingjelly_neuron, surrogate
from torch import Tensor, nn

from neuronas.snn.neuron import NeuronParameters

# On first use of SpikingJelly, torch logs that Triton is missing, which is not needed on CPUs.
logging.getLogger("torch._library.triton").setLevel(logging.ERROR)


class SpikingJellyLif(nn.Module):
    """LIF layer for sequences, with the interface of ``snn.lif.Lif``; it keeps no state between calls.

    Args:
        neuron: parameters of the neurons.
        timesteps: number of time steps T of the output.
        threshold: firing threshold; None: ``neuron.v_threshold``.
    """

    def __init__(self, neuron: NeuronParameters, timesteps: int, threshold: float | None = None):
        super().__init__()
        self.timesteps = timesteps
        self.node = spikingjelly_neuron.LIFNode(
            tau=float(neuron.tau),
            decay_input=True,
            v_threshold=float(neuron.v_threshold if threshold is None else threshold),
            v_reset=float(neuron.v_reset),
            surrogate_function=surrogate.ATan(),
            detach_reset=True,
            step_mode="m",
        )

    def forward(self, x: Tensor) -> Tensor:
        """[T, ...] (or [1, ...], equal at every time step) -> spikes [T, ...], 0 or 1."""
        self.node.reset()
        spikes: Tensor = self.node(x.expand(self.timesteps, *x.shape[1:]))
        return spikes

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor]:
        """One time step: input [1, ...] and previous potential (None: at rest) -> spikes and new potential."""
        self.node.reset()
        if v is not None:
            self.node.v = v
        return self.node(x), self.node.v
