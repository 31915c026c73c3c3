"""Fixed-point weights in the memory layouts of the kernels."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from neuronas.fitness.engine.native.memory import huge_bytes, huge_memory
from neuronas.kernels.structures import MAX_SLICES, Method
from neuronas.snn.quantisation import FixedPoint, sliced

Number = TypeVar("Number", bound=np.generic)

INT16_MAX = 2**15 - 1
LANES = 16
"""Channels are padded to a multiple of this (``kPadding`` of kernels/lanes.h)."""
BLOCKS = (16, 32, 64, 128)
_SPREAD_UP_TO = 32
"""Largest block whose spikes add to the pixels around them (``kSpreads`` of kernels/convolutions.cpp)."""
_BLOCK_BYTES = 2**17
"""Limit for the weights of one row of the kernel and one block of outputs: part of a second-level cache."""


def padded(channels: int) -> int:
    """Number of channels in the memory layout of the kernels."""
    return -(-channels // LANES) * LANES


@dataclass(frozen=True)
class Packed:
    """Weights in the memory layout of one method.

    Attributes:
        array: [slices, …] for the method; its last axis is a block of outputs.
        method: how spikes are convolved with it.
        kernel: side of the kernel.
        out_channels: number of outputs.
        n_in_int16: how many of the weights int16 can add; 0 where the method does not need it.
    """

    array: NDArray[Any]
    method: Method
    kernel: int
    out_channels: int
    n_in_int16: int


def pack(weights: FixedPoint, method: Method) -> Packed:
    """Convert weights to the memory layout of a method.

    Raises:
        ValueError: the codes of the weights are too large.
    """
    if weights.n_slices > MAX_SLICES:
        raise ValueError(f"codes of {weights.n_slices} slices given; expected at most {MAX_SLICES}")
    slices, (out_channels, _, kernel, _) = sliced(weights), weights.codes.shape
    if method is Method.TILES:
        return Packed(_aligned(_in_tiles(slices)), method, kernel, out_channels, 0)
    largest = max(1, int(np.abs(slices.astype(np.int16)).max(initial=1)))
    return Packed(_aligned(_in_rows(slices)), method, kernel, out_channels, INT16_MAX // largest)


class PackedWeights:
    """Cache of packed weights; the least recently used ones are dropped first.

    Args:
        limit_bytes: limit for all together; the weights of at least one layer are kept.
    """

    def __init__(self, limit_bytes: int):
        self.limit_bytes, self.used_bytes = limit_bytes, 0
        self._kept: OrderedDict[tuple[FixedPoint, Method], Packed] = OrderedDict()

    def get(self, weights: FixedPoint, method: Method) -> Packed:
        """Weights in the layout of ``pack``, cached."""
        key = weights, method
        if key not in self._kept:
            self._kept[key] = pack(weights, method)
            self.used_bytes += huge_bytes(self._kept[key].array.nbytes)
        self._kept.move_to_end(key)
        while self.used_bytes > self.limit_bytes and len(self._kept) > 1:
            self.used_bytes -= huge_bytes(self._kept.popitem(last=False)[1].array.nbytes)
        return self._kept[key]


def _in_rows(slices: NDArray[np.int8]) -> NDArray[np.int16]:
    """Weights in the layout of ``Method.EVENTS``.

    Returns:
        int16 [slices, blocks of outputs, kernel rows, kernel columns, padded channels, outputs of a block]; for small
        blocks, channels come before kernel columns, which are reversed. 0 for padded outputs and channels.
    """
    n, out_channels, channels, kernel, _ = slices.shape
    line = 2 * kernel * padded(channels)
    fitting = [block for block in BLOCKS if block == LANES or line * block <= _BLOCK_BYTES]
    # A spike is visited once for each block, and adds one vector for each LANES outputs.
    block = min(fitting, key=lambda block: -(-padded(out_channels) // block) * (block // LANES + 1))
    n_blocks = -(-padded(out_channels) // block)
    ordered = np.zeros((n, n_blocks * block, padded(channels), kernel, kernel), dtype=np.int16)
    ordered[:, :out_channels, :channels] = slices
    ordered = ordered.reshape(n, n_blocks, block, padded(channels), kernel, kernel)
    if block <= _SPREAD_UP_TO:
        ordered = ordered[..., ::-1].transpose(0, 1, 4, 3, 5, 2)
    else:
        ordered = ordered.transpose(0, 1, 4, 5, 3, 2)
    return ordered


def _in_tiles(slices: NDArray[np.int8]) -> NDArray[np.int8]:
    """Weights in the layout of ``Method.TILES`` (``TileKernel`` of kernels/convolutions.cpp), padded with 0."""
    n, out_channels, channels, kernel, _ = slices.shape
    width = next((width for width in (16, 32) if channels <= width), -(-channels // 64) * 64)
    n_blocks, depth = -(-out_channels // 16), min(64, width)
    wide = np.zeros((n, n_blocks * 16, width, kernel * kernel), dtype=np.int8)
    wide[:, :out_channels, :channels] = slices.reshape(n, out_channels, channels, -1)
    tiles = wide.reshape(n, n_blocks, 16, width // depth, depth // 4, 4, kernel * kernel)
    return tiles.transpose(0, 1, 3, 6, 4, 2, 5)


def _aligned(array: NDArray[Number]) -> NDArray[Number]:
    """A copy on huge pages: weights are read for every few pixels, and small pages need many address translations."""
    memory = huge_memory(array.nbytes)
    made = np.frombuffer(memory, dtype=array.dtype, count=array.size).reshape(array.shape)
    made[...] = array
    return made
