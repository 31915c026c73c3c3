"""Exact convolutions of spikes on the CPU: with AMX or AVX-512 VNNI, otherwise with oneDNN's integer convolution."""

import ctypes
from enum import IntEnum
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.fitness.engine.backend import Geometry
from neuronas.fitness.engine.native.memory import huge_memory
from neuronas.kernels.library import MAX_SLICES, CCollection, CConvolution, Instructions, accepted
from neuronas.snn.integer_convolution import IntegerKernel
from neuronas.snn.quantisation import FixedPoint, n_slices, sliced

_TILE = 64
_INT16_MAX = 2**15 - 1


LANES = 16
"""Channels are padded to a multiple of this (kernels/lanes.h)."""


def padded(channels: int) -> int:
    """Number of channels in the memory layout of the kernels."""
    return -(-channels // LANES) * LANES


class Convolve(Protocol):
    """Convolves spikes [T, B, …] with fixed-point weights; exact.

    Attributes:
        pad: width of the zero border around the spikes.
        depth: largest number of channels in a plane of the spikes (see kernels/nodes.cpp).
    """

    pad: int
    depth: int

    @property
    def name(self) -> str:
        """Description for messages and reports."""
        ...

    def __call__(
        self, spikes: Tensor, weights: FixedPoint, geometry: Geometry, out: Tensor, form: "SumFormat", threads: int
    ) -> tuple[Tensor, Tensor, bool]:
        """Write the sums, in units of codes, to ``out`` of type ``form.dtype``, in the memory layout of values.

        Returns:
            sum and sum of squares of each channel, [T, padded out] float64, and whether all sums fit the format.
        """
        ...

    def padded_channels(self, channels: int) -> int:
        """Number of channels in the memory layout of the spikes."""
        ...

    def spike_bytes(self, geometry: Geometry) -> int:
        """Size of the spikes in bytes."""
        ...


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
    wide = _TILE * largest < 2**31 and n_pixels * largest**2 < 2**63
    last = SumFormat.INT32 if wide else SumFormat.DOUBLE
    if n_slices(weights) > 1:
        return (last,)
    return (SumFormat.INT16,) if largest <= _INT16_MAX else (SumFormat.INT16, last)


class TileConvolve:
    """Convolution by our own kernel: shifted matrix products on the padded spikes; it also computes the statistics.

    Args:
        library: the compiled kernels.
        instructions: instruction set of the kernel.
        max_kernel: side of the largest convolution kernel of the space.
    """

    depth = _TILE

    def __init__(self, library: ctypes.CDLL, instructions: Instructions, max_kernel: int):
        self.library, self.instructions, self.pad = library, instructions, max_kernel // 2
        self.name = f"{instructions.label} int8 convolution"

    def __call__(
        self, spikes: Tensor, weights: FixedPoint, geometry: Geometry, out: Tensor, form: SumFormat, threads: int
    ) -> tuple[Tensor, Tensor, bool]:
        """See ``Convolve``."""
        kernel, out_channels = weights.codes.shape[2], padded(len(weights.codes))
        steps, batch = geometry.timesteps, geometry.batch
        if n_slices(weights) > MAX_SLICES:
            raise ValueError(f"codes of {n_slices(weights)} slices given; expected at most {MAX_SLICES}")
        packed = _packed(weights, self.padded_channels(geometry.channels))
        totals = torch.zeros(steps, out_channels, dtype=torch.float64)
        squares = torch.zeros_like(totals)
        convolution = CConvolution(
            spikes.data_ptr(), packed.ctypes.data, out.data_ptr(), totals.data_ptr(), squares.data_ptr(),
            steps, batch, geometry.height, geometry.width, self.padded_channels(geometry.channels), out_channels,
            self.pad, kernel, len(packed), form, self.instructions,
        )  # fmt: skip
        fits = accepted(self.library.neuronas_convolve(ctypes.byref(convolution), ctypes.c_int32(threads)))
        return totals, squares, bool(fits)

    def padded_channels(self, channels: int) -> int:
        """See ``Convolve``; a row of a tile has 16, 32 or 64 channels."""
        return next((width for width in (16, 32) if channels <= width), -(-channels // _TILE) * _TILE)

    def spike_bytes(self, geometry: Geometry) -> int:
        """See ``Convolve``."""
        channels = self.padded_channels(geometry.channels)
        n_pixels = (geometry.height + 2 * self.pad) * (geometry.width + 2 * self.pad)
        # A tile always reads 16 pixels, also at the end of the last row: it needs some memory after it.
        return geometry.timesteps * geometry.batch * n_pixels * channels + 16 * channels


@lru_cache(maxsize=128)
def _packed(weights: FixedPoint, padded_channels: int) -> NDArray[np.int8]:
    """Weights in the tile layout of kernels/convolutions.cpp; 0 for padded outputs and channels."""
    slices = sliced(weights)
    n, out_channels, channels, kernel, _ = slices.shape
    n_blocks, depth = -(-out_channels // 16), min(_TILE, padded_channels)
    padded = np.zeros((n, n_blocks * 16, padded_channels, kernel * kernel), dtype=np.int8)
    padded[:, :out_channels, :channels] = slices.reshape(n, out_channels, channels, -1)
    tiles = padded.reshape(n, n_blocks, 16, padded_channels // depth, depth // 4, 4, kernel * kernel)
    ordered = tiles.transpose(0, 1, 3, 6, 4, 2, 5)
    # On huge pages: the weights are read for every few pixels, and small pages need many address translations.
    memory = huge_memory(ordered.size)
    aligned = np.frombuffer(memory, dtype=np.int8, count=ordered.size).reshape(ordered.shape)
    aligned[...] = ordered
    return aligned


class OneDnnConvolve:
    """Convolution by oneDNN (uint8 x int8, through PyTorch: AVX-VNNI, ARM and others), statistics by our own kernel.

    Args:
        library: the compiled kernels.
    """

    name = "oneDNN int8 convolution"
    pad = 0
    depth = 2**31  # one plane
    _CHUNK_BYTES = 2**23  # size of the float32 results computed at a time, so that they are still cached when read

    def __init__(self, library: ctypes.CDLL):
        self.library = library

    def __call__(
        self, spikes: Tensor, weights: FixedPoint, geometry: Geometry, out: Tensor, form: SumFormat, threads: int
    ) -> tuple[Tensor, Tensor, bool]:
        """See ``Convolve``."""
        steps, batch, n_pixels = geometry.timesteps, geometry.batch, geometry.n_pixels
        out_channels = padded(len(weights.codes))
        images = spikes.view(steps, batch, geometry.height, geometry.width, padded(geometry.channels))
        images = images.permute(0, 1, 4, 2, 3)
        totals = torch.zeros(steps, out_channels, dtype=torch.float64)
        squares = torch.zeros_like(totals)
        chunk = max(1, self._CHUNK_BYTES // (4 * out_channels * n_pixels))
        kernels = _onednn_kernels(weights)
        fits = 1
        for t in range(steps):
            for first in range(0, batch, chunk):
                part = images[t, first : first + chunk]
                sums = [kernel(part) for kernel in kernels]
                collection = CCollection(
                    (ctypes.c_void_p * MAX_SLICES)(*(one.data_ptr() for one in sums)), out[t, first].data_ptr(),
                    totals[t].data_ptr(), squares[t].data_ptr(), len(part), n_pixels, out_channels, len(sums), form,
                )  # fmt: skip
                fits &= accepted(self.library.neuronas_collect(ctypes.byref(collection), ctypes.c_int32(threads)))
        return totals, squares, bool(fits)

    def padded_channels(self, channels: int) -> int:
        """See ``Convolve``."""
        return padded(channels)

    def spike_bytes(self, geometry: Geometry) -> int:
        """See ``Convolve``."""
        return geometry.n_values // geometry.channels * padded(geometry.channels)


@lru_cache(maxsize=64)
def _onednn_kernels(weights: FixedPoint) -> list[IntegerKernel]:
    slices = sliced(weights)
    out_channels, channels = (padded(n) - n for n in slices.shape[1:3])
    slices = np.pad(slices, ((0, 0), (0, out_channels), (0, channels), (0, 0), (0, 0)))
    return [IntegerKernel(torch.from_numpy(part)) for part in slices]
