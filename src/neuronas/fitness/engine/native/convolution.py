"""Exact convolutions of spikes on the CPU by our own kernels, which also compute the statistics of the sums."""

import ctypes
from enum import IntEnum

import torch
from torch import Tensor

from neuronas.fitness.engine.backend import Geometry
from neuronas.fitness.engine.native.weights import BLOCKS, INT16_MAX, Packed, padded
from neuronas.kernels.library import Native
from neuronas.kernels.structures import CConvolution, CShape, Method, accepted
from neuronas.snn.quantisation import FixedPoint

_SUMMED = 64
"""Number of pixels whose sums the kernels add as int32 (``Outputs`` of kernels/convolutions.cpp)."""
_OFFSET_MAX = 2**32 - 1
"""Largest offset of a row of weights or of a spike in its list (``Events`` of kernels/convolutions.cpp)."""
_TILED_FROM = 0.03
"""Share of neurons that spike from which AMX tiles are faster than visiting spikes (benchmarks/NOTES.md)."""
ROW_BLOCK, BYTE_BLOCK = 4, 64
"""Rows of spikes, and bytes of a row, are padded to multiples of these (kernels/distances.cpp)."""


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


def sum_formats(weights: FixedPoint, n_pixels: int) -> tuple[SumFormat, ...]:
    """Formats to try in order, for images of ``n_pixels`` pixels; the last one always fits.

    For 8-bit codes int16 is tried first, even if the upper bound of the sums exceeds it: weights of both signs usually
    cancel, and the kernels detect an overflow.
    """
    largest = weights.largest_sum
    wide = _SUMMED * largest < 2**31 and n_pixels * largest**2 < 2**63
    last = SumFormat.INT32 if wide else SumFormat.DOUBLE
    if weights.n_slices > 1:
        return (last,)
    return (SumFormat.INT16,) if largest <= INT16_MAX else (SumFormat.INT16, last)


def fastest_method(native: Native, spikes: Tensor, geometry: Geometry) -> Method:
    """The faster way to convolve for the share of neurons that spike; ``spikes``: see ``spike_shape``."""
    if native.library is None or not native.has_tiles:
        return Method.EVENTS
    n_spikes = native.library.neuronas_count(ctypes.c_void_p(spikes.data_ptr()), ctypes.c_int64(spikes.numel()))
    return (
        Method.TILES
        if n_spikes > _TILED_FROM * spikes.shape[0] * geometry.batch * geometry.n_neurons
        else Method.EVENTS
    )


def convolve(
    library: ctypes.CDLL,
    spikes: Tensor,
    weights: Packed,
    geometry: Geometry,
    out: Tensor,
    form: SumFormat,
    threads: int,
) -> tuple[Tensor, Tensor, bool]:
    """Write the sums, in units of codes, to ``out`` of type ``form.dtype``, in the memory layout of values.

    Args:
        library: the kernels.
        spikes: uint8 of shape ``spike_shape(geometry)``.
        weights: the weights, packed for a method.
        geometry: sizes of the input.
        out: [T, B, values].
        form: how sums are added and stored.
        threads: number of threads.

    Returns:
        sum and sum of squares of each channel, [T, padded out] float64, and whether all sums fit the format.

    Raises:
        ValueError: the images are too large.
    """
    channels, out_channels = padded(geometry.channels), padded(weights.out_channels)
    if 2 * BLOCKS[-1] * geometry.width * channels > _OFFSET_MAX or geometry.n_pixels * channels > _OFFSET_MAX:
        raise ValueError(f"input of shape {geometry.shape} given; the kernels address fewer neurons")
    totals = torch.zeros(geometry.timesteps, out_channels, dtype=torch.float64)
    squares = torch.zeros_like(totals)
    shape = CShape(geometry.timesteps, geometry.batch, geometry.height, geometry.width, channels)
    convolution = CConvolution(
        shape, spikes.data_ptr(), weights.array.ctypes.data, out.data_ptr(), totals.data_ptr(), squares.data_ptr(),
        *spikes.shape[1:], out_channels, weights.kernel, len(weights.array), form, weights.method,
        weights.array.shape[-1], weights.n_in_int16,
    )  # fmt: skip
    fits = accepted(library.neuronas_convolve(ctypes.byref(convolution), ctypes.c_int32(threads)))
    return totals, squares, bool(fits)
