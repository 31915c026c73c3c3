"""Random weights that depend only on the random seed and on the place in the network.

Architectures with the same operation on the same edge of the same cell have the same weights there. Differences in
fitness are therefore due to the architecture rather than to random weights, and evaluations can share computations.
"""

from dataclasses import dataclass
from hashlib import blake2b
from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

from neuronas.config import WeightBits, bits_of
from neuronas.snn.quantisation import FixedPoint, quantise, ungrouped
from neuronas.space.graph import Node, Origin
from neuronas.space.node_operations import Shape, Weights

HEAD_DEVIATION = 0.01
"""Standard deviation of the untrained weights of linear layers in SNASNet (arXiv 2201.10355)."""
_SLOPE = 2.0
"""Negative slope ``a`` in SNASNet's Kaiming-uniform initialisation (arXiv 2201.10355)."""


@dataclass(frozen=True)
class WeightSource:
    """Draws the quantised, untrained weights of a network.

    Attributes:
        seed: random seed of the run.
        weight_bits: 2 to 16, or 32 for full precision; for all layers, or by layer.
        rounding: see ``quantise``.
    """

    seed: int
    weight_bits: WeightBits = 8
    rounding: str = "nearest"

    def convolution(
        self,
        place: str,
        in_channels: int,
        out_channels: int,
        kernel: int,
        groups: int = 1,
        deviation: float | None = None,
    ) -> FixedPoint:
        """Weights [out, in, k, k] of the convolution at ``place``, drawn uniformly, then quantised.

        Args:
            place: name of the place, see ``weights_place``.
            in_channels: number of input channels.
            out_channels: number of output channels.
            kernel: side of the kernel.
            groups: see ``space.node_operations.Weights``; weights for the inputs of other groups are 0.
            deviation: standard deviation before rounding; None: Kaiming initialisation.
        """
        shape = (out_channels, in_channels // groups, kernel, kernel)
        kaiming = sqrt(2 / (1 + _SLOPE**2)) * sqrt(3 / prod(shape[1:]))
        bound = kaiming if deviation is None else sqrt(3) * deviation
        weights = (2 * self._uniform(place, "weight", shape) - 1) * bound
        noise = self._uniform(place, "rounding", shape) if self.rounding == "stochastic" else None
        found = quantise(weights, bits_of(self.weight_bits, place), self.rounding, noise)
        return FixedPoint(ungrouped(found.codes, groups), found.exponent)

    def of(self, place: str, operation: Weights, given: Shape) -> FixedPoint:
        """Weights of a layer; for a fully connected layer [out, in, 1, 1].

        Args:
            place: see ``convolution``.
            operation: the layer.
            given: shape of the input.
        """
        if operation.kernel:
            return self.convolution(place, given[0], operation.n_out, operation.kernel, operation.groups)
        return self.convolution(place, prod(given), operation.n_out, 1, deviation=HEAD_DEVIATION)

    def _uniform(self, place: str, purpose: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        # 24 random bits each, the precision of a float32. Raw bits are the same in all versions of NumPy.
        digest = blake2b(f"{self.seed}/{place}/{purpose}".encode(), digest_size=16).digest()
        raw = np.random.PCG64(int.from_bytes(digest, "little")).random_raw(int(np.prod(shape)))
        return ((raw >> np.uint64(40)).astype(np.float64) / 2**24).reshape(shape)


def weights_place(node: Node) -> str:
    """Name of the place of a node's weights. The weights depend on this name and the random seed only.

    It begins with the node's name (for the reduction of two cells: ``reduction.1``), so bits by layer apply to it.
    """
    match node.origin:
        case Origin("cell", operation=operation):
            return f"{node.name}.{operation}"
        case Origin("reduction", place):
            return f"reduction.{place}"
    return node.name
