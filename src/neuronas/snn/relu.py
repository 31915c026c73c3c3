"""Activations of artificial networks, used instead of LIF neurons: ReLU, and ReLU quantised to a few bits."""

from math import pi, sqrt

import torch
from torch import Tensor, nn

from neuronas.snn.fake_quantisation import learning_step, rounded
from neuronas.snn.weighted import InputFormat

_MEAN_INPUT = 1 / sqrt(2 * pi)
"""Mean of the ReLU of a standard normal variable, the output of batch normalisation."""


class Relu(nn.ReLU):
    """ReLU, used instead of LIF neurons in an artificial network."""

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """See ``NeuronLayer``; a ReLU has no membrane potential."""
        return self(x), v


class QuantisedRelu(nn.Module):
    """Clipped ReLU whose outputs are ``bits``-bit codes times a learned step::

        y = step * round(clip(x / step, 0, 2^bits - 1))

    The step, and thereby the range, is learned as in PACT (arXiv 1805.06085), with the gradient and the initial value
    of LSQ (arXiv 1902.08153) for standard normal inputs. Gradients are straight-through within the range, and 0 where
    inputs are clipped. As in ``WeightQuantiser``, the learned parameter is the logarithm of the step.

    Args:
        bits: 1 to 16.
    """

    def __init__(self, bits: int):
        super().__init__()
        self.bits = bits
        self.log_step = nn.Parameter(torch.tensor(2 * _MEAN_INPUT / sqrt(self.largest)).log())

    @property
    def largest(self) -> int:
        """The largest code."""
        return (1 << self.bits) - 1

    @property
    def format(self) -> InputFormat:
        """Format of the outputs."""
        return InputFormat(self.bits, float(self.log_step.detach().exp()))

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, ...] -> the same shape and type."""
        n_features = x[0, 0].numel()
        step = learning_step(self.log_step, 1 / sqrt(n_features * self.largest))
        return rounded(x.float(), step, 0, self.largest).to(x.dtype)

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """See ``NeuronLayer``; there is no membrane potential."""
        return self(x), v
