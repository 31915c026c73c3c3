"""Fixed-point weights: integer codes times a power of two, one scale for a whole weight tensor.

``weight_bits`` 4 to 16 gives symmetric codes in [-(2^(bits-1) - 1), 2^(bits-1) - 1] with the smallest power-of-two
scale that holds the largest weight (the fixed point FxP of NeuroNAS, arXiv 2407.00641). 32 means "not
quantised": 24-bit codes, the precision of a float32's mantissa. So every network here has integer weights, and a
convolution of spikes is a sum of integers: exact in any order, on any machine.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import floor, frexp, log2

import numpy as np
from numpy.typing import NDArray

FULL_PRECISION = 32
BITS = (4, 6, 8, 10, 12, 14, 16)
"""The fixed-point precisions that are measured and compared."""
_MANTISSA_BITS = 24


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """Weights ``codes * 2**-exponent``.

    Attributes:
        codes: integers [out, in, k, k], or [out, in / groups, k, k].
        exponent: number of fractional bits.
    """

    codes: NDArray[np.int32]
    exponent: int

    @property
    def values(self) -> NDArray[np.float64]:
        """The weights as floating point; exact."""
        return np.ldexp(self.codes.astype(np.float64), -self.exponent)

    def ungrouped(self, groups: int) -> "FixedPoint":
        """The same convolution as one without groups: zero where an output does not read a channel."""
        if groups == 1:
            return self
        own = self.codes.reshape(groups, -1, *self.codes.shape[1:])
        codes = np.zeros((groups, own.shape[1], groups, *own.shape[2:]), dtype=np.int32)
        codes[range(groups), :, range(groups)] = own
        return FixedPoint(codes.reshape(len(self.codes), -1, *self.codes.shape[2:]), self.exponent)


def quantise(
    weights: NDArray[np.float64],
    bits: int,
    rounding: str = "nearest",
    noise: NDArray[np.float64] | None = None,
) -> FixedPoint:
    """Round weights to fixed point.

    Args:
        weights: any shape.
        bits: 4 to 16, or 32 for full precision (then ``rounding`` does not matter).
        rounding: ``nearest`` (ties to even), ``floor``, or ``stochastic`` (up with the probability of the
            fractional part, so that the mean is kept).
        noise: for ``stochastic``, uniform numbers in [0, 1) of the weights' shape.

    Raises:
        ValueError: unknown rounding, or no noise for stochastic rounding.
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
    """Most fractional bits with which ``largest`` still fits ``largest_code``."""
    if largest == 0:
        return 0
    exponent = floor(log2(largest_code)) - frexp(largest)[1]
    while np.ldexp(largest, exponent + 1) <= largest_code:
        exponent += 1
    return exponent


@lru_cache(maxsize=1024)
def n_slices(weights: FixedPoint) -> int:
    """Number of 8-bit slices that hold the codes (a code is the sum of slice s times 256^s, all signed)."""
    low, high = int(weights.codes.min(initial=0)), int(weights.codes.max(initial=0))
    slices = 1
    while low < -128 or high > 127:
        # the lower slice takes what is nearest to a multiple of 256
        low, high, slices = (low + 128) >> 8, (high + 128) >> 8, slices + 1
    return slices


def sliced(weights: FixedPoint) -> NDArray[np.int8]:
    """[slices, out, in, k, k] signed 8-bit slices of the codes, lowest first."""
    rest = weights.codes.astype(np.int64)
    slices = []
    for _ in range(n_slices(weights) - 1):
        low = ((rest + 128) & 255) - 128
        slices.append(low)
        rest = (rest - low) >> 8
    return np.stack([*slices, rest]).astype(np.int8)
