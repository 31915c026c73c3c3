"""Fixed-point weights: integer codes times a power of two, with one scale per weight tensor.

``weight_bits`` 2 to 16 gives symmetric codes in [-(2^(bits-1) - 1), 2^(bits-1) - 1] and the smallest power-of-two scale
that represents the largest weight (fixed point FxP of NeuroNAS, arXiv 2407.00641). 32 means not quantised: codes of 24
bits, the precision of a float32 mantissa. All networks therefore have integer weights, and convolutions of spikes are
sums of integers, which are exact in any order and on any machine.
"""

from dataclasses import dataclass
from functools import cached_property
from math import floor, frexp, log2
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from neuronas.config import FULL_PRECISION

_MANTISSA_BITS = 24
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """Weights ``codes * 2**-exponent``.

    Attributes:
        codes: int32 [out, in, k, k].
        exponent: number of fractional bits.
    """

    codes: NDArray[np.int32]
    exponent: int

    @property
    def values(self) -> NDArray[np.float64]:
        """The weights as float64; exact."""
        return np.ldexp(self.codes.astype(np.float64), -self.exponent)

    @cached_property
    def largest_sum(self) -> int:
        """Largest absolute value of a sum of any of the codes of one output."""
        codes = self.codes.reshape(len(self.codes), -1).astype(np.int64)
        return int(max(codes.clip(min=0).sum(axis=1).max(), -codes.clip(max=0).sum(axis=1).min()))

    @cached_property
    def n_slices(self) -> int:
        """Number of signed 8-bit slices needed for the codes; a code is the sum over slices s of slice * 256^s."""
        low, high = int(self.codes.min(initial=0)), int(self.codes.max(initial=0))
        slices = 1
        while low < -128 or high > 127:
            # the lower slice is the signed remainder modulo 256
            low, high, slices = (low + 128) >> 8, (high + 128) >> 8, slices + 1
        return slices


def ungrouped(weights: NDArray[_Number], groups: int) -> NDArray[_Number]:
    """Weights of the equivalent convolution without groups, with 0 for channels that an output does not read.

    Args:
        weights: [out, in / groups, k, k].
        groups: see ``space.node_operations.Weights``.

    Returns:
        [out, in, k, k], a block-diagonal matrix at each kernel position.
    """
    if groups == 1:
        return weights
    own = weights.reshape(groups, -1, *weights.shape[1:])
    whole = np.zeros((groups, own.shape[1], groups, *own.shape[2:]), dtype=weights.dtype)
    whole[range(groups), :, range(groups)] = own
    return whole.reshape(len(weights), -1, *weights.shape[2:])


def quantise(
    weights: NDArray[np.float64],
    bits: int,
    rounding: str = "nearest",
    noise: NDArray[np.float64] | None = None,
) -> FixedPoint:
    """Round weights to fixed point.

    Args:
        weights: float64, any shape.
        bits: 2 to 16, or 32 for full precision (``rounding`` is then ignored).
        rounding: ``nearest`` (ties to even), ``floor``, or ``stochastic`` (up with a probability equal to the
            fractional part, which preserves the mean).
        noise: for ``stochastic``: uniform random numbers in [0, 1), of the shape of ``weights``.

    Raises:
        ValueError: ``rounding`` is unknown, or ``stochastic`` without ``noise``.
    """
    width = _MANTISSA_BITS if bits == FULL_PRECISION else bits
    largest_code = 2 ** (width - 1) - 1
    exponent = _exponent(float(np.abs(weights).max(initial=0.0)), largest_code)
    scaled = np.ldexp(weights, exponent)
    if bits == FULL_PRECISION or rounding == "nearest":
        rounded = np.rint(scaled)
    elif rounding == "floor":
        rounded = np.floor(scaled)
    elif rounding == "stochastic" and noise is not None:
        rounded = np.floor(scaled + noise)
    else:
        raise ValueError(f"rounding '{rounding}' given; expected nearest, floor, or stochastic with noise")
    return FixedPoint(np.clip(rounded, -largest_code, largest_code).astype(np.int32), exponent)


def _exponent(largest: float, largest_code: int) -> int:
    """Largest number of fractional bits at which ``largest`` does not exceed ``largest_code``."""
    if largest == 0:
        return 0
    exponent = floor(log2(largest_code)) - frexp(largest)[1]
    while np.ldexp(largest, exponent + 1) <= largest_code:
        exponent += 1
    return exponent


def sliced(weights: FixedPoint) -> NDArray[np.int8]:
    """Signed 8-bit slices of the codes, lowest first: int8 [slices, out, in, k, k]."""
    rest = weights.codes.astype(np.int64)
    slices = []
    for _ in range(weights.n_slices - 1):
        low = ((rest + 128) & 255) - 128
        slices.append(low)
        rest = (rest - low) >> 8
    return np.stack([*slices, rest]).astype(np.int8)
