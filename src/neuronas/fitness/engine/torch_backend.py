"""The engine's back end in PyTorch for any device; on CUDA with int8 matrix products and fused neurons."""

from collections.abc import Mapping

import torch
from torch import Tensor

from neuronas.fitness.engine.backend import Array, Fired, Geometry
from neuronas.fitness.engine.int8 import int8_conv2d, int8_products
from neuronas.fitness.engine.values import REDUCTION, Added, Leaf, Pooled, Value
from neuronas.snn.arithmetic import affine, batch_norm, exact_conv2d, pool
from neuronas.snn.lif_cuda import lif_forward
from neuronas.snn.neuron import NeuronParameters, lif_step
from neuronas.snn.quantisation import FixedPoint, sliced


class TorchBackend:
    """Back end in PyTorch. Memory layout: values [T, B, C, H, W]; spikes bool, of the same shape.

    Args:
        neuron: parameters of the LIF neurons.
        device: device of all computations.
        has_integers: convolve by int8 matrix products, since CUDA's convolutions may round (TF32, Winograd) except in
            float64, which is slow.
        is_fused: run neurons with the kernels of ``snn.lif_cuda``.
    """

    def __init__(
        self, neuron: NeuronParameters, device: torch.device, *, has_integers: bool = False, is_fused: bool = False
    ):
        self.neuron, self.device = neuron, device
        self._has_integers, self._is_fused = has_integers, is_fused
        parts = [device.type, *["int8 matrix products"] * has_integers, *["fused neurons"] * is_fused]
        self.name = f"torch ({', '.join(parts)})"

    def make_room(self, n_bytes: int) -> None:
        """See ``Backend``. Does nothing: PyTorch frees its cached memory by itself."""

    def dense(self, value: Tensor, *, constant: bool) -> Array:
        """See ``Backend``."""
        return Array(value.to(self.device), constant=constant)

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
        x = self._evaluate(value, leaves, geometry)
        if normalised:
            x = batch_norm(x)
        spikes = (self._run_fused if self._is_fused else self._run)(x, threshold, state)
        return Fired(spikes if with_spikes else None, self._common(spikes.flatten(2)))

    def state(self, geometry: Geometry) -> Tensor:
        """See ``Backend``."""
        return torch.full((geometry.batch, *geometry.shape), self.neuron.v_reset, device=self.device)

    def unpacked(self, spikes: Tensor, geometry: Geometry) -> Tensor:
        """See ``Backend``."""
        return spikes.float()

    def convolve(self, spikes: Tensor, weights: FixedPoint, geometry: Geometry) -> Array:
        """See ``Backend``."""
        codes = torch.from_numpy(sliced(weights) if self._has_integers else weights.codes).to(self.device)
        shape = (geometry.timesteps, geometry.batch, len(weights.codes), geometry.height, geometry.width)
        sums = torch.empty(shape, device=self.device)
        totals, squares = [], []
        # One time step at a time limits memory. The sums are exact, so the order of additions does not matter.
        for kept, step in zip(sums, spikes, strict=True):
            y = int8_conv2d(step, codes) if self._has_integers else exact_conv2d(step, codes)
            kept.copy_(y)
            totals.append(y.sum(dim=(0, 2, 3), dtype=torch.float64))
            squares.append(y.double().square().sum(dim=(0, 2, 3)))
        unit = 2.0**-weights.exponent  # a power of two: multiplying by it never rounds
        n = geometry.batch * geometry.n_pixels
        scale, shift = affine(torch.stack(totals) * unit, torch.stack(squares) * unit**2, n)
        return Array(sums, scale * unit, shift)

    def reduce(self, convolved: Array, geometry: Geometry) -> Array:
        """See ``Backend``."""
        return Array(pool(_normalised(convolved), REDUCTION))

    def materialise(self, value: Value, leaves: Mapping[Leaf, Array], geometry: Geometry) -> Array:
        """See ``Backend``."""
        return Array(self._evaluate(value, leaves, geometry))

    def stack(self, steps: list[Array]) -> Array:
        """See ``Backend``."""
        return Array(torch.cat([step.data for step in steps]))

    def convolved_bytes(self, weights: FixedPoint, geometry: Geometry) -> int:
        """See ``Backend``."""
        return 4 * geometry.n_values // geometry.channels * len(weights.codes)

    def spike_bytes(self, geometry: Geometry) -> int:
        """See ``Backend``."""
        return geometry.n_values

    def _run_fused(self, x: Tensor, threshold: float, state: Tensor | None) -> Tensor:
        spikes = torch.empty(x.shape, dtype=torch.uint8, device=x.device)
        lif_forward(x.contiguous(), spikes, self.neuron, threshold, state)
        return spikes.view(torch.bool)

    def _run(self, x: Tensor, threshold: float, state: Tensor | None) -> Tensor:
        neuron = self.neuron
        v = torch.full_like(x[0], neuron.v_reset) if state is None else state
        spikes = torch.empty_like(x, dtype=torch.bool)
        for x_t, fires in zip(x, spikes, strict=True):
            u, v = lif_step(x_t, v, neuron.tau, threshold, neuron.v_reset, neuron.v_reset)
            torch.ge(u, 0, out=fires)
        if state is not None:
            state.copy_(v)
        return spikes

    def _common(self, spikes: Tensor) -> Tensor:
        if self._has_integers:
            return int8_products(spikes)
        flat = spikes.float()
        return (flat @ flat.mT).double()

    def _evaluate(self, value: Value, leaves: Mapping[Leaf, Array], geometry: Geometry) -> Tensor:
        """Compute a value, [T, B, C, H, W]; parts that occur several times are computed once."""
        known: dict[Value, Tensor] = {}

        def tensor(one: Value) -> Tensor:
            found = known.get(one)
            if found is None:
                found = known[one] = compute(one)
            return found

        def compute(one: Value) -> Tensor:
            if isinstance(one, Leaf):
                array = leaves[one]
                if array.constant:
                    return array.data.expand(geometry.timesteps, *array.data.shape[1:])
                return _normalised(array)
            if isinstance(one, Pooled):
                return pool(tensor(one.source), one.operation)
            if not isinstance(one, Added):
                raise TypeError(f"{type(one).__name__} given; expected Leaf, Pooled or Added")
            if not one.terms:
                return torch.zeros(geometry.timesteps, geometry.batch, *geometry.shape, device=self.device)
            total = tensor(one.terms[0])
            for term in one.terms[1:]:
                total = total + tensor(term)
            return total

        return tensor(value)


def _normalised(array: Array) -> Tensor:
    if array.scale is None or array.shift is None:
        return array.data
    return array.data * array.scale[:, None, :, None, None] + array.shift[:, None, :, None, None]
