"""The engine on fused CPU kernels. Layout: values [T, B, H, W, C]; spikes bytes with zero borders (see kernels.cpp)."""

import ctypes
from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

from neuronas.fitness.engine.backend import Array, Fired, Geometry
from neuronas.fitness.engine.native.convolution import Convolve, result_type
from neuronas.fitness.engine.native.library import CFire, CLeaf, COp, CProgram, CShape
from neuronas.fitness.engine.native.memory import Buffers
from neuronas.fitness.engine.native.program import compile_value
from neuronas.fitness.engine.values import Leaf, Value
from neuronas.snn.arithmetic import affine
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import FixedPoint

_KINDS = {torch.int16: 1, torch.float32: 2}
_ROW_BLOCK, _BYTE_BLOCK = 4, 64


class NativeBackend:
    """Fused kernels: one pass evaluates a node, runs its neurons and packs its spikes.

    Args:
        library: the compiled kernels.
        convolve: how spikes are convolved.
        neuron: parameters of the LIF neurons.
        threads: number of threads; it does not show in any result.
        memory_limit_bytes: memory is kept for reuse within this limit.
    """

    def __init__(
        self, library: ctypes.CDLL, convolve: Convolve, neuron: NeuronParameters, threads: int, memory_limit_bytes: int
    ):
        self.library, self._convolve, self.neuron, self.threads = library, convolve, neuron, threads
        self._buffers = Buffers(memory_limit_bytes)
        self.name = f"native kernels, {convolve.name}, {threads} thread(s)"
        self._program = lru_cache(maxsize=4096)(compile_value)

    def dense(self, value: Tensor, *, constant: bool) -> Array:
        """See ``Backend``."""
        return Array(value.permute(0, 1, 3, 4, 2).contiguous(), constant=constant)

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
        shape = _shape(geometry)
        scale, shift = self._normalisation(program, shape, geometry) if normalised else (None, None)
        spikes = self._buffers.empty((self._convolve.spike_bytes(geometry),), torch.uint8) if with_spikes else None
        n_pixels = geometry.side**2
        rows = -(-geometry.batch // _ROW_BLOCK) * _ROW_BLOCK
        row_bytes = -(-n_pixels * -(-geometry.channels // 8) // _BYTE_BLOCK) * _BYTE_BLOCK
        bits = self._buffers.empty((geometry.timesteps, rows, row_bytes), torch.uint8).zero_()
        fire = CFire(
            tau=self.neuron.tau,
            threshold=threshold,
            reset=self.neuron.v_reset,
            pad=self._convolve.pad,
            padded_channels=self._convolve.padded_channels(geometry.channels),
            scale=_address(scale),
            shift=_address(shift),
            state=_address(state),
            spikes=_address(spikes),
            bits=bits.data_ptr(),
            rows=rows,
            row_bytes=row_bytes,
        )
        self.library.neuronas_fire(
            ctypes.byref(program), ctypes.byref(shape), ctypes.byref(fire), ctypes.c_int32(self.threads)
        )
        del alive
        common = torch.empty(geometry.timesteps, rows, rows, dtype=torch.int32)
        self.library.neuronas_common(
            ctypes.c_void_p(bits.data_ptr()),
            ctypes.c_int64(geometry.timesteps),
            ctypes.c_int64(rows),
            ctypes.c_int64(row_bytes),
            ctypes.c_void_p(common.data_ptr()),
            ctypes.c_int32(self.threads),
        )
        return Fired(spikes, common[:, : geometry.batch, : geometry.batch].double())

    def state(self, geometry: Geometry) -> Tensor:
        """See ``Backend``."""
        shape = (geometry.batch, geometry.side, geometry.side, geometry.channels)
        return torch.full(shape, self.neuron.v_reset)

    def convolve(self, spikes: Tensor, weights: FixedPoint, geometry: Geometry) -> Array:
        """See ``Backend``."""
        shape = (geometry.timesteps, geometry.batch, geometry.side, geometry.side, len(weights.codes))
        sums = self._buffers.empty(shape, result_type(weights))
        totals, squares = self._convolve(spikes, weights, geometry, sums, self.threads)
        unit = 2.0**-weights.exponent  # a power of two: multiplying by it never rounds
        scale, shift = affine(totals * unit, squares * unit**2, geometry.batch * geometry.side**2)
        return Array(sums, scale * unit, shift)

    def reduce(self, convolved: Array, geometry: Geometry) -> Array:
        """See ``Backend``."""
        side = geometry.side // 2
        out = self._buffers.empty((geometry.timesteps, geometry.batch, side, side, geometry.channels), torch.float32)
        leaf = _leaf(convolved)
        self.library.neuronas_reduce(
            ctypes.byref(leaf),
            ctypes.byref(_shape(geometry)),
            ctypes.c_void_p(out.data_ptr()),
            ctypes.c_int32(self.threads),
        )
        return Array(out)

    def materialise(self, value: Value, leaves: Mapping[Leaf, Array], geometry: Geometry) -> Array:
        """See ``Backend``."""
        program, alive = self._bind(value, leaves)
        shape = (geometry.timesteps, geometry.batch, geometry.side, geometry.side, geometry.channels)
        out = self._buffers.empty(shape, torch.float32)
        self.library.neuronas_materialise(
            ctypes.byref(program),
            ctypes.byref(_shape(geometry)),
            ctypes.c_void_p(out.data_ptr()),
            ctypes.c_int32(self.threads),
        )
        del alive
        return Array(out)

    def stack(self, steps: list[Array]) -> Array:
        """See ``Backend``."""
        return Array(torch.cat([step.data for step in steps]))

    def convolved_bytes(self, weights: FixedPoint, geometry: Geometry) -> int:
        """See ``Backend``."""
        n_outputs = geometry.n_values // geometry.channels * len(weights.codes)
        return n_outputs * result_type(weights).itemsize

    def spike_bytes(self, geometry: Geometry) -> int:
        """See ``Backend``."""
        return self._convolve.spike_bytes(geometry)

    def _normalisation(self, program: CProgram, shape: CShape, geometry: Geometry) -> tuple[Tensor, Tensor]:
        sums = torch.empty(geometry.timesteps, geometry.channels, dtype=torch.float64)
        squares = torch.empty_like(sums)
        self.library.neuronas_statistics(
            ctypes.byref(program),
            ctypes.byref(shape),
            ctypes.c_void_p(sums.data_ptr()),
            ctypes.c_void_p(squares.data_ptr()),
            ctypes.c_int32(self.threads),
        )
        return affine(sums, squares, geometry.batch * geometry.side**2)

    def _bind(self, value: Value, leaves: Mapping[Leaf, Array]) -> tuple[CProgram, object]:
        """Return the program with its leaves' addresses, and what must stay alive while it runs."""
        program = self._program(value, frozenset(leaf for leaf in value.leaves if leaves[leaf].constant))
        c_leaves = (CLeaf * max(1, len(program.leaves)))(*(_leaf(leaves[leaf]) for leaf in program.leaves))
        c_ops = (COp * len(program.ops))(
            *(COp(op.code, op.target, op.source, op.leaf, op.constant) for op in program.ops)
        )
        bound = CProgram(
            ctypes.addressof(c_leaves),
            ctypes.addressof(c_ops),
            len(program.ops),
            program.n_buffers,
            program.result,
            0,
        )
        return bound, (c_leaves, c_ops)


def _leaf(array: Array) -> CLeaf:
    kind = 0 if array.scale is None else _KINDS[array.data.dtype]
    return CLeaf(kind, array.constant, array.data.data_ptr(), _address(array.scale), _address(array.shift))


def _shape(geometry: Geometry) -> CShape:
    return CShape(geometry.timesteps, geometry.batch, geometry.side, geometry.side, geometry.channels)


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
