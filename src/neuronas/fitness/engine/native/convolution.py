"""Exact convolutions of spikes on the CPU by our own kernels, which also compute the statistics of the sums."""

import ctypes
from enum import IntEnum
from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.fitness.engine.backend import Geometry
from neuronas.fitness.engine.native.memory import huge_memory
from neuronas.kernels.library import Native
from neuronas.kernels.structures import MAX_SLICES, CConvolution, Method, accepted
from neuronas.snn.quantisation import FixedPoint, n_slices, sliced

Number = TypeVar("Number", bound=np.generic)

_INT16_MAX = 2**15 - 1
_SUMMED = 64
"""Number of pixels whose sums the kernels add as int32 (``Outputs`` of kernels/convolutions.cpp)."""
_BLOCKS = (16, 32, 64, 128)
_OFFSET_MAX = 2**32 - 1
"""Largest offset of a row of weights or of a spike in its list (``Events`` of kernels/convolutions.cpp)."""
_SPREAD_UP_TO = 32
"""Largest block whose spikes add to the pixels around them (``kSpreads`` of kernels/convolutions.cpp)."""
_BLOCK_BYTES = 2**17
"""Limit for the weights of one row of the kernel and one block of outputs: part of a second-level cache."""
_TILED_FROM = 0.03
"""Share of neurons that spike from which AMX tiles are faster than visiting spikes (benchmarks/NOTES.md)."""


LANES = 16
"""Channels are padded to a multiple of this (``kPadding`` of kernels/lanes.h)."""
ROW_BLOCK, BYTE_BLOCK = 4, 64
"""Rows of spikes, and bytes of a row, are padded to multiples of these (kernels/distances.cpp)."""


def padded(channels: int) -> int:
    """Number of channels in the memory layout of the kernels."""
    return -(-channels // LANES) * LANES


def spike_shape(geometry: Geometry) -> tuple[int, int, int]:
    """Shape of the spikes of a layer: uint8 [T, rows, row_bytes]; a row is one image, a bit one neuron."""
    n_bytes = geometry.n_pixels * padded(geometry.channels) // 8
    return (
        geometry.timesteps,
        -(-geometry.batch // ROW_BLOCK) * ROW_BLOCK,
        -(-n_bytes // BYTE_BLOCK) * BYTE_BLOCK,
    )


class SumFormat(IntEnum):
    """Format of the sums of a convolution while added and stored (``enum SumFormat`` of kernels/convolutions.cpp)."""

    INT16 = 1
    INT32 = 2
    DOUBLE = 3

    @property
    def dtype(self) -> torch.dtype:
        """Type of the stored sums."""
        return torch.int16 if self is SumFormat.INT16 else torch.float32


@lru_cache(maxsize=1024)
def sum_formats(weights: FixedPoint, n_pixels: int) -> tuple[SumFormat, ...]:
    """Formats to try in order, for images of ``n_pixels`` pixels; the last one always fits.

    For 8-bit codes int16 is tried first, even if the upper bound of the sums exceeds it: weights of both signs usually
    cancel, and the kernels detect an overflow.
    """
    codes = weights.codes.reshape(len(weights.codes), -1).astype(np.int64)
    largest = int(max(codes.clip(min=0).sum(axis=1).max(), -codes.clip(max=0).sum(axis=1).min()))
    wide = _SUMMED * largest < 2**31 and n_pixels * largest**2 < 2**63
    last = SumFormat.INT32 if wide else SumFormat.DOUBLE
    if n_slices(weights) > 1:
        return (last,)
    return (SumFormat.INT16,) if largest <= _INT16_MAX else (SumFormat.INT16, last)


def convolve(
    native: Native,
    spikes: Tensor,
    weights: FixedPoint,
    geometry: Geometry,
    out: Tensor,
    form: SumFormat,
    threads: int,
    method: Method | None = None,
) -> tuple[Tensor, Tensor, bool]:
    """Write the sums, in units of codes, to ``out`` of type ``form.dtype``, in the memory layout of values.

    Args:
        native: the kernels.
        spikes: uint8 of shape ``spike_shape(geometry)``.
        weights: fixed-point weights.
        geometry: sizes of the input.
        out: [T, B, values].
        form: how sums are added and stored.
        threads: number of threads.
        method: how; None: the faster one for the share of neurons that spike. It does not affect results.

    Returns:
        sum and sum of squares of each channel, [T, padded out] float64, and whether all sums fit the format.

    Raises:
        ValueError: the codes of the weights or the images are too large.
    """
    library = native.library
    if library is None:
        raise LookupError(native.reason)
    if n_slices(weights) > MAX_SLICES:
        raise ValueError(f"codes of {n_slices(weights)} slices given; expected at most {MAX_SLICES}")
    if method is None:
        n_neurons = spikes.shape[0] * geometry.batch * geometry.n_neurons
        is_dense = native.has_tiles and _count(library, spikes) > _TILED_FROM * n_neurons
        method = Method.TILES if is_dense else Method.EVENTS
    channels, out_channels = padded(geometry.channels), padded(len(weights.codes))
    if 2 * _BLOCKS[-1] * geometry.width * channels > _OFFSET_MAX or geometry.n_pixels * channels > _OFFSET_MAX:
        raise ValueError(f"input of shape {geometry.shape} given; the kernels address fewer neurons")
    packed, limit = (_tiles(weights), 0) if method is Method.TILES else _rows(weights)
    totals = torch.zeros(geometry.timesteps, out_channels, dtype=torch.float64)
    squares = torch.zeros_like(totals)
    convolution = CConvolution(
        spikes.data_ptr(), packed.ctypes.data, out.data_ptr(), totals.data_ptr(), squares.data_ptr(),
        geometry.timesteps, geometry.batch, geometry.height, geometry.width, *spikes.shape[1:], channels, out_channels,
        weights.codes.shape[2], len(packed), form, method, packed.shape[-1], limit,
    )  # fmt: skip
    fits = accepted(library.neuronas_convolve(ctypes.byref(convolution), ctypes.c_int32(threads)))
    return totals, squares, bool(fits)


def _count(library: ctypes.CDLL, spikes: Tensor) -> int:
    return int(library.neuronas_count(ctypes.c_void_p(spikes.data_ptr()), ctypes.c_int64(spikes.numel())))


@lru_cache(maxsize=128)
def _rows(weights: FixedPoint) -> tuple[NDArray[np.int16], int]:
    """Weights for ``Method.EVENTS``, and how many of them int16 can add.

    Returns:
        int16 [slices, blocks of outputs, kernel rows, kernel columns, padded channels, outputs of a block]; for small
        blocks, channels come before kernel columns, which are reversed. 0 for padded outputs and channels.
    """
    slices = sliced(weights)
    n, out_channels, channels, kernel, _ = slices.shape
    line = 2 * kernel * padded(channels)
    fitting = [block for block in _BLOCKS if block == LANES or line * block <= _BLOCK_BYTES]
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
    return _aligned(ordered), _INT16_MAX // max(1, int(np.abs(slices.astype(np.int16)).max(initial=1)))


@lru_cache(maxsize=128)
def _tiles(weights: FixedPoint) -> NDArray[np.int8]:
    """Weights for ``Method.TILES`` (``TileKernel`` of kernels/convolutions.cpp); 0 for padded outputs and channels."""
    slices = sliced(weights)
    n, out_channels, channels, kernel, _ = slices.shape
    width = next((width for width in (16, 32) if channels <= width), -(-channels // 64) * 64)
    n_blocks, depth = -(-out_channels // 16), min(64, width)
    wide = np.zeros((n, n_blocks * 16, width, kernel * kernel), dtype=np.int8)
    wide[:, :out_channels, :channels] = slices.reshape(n, out_channels, channels, -1)
    tiles = wide.reshape(n, n_blocks, 16, width // depth, depth // 4, 4, kernel * kernel)
    return _aligned(tiles.transpose(0, 1, 3, 6, 4, 2, 5))


def _aligned(array: NDArray[Number]) -> NDArray[Number]:
    """A copy on huge pages: weights are read for every few pixels, and small pages need many address translations."""
    memory = huge_memory(array.nbytes)
    made = np.frombuffer(memory, dtype=array.dtype, count=array.size).reshape(array.shape)
    made[...] = array
    return made
