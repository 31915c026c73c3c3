"""The one adapter to SpikingJelly, whose neurons the reference network runs."""

import logging

from spikingjelly.activation_based import neuron as spikingjelly_neuron
from spikingjelly.activation_based import surrogate
from torch import Tensor, nn

from neuronas.snn.neuron import NeuronParameters

# torch says at every first use of SpikingJelly that Triton is absent; on a CPU that is no news.
logging.getLogger("torch._library.triton").setLevel(logging.ERROR)


class SpikingJellyLif(nn.Module):
    """A LIF layer on sequences, with the interface of ``snn.lif.Lif``; stateless between calls.

    Args:
        neuron: parameters.
        timesteps: T, the length of the answer.
        threshold: firing threshold; None: the neuron's.
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
        """[T, ...] (or [1, ...], the same at every step) -> spikes [T, ...], 0 or 1."""
        self.node.reset()
        spikes: Tensor = self.node(x.expand(self.timesteps, *x.shape[1:]))
        return spikes

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor]:
        """One time step: input [1, ...] and potential before (None: at rest) -> spikes and potential after."""
        self.node.reset()
        if v is not None:
            self.node.v = v
        return self.node(x), self.node.v
