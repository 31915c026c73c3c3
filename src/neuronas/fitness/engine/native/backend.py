"""The engine's back end for CPUs. Memory layout: [T, B, values], values in planes of 32 channels (kernels/lanes.h)."""

import ctypes
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod

import numpy as np
import torch
from torch import Tensor

from neuronas.errors import counted
from neuronas.fitness.engine.backend import Array, Fired, Geometry
from neuronas.fitness.engine.native.convolution import convolve, fastest_method, spike_shape, sum_formats
from neuronas.fitness.engine.native.memory import BufferPool
from neuronas.fitness.engine.native.program import compile_value
from neuronas.fitness.engine.native.weights import PackedWeights, padded
from neuronas.fitness.engine.values import Leaf, Value
from neuronas.kernels.library import Native
from neuronas.kernels.structures import CFire, CLeaf, CProgram, CShape, CStep, CTerm, Method, StepOperation, accepted
from neuronas.snn.arithmetic import affine
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import FixedPoint
from neuronas.space.node_operations import Pool

_KINDS = {torch.int16: 1, torch.float32: 2}
_PLANE = 32
_SHARE_OF_WEIGHTS = 16
_WORTH_A_THREAD = 2**17
"""Minimum number of values per thread; with fewer, starting a thread takes longer than the work."""


class NativeBackend:
    """Back end with fused kernels: one pass computes a node, runs its neurons and packs its spikes.

    Args:
        native: the compiled kernels.
        neuron: parameters of the LIF neurons.
        threads: number of threads; it does not affect results.
        memory_limit_bytes: limit for memory that is kept for reuse. In addition, weights in the layout of the kernels
            are kept, up to a sixteenth of it, and each thread keeps the spikes of one image as a list, 4 bytes each.
        method: how spikes are convolved; None: the faster method for each layer. It does not affect results.

    Raises:
        LookupError: the kernels are not available.
    """

    def __init__(
        self,
        native: Native,
        neuron: NeuronParameters,
        threads: int,
        memory_limit_bytes: int,
        method: Method | None = None,
    ):
        if native.library is None:
            raise LookupError(native.reason)
        self._native, self._method, self.library = native, method, native.library
        self.neuron, self.threads = neuron, threads
        self._buffers = BufferPool(memory_limit_bytes)
        self._weights = PackedWeights(memory_limit_bytes // _SHARE_OF_WEIGHTS)
        self.name = f"native kernels, {native.label}, {counted(threads, 'thread')}"
        self._program = lru_cache(maxsize=4096)(compile_value)

    def make_room(self, n_bytes: int) -> None:
        """See ``Backend``."""
        self._buffers.make_room(n_bytes)

    def dense(self, value: Tensor, *, constant: bool) -> Array:
        """See ``Backend``."""
        steps, batch, channels, height, width = value.shape
        found = self._buffers.empty((steps, batch, height * width * padded(channels)), torch.float32)
        first = 0
        for plane in torch.split(value, _PLANE, dim=2):
            wide = padded(plane.shape[2])
            size = height * width * wide
            into = found[..., first : first + size].view(steps, batch, height, width, wide)
            into[..., : plane.shape[2]] = plane.movedim(2, 4)
            into[..., plane.shape[2] :] = 0
            first += size
        return Array(found, constant=constant)

    def fire(
        self,
        value: Value,
        leaves: Mapping[Leaf, Array],
        geometry: Geometry,
        threshold: float,
        *,
        normalised: bool,
        with_spikes: bool,
        state: Tensor | None = None,
    ) -> Fired:
        """See ``Backend``."""
        program, alive = self._bind(value, leaves)
        scale, shift = self._normalisation(program, geometry) if normalised else (None, None)
        spikes = self._buffers.empty(spike_shape(geometry), torch.uint8)
        _, rows, row_bytes = spikes.shape
        fire = CFire(
            tau=self.neuron.tau,
            threshold=threshold,
            reset=self.neuron.v_reset,
            scale=_address(scale),
            shift=_address(shift),
            state=_address(state),
            bits=spikes.data_ptr(),
            rows=rows,
            row_bytes=row_bytes,
        )
        accepted(
            self.library.neuronas_fire(
                ctypes.byref(program), ctypes.byref(_shape(geometry)), ctypes.byref(fire), self._threads(geometry)
            )
        )
        del alive
        common = torch.empty(geometry.timesteps, rows, rows, dtype=torch.int32)
        self.library.neuronas_common(
            ctypes.c_void_p(spikes.data_ptr()),
            ctypes.c_int64(geometry.timesteps),
            ctypes.c_int64(rows),
            ctypes.c_int64(row_bytes),
            ctypes.c_void_p(common.data_ptr()),
            self._threads(geometry),
        )
        return Fired(spikes if with_spikes else None, common[:, : geometry.batch, : geometry.batch].double())

    def state(self, geometry: Geometry) -> Tensor:
        """See ``Backend``."""
        return torch.full((geometry.batch, _image_values(geometry)), self.neuron.v_reset)

    def unpacked(self, spikes: Tensor, geometry: Geometry) -> Tensor:
        """See ``Backend``."""
        rows = spikes[:, : geometry.batch].numpy()
        bits = torch.from_numpy(np.unpackbits(rows, axis=2, bitorder="little"))
        channels = padded(geometry.channels)
        widths = [min(_PLANE, channels - first) for first in range(0, channels, _PLANE)]
        sizes = [width * geometry.n_pixels for width in widths]
        shape = (geometry.timesteps, geometry.batch, geometry.height, geometry.width)
        planes = torch.split(bits[..., : sum(sizes)], sizes, dim=2)
        by_channel = [plane.reshape(*shape, width).movedim(4, 2) for plane, width in zip(planes, widths, strict=True)]
        return torch.cat(by_channel, dim=2)[:, :, : geometry.channels].float()

    def convolve(self, spikes: Tensor, weights: FixedPoint, geometry: Geometry) -> Array:
        """See ``Backend``."""
        shape = (geometry.timesteps, geometry.batch, geometry.n_pixels * padded(len(weights.codes)))
        packed = self._weights.get(weights, self._method or fastest_method(self._native, spikes, geometry))
        for form in sum_formats(weights, geometry.n_pixels):
            sums = self._buffers.empty(shape, form.dtype)
            totals, squares, fits = convolve(
                self.library, spikes, packed, geometry, sums, form, self._threads(geometry).value
            )
            if fits:
                break
        else:
            raise OverflowError(f"sums of a convolution with weights of shape {weights.codes.shape} exceed all formats")
        unit = 2.0**-weights.exponent  # a power of two: multiplying by it never rounds
        scale, shift = affine(totals * unit, squares * unit**2, geometry.batch * geometry.n_pixels)
        return Array(sums, scale * unit, shift)

    def reduce(self, convolved: Array, geometry: Geometry) -> Array:
        """See ``Backend``."""
        n = (geometry.height // 2) * (geometry.width // 2) * padded(geometry.channels)
        out = self._buffers.empty((geometry.timesteps, geometry.batch, n), torch.float32)
        leaf = _leaf(convolved)
        accepted(
            self.library.neuronas_reduce(
                ctypes.byref(leaf),
                ctypes.byref(_shape(geometry)),
                ctypes.c_void_p(out.data_ptr()),
                self._threads(geometry),
            )
        )
        return Array(out)

    def materialise(self, value: Value, leaves: Mapping[Leaf, Array], geometry: Geometry) -> Array:
        """See ``Backend``."""
        program, alive = self._bind(value, leaves)
        shape = (geometry.timesteps, geometry.batch, _image_values(geometry))
        out = self._buffers.empty(shape, torch.float32)
        accepted(
            self.library.neuronas_materialise(
                ctypes.byref(program),
                ctypes.byref(_shape(geometry)),
                ctypes.c_void_p(out.data_ptr()),
                self._threads(geometry),
            )
        )
        del alive
        return Array(out)

    def stack(self, steps: list[Array]) -> Array:
        """See ``Backend``."""
        return Array(torch.cat([step.data for step in steps]))

    def convolved_bytes(self, weights: FixedPoint, geometry: Geometry) -> int:
        """See ``Backend``."""
        n_outputs = geometry.n_values // geometry.channels * padded(len(weights.codes))
        # If the sums exceed this format, which is rare, the size in the store is corrected afterwards.
        return n_outputs * sum_formats(weights, geometry.n_pixels)[0].dtype.itemsize

    def spike_bytes(self, geometry: Geometry) -> int:
        """See ``Backend``."""
        return prod(spike_shape(geometry))

    def _normalisation(self, program: CProgram, geometry: Geometry) -> tuple[Tensor, Tensor]:
        sums = torch.empty(geometry.timesteps, padded(geometry.channels), dtype=torch.float64)
        squares = torch.empty_like(sums)
        accepted(
            self.library.neuronas_statistics(
                ctypes.byref(program),
                ctypes.byref(_shape(geometry)),
                ctypes.c_void_p(sums.data_ptr()),
                ctypes.c_void_p(squares.data_ptr()),
                self._threads(geometry),
            )
        )
        return affine(sums, squares, geometry.batch * geometry.n_pixels)

    def _bind(self, value: Value, leaves: Mapping[Leaf, Array]) -> tuple[CProgram, object]:
        """Return the program with the addresses of its leaves, and objects that must stay alive while it runs."""
        program = self._program(value, frozenset(leaf for leaf in value.leaves if leaves[leaf].constant))
        numbers = {leaf: number for number, leaf in enumerate(program.leaves)}
        terms: list[CTerm] = []
        steps: list[CStep] = []
        for step in program.steps:
            operation, kernel = _operation(step.pool)
            steps.append(CStep(operation, kernel, step.target, len(terms), len(step.terms), step.constant))
            terms += _terms(step.terms, numbers)
        first = len(terms)
        terms += _terms(program.terms, numbers)
        c_leaves = (CLeaf * max(1, len(numbers)))(*(_leaf(leaves[leaf]) for leaf in program.leaves))
        c_terms, c_steps = (CTerm * max(1, len(terms)))(*terms), (CStep * max(1, len(steps)))(*steps)
        bound = CProgram(
            ctypes.addressof(c_leaves),
            ctypes.addressof(c_terms),
            ctypes.addressof(c_steps),
            len(steps),
            program.n_buffers,
            first,
            len(terms) - first,
        )
        return bound, (c_leaves, c_terms, c_steps)

    def _threads(self, geometry: Geometry) -> ctypes.c_int32:
        return ctypes.c_int32(min(self.threads, 1 + geometry.n_values // _WORTH_A_THREAD))


def _operation(pool: Pool | None) -> tuple[StepOperation, int]:
    """Operation of a step, and the side of its window."""
    if pool is None:
        return StepOperation.ADD, 1
    kernel = pool.kernel[0]
    if pool != Pool((kernel, kernel), (1, 1), kernel // 2, pool.reduce):
        raise TypeError(f"{pool} given; expected square windows with stride 1 and same padding")
    return StepOperation.MEAN if pool.reduce == "mean" else StepOperation.MAXIMUM, kernel


def _terms(terms: Sequence[Leaf | int], numbers: Mapping[Leaf, int]) -> list[CTerm]:
    return [CTerm(0, numbers[term]) if isinstance(term, Leaf) else CTerm(1, term) for term in terms]


def _image_values(geometry: Geometry) -> int:
    return geometry.n_pixels * padded(geometry.channels)


def _leaf(array: Array) -> CLeaf:
    kind = 0 if array.scale is None else _KINDS[array.data.dtype]
    return CLeaf(kind, array.constant, array.data.data_ptr(), _address(array.scale), _address(array.shift))


def _shape(geometry: Geometry) -> CShape:
    return CShape(geometry.timesteps, geometry.batch, geometry.height, geometry.width, geometry.channels)


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
