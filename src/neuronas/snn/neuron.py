"""The LIF neuron: its parameters and one time step."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neuronas.snn.arithmetic import divided


@dataclass(frozen=True)
class NeuronParameters:
    """Parameters of the LIF neuron, named as in SpikingJelly (see ``lif_step``).

    Attributes:
        tau: membrane time constant in time steps, above 1 (4/3 in SNASNet, arXiv 2201.10355).
        v_threshold: firing threshold.
        v_reset: potential after a spike (hard reset); also the resting potential and the initial potential.
    """

    tau: float = 4 / 3
    v_threshold: float = 1.0
    v_reset: float = 0.0


def lif_step(
    x: Tensor,
    v: Tensor,
    tau: float,
    threshold: float | Tensor,
    v_reset: float | Tensor,
    v_rest: float | Tensor,
) -> tuple[Tensor, Tensor]:
    """One time step of LIF neurons::

        h = v + (x - (v - v_rest)) / tau
        u = h - threshold
        v = v_reset if u >= 0 else h

    Args:
        x: input, float32 or float64, any shape.
        v: previous potential, of the same shape.
        tau: see ``NeuronParameters``.
        threshold: firing threshold; a number or a tensor that broadcasts to x, like ``v_reset`` and ``v_rest``.
        v_reset: potential after a spike.
        v_rest: resting potential, to which the potential decays.

    Returns:
        u, which is at least 0 where a neuron spikes, and the new potential; both of the shape of x.
    """
    h = v + divided(x - (v - v_rest), tau)
    u = h - threshold
    return u, torch.where(u >= 0, v_reset, h)
