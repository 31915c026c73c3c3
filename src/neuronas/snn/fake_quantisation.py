"""Quantisation-aware training of weights: quantised in the forward pass, with a straight-through gradient."""

from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuronas.config import FULL_PRECISION

SCALES = ("power-of-two", "lsq", "lsq-channel")
_SMALLEST = 1e-12
"""Magnitude used for weights that are all 0, since its logarithm is needed."""
_EVALUATION_SEED = 20240700  # makes stochastic rounding reproducible in evaluation


class Codes(NamedTuple):
    """Quantised weights ``codes * step``; ``step`` broadcasts to ``codes``: a scalar, or one value per output."""

    codes: Tensor
    step: Tensor


class WeightQuantiser(nn.Module):
    """Rounds a weight tensor to ``bits``-bit symmetric integers times a step.

    Scales: ``power-of-two`` uses the smallest power of two that represents the largest weight, as in
    ``snn.quantisation`` (the fixed point of NeuroNAS); ``lsq`` learns one step for the tensor, and ``lsq-channel`` one
    per output (LSQ, arXiv 1902.08153). If ``bits`` is changed later (post-training quantisation), every scale works as
    ``power-of-two``.

    The learned parameter is the logarithm of a step, so that no update makes the step 0 or negative. Its gradient is
    that of LSQ divided by the step: to first order, gradient descent changes a step by the same fraction as in LSQ.

    Args:
        weight: initial values of the weight tensor.
        bits: 2 to 16, or 32 for no quantisation.
        scale: one of ``SCALES``.
        rounding: ``nearest``, ``floor`` or ``stochastic``; learned steps always round to the nearest.
    """

    def __init__(self, weight: Tensor, bits: int, scale: str = "power-of-two", rounding: str = "nearest"):
        super().__init__()
        if scale not in SCALES:
            raise ValueError(f"scale '{scale}' given; expected one of {', '.join(SCALES)}")
        self.bits = self.learned_bits = bits
        self.scale, self.rounding = scale, rounding
        if scale != "power-of-two" and bits != FULL_PRECISION:
            rows = weight.detach().abs().flatten(1)
            mean = rows.mean(dim=1).reshape(-1, *[1] * (weight.dim() - 1)) if scale == "lsq-channel" else rows.mean()
            self.log_step = nn.Parameter((2 * mean.clamp_min(_SMALLEST) / sqrt(2 ** (bits - 1) - 1)).log())

    def forward(self, weight: Tensor) -> Tensor:
        """Return the quantised weight, of the same shape; the gradient passes unchanged (straight-through)."""
        if self.bits == FULL_PRECISION:
            return weight
        largest = 2 ** (self.bits - 1) - 1
        if self._learned:
            step = learning_step(self.log_step, 1 / sqrt(weight.numel() / self.log_step.numel() * largest))
            return rounded(weight, step, -largest, largest)
        with torch.no_grad():
            codes, step = self.codes(weight)
            difference = codes * step - weight
        return weight + difference

    @torch.no_grad()
    def codes(self, weight: Tensor) -> Codes:
        """Return the integer codes (of a floating-point type) and their step."""
        largest, step = 2 ** (self.bits - 1) - 1, self.step_of(weight)
        scaled = weight / step
        return Codes((scaled.round() if self._learned else self._round(scaled)).clamp(-largest, largest), step)

    def step_of(self, weight: Tensor) -> Tensor:
        """The step: the weight that corresponds to code 1."""
        return self.log_step.detach().exp() if self._learned else power_of_two_step(weight, self.bits)

    @torch.no_grad()
    def keep_alive(self, weight: Tensor) -> None:
        """Correct learned steps at which weights get no gradients.

        With a step above the largest weight, all codes may be 0. With a step so small that even the mean weight exceeds
        the largest code, most weights get no gradients. Steps are clipped to these limits.

        Args:
            weight: weight tensor, as in ``forward``.
        """
        if not self._learned:
            return
        rows = weight.abs().flatten(1) if self.scale == "lsq-channel" else weight.abs().reshape(1, -1)
        lowest = rows.mean(dim=1) / (2 ** (self.bits - 1) - 1)
        bounds = [one.clamp_min(_SMALLEST).log().view_as(self.log_step) for one in (lowest, rows.amax(dim=1))]
        self.log_step.copy_(self.log_step.clamp(*bounds))

    @property
    def _learned(self) -> bool:
        return self.scale != "power-of-two" and self.bits == self.learned_bits

    def _round(self, scaled: Tensor) -> Tensor:
        if self.rounding == "nearest":
            return scaled.round()
        if self.rounding == "floor":
            return scaled.floor()
        if self.training:
            return (scaled + torch.rand_like(scaled)).floor()
        noise = torch.rand(scaled.shape, generator=torch.Generator().manual_seed(_EVALUATION_SEED))
        return (scaled + noise.to(scaled.device)).floor()


def learning_step(log_step: Tensor, factor: float) -> Tensor:
    """The step from its learned logarithm, which receives ``factor / step`` times the gradient of the step."""
    step = log_step.detach().exp()
    return step + (log_step - log_step.detach()) * (factor / step)


def rounded(x: Tensor, step: Tensor, lowest: int, largest: int) -> Tensor:
    """Round to the nearest ``code * step`` with codes from ``lowest`` to ``largest``.

    Gradients are those of LSQ (arXiv 1902.08153, equation 3): straight-through within the range; where values are
    clipped, only the step has a gradient.
    """
    scaled = (x / step).clamp(lowest, largest)
    return (scaled + (scaled.round() - scaled).detach()) * step


def power_of_two_step(weight: Tensor, bits: int) -> Tensor:
    """The smallest power-of-two step with which ``bits``-bit symmetric codes represent the largest weight."""
    mantissa, exponent = torch.frexp(weight.detach().abs().max().double())
    largest = 2 ** (bits - 1) - 1
    # The largest weight is mantissa * 2^exponent with mantissa in [1/2, 1). Its code has bits - 2 bits, or one more if
    # that fits.
    spare = (mantissa * 2.0 ** (bits - 1) <= largest).to(exponent.dtype)
    step = torch.ldexp(torch.ones_like(mantissa), exponent - (bits - 2) - spare)
    return torch.where(mantissa == 0, torch.ones_like(step), step).to(weight.dtype)
