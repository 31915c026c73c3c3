"""Random weights that depend only on the seed and on the place that holds them.

Two architectures that have the same operation on the same edge of the same cell get the same weights there.
So a comparison of fitness sees the architectures differ, not the draw, and evaluations can share work.
"""

from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from neuronas.snn.quantisation import FixedPoint, quantise
from neuronas.space.graph import Node, Origin

_SLOPE = 2.0
"""Negative slope ``a`` of the Kaiming-uniform initialisation that SNASNet uses (arXiv 2201.10355)."""


@dataclass(frozen=True)
class WeightSource:
    """Draws the quantised, untrained weights of a network.

    Attributes:
        seed: the run's seed.
        weight_bits: 4 to 16, or 32 for full precision.
        rounding: see ``quantise``.
    """

    seed: int
    weight_bits: int = 8
    rounding: str = "nearest"

    def convolution(self, place: str, in_channels: int, out_channels: int, kernel: int) -> FixedPoint:
        """Weights [out, in, k, k] of the convolution at ``place``, Kaiming-uniform, then quantised.

        Args:
            place: see ``weights_place``.
            in_channels: that each output reads.
            out_channels: number of outputs.
            kernel: side.
        """
        shape = (out_channels, in_channels, kernel, kernel)
        bound = sqrt(2 / (1 + _SLOPE**2)) * sqrt(3 / (in_channels * kernel**2))
        weights = (2 * self._uniform(place, "weight", shape) - 1) * bound
        noise = self._uniform(place, "rounding", shape) if self.rounding == "stochastic" else None
        return quantise(weights, self.weight_bits, self.rounding, noise)

    def _uniform(self, place: str, purpose: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        # 24 raw bits each, as a float32 would carry; raw bits are the same in every version of NumPy.
        digest = blake2b(f"{self.seed}/{place}/{purpose}".encode(), digest_size=16).digest()
        raw = np.random.PCG64(int.from_bytes(digest, "little")).random_raw(int(np.prod(shape)))
        return ((raw >> np.uint64(40)).astype(np.float64) / 2**24).reshape(shape)


def weights_place(node: Node) -> str:
    """Name of the place that holds a node's weights: besides the seed they depend on nothing else."""
    match node.origin:
        case Origin("cell", operation=operation):
            return f"{node.name}.{operation}"
        case Origin("reduction", place):
            return f"reduction.{place}"
    return node.name
