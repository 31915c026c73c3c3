"""A layer with weights, computed as by the crossbars of a programmed chip."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor, nn

from neuronas.chip.mapped_layer import MappedLayer
from neuronas.chip.partial_sums import distinct, gathered

CHUNK_VALUES = 2**18
"""Number of column sums computed at a time, so that they stay in the cache."""
_OUTPUT_VALUES = 2**24
"""Number of outputs of single kernel positions computed at a time, to limit memory."""


@dataclass(frozen=True)
class Currents:
    """Contributions of the memory cells of a block to their columns, in ADC steps (in levels if ADCs are ideal).

    Attributes:
        current: [K, rows, positions * outputs], float32 (float64 if ADCs are ideal).
        variance: variance of ``current`` due to read noise, the same shape; None without read noise.
    """

    current: Tensor
    variance: Tensor | None

    def of(self, rows: slice) -> "Currents":
        """The contributions of some rows."""
        variance = None if self.variance is None else self.variance[:, rows]
        return Currents(self.current[:, rows], variance)


@dataclass
class Observed:
    """Statistics of a layer.

    Attributes:
        signal: sum of the squared ideal outputs.
        error: sum of the squared differences between outputs and ideal outputs.
        n_saturated: number of conversions beyond the range of the ADC.
        n_conversions: number of all conversions.
    """

    signal: float = 0.0
    error: float = 0.0
    n_saturated: float = 0.0
    n_conversions: float = 0.0


class CrossbarLayer(nn.Module):
    """A layer with weights on one programmed chip.

    With ideal ADCs all column sums are linear, and the layer is one convolution with the effective weights.

    Args:
        layer: the layer to simulate.
        currents: contributions of the cells of each block.
        factors: [K] digital factor of each column times the step of its ADC.
        adc_bits: resolution of the ADCs; None: ideal ADCs.
        generator: random generator of the read noise, on the device of the weights.
    """

    def __init__(
        self,
        layer: MappedLayer,
        currents: list[Currents],
        factors: Tensor,
        adc_bits: int | None,
        generator: torch.Generator,
    ):
        super().__init__()
        device = layer.weight.device
        self.layer, self.generator = layer, generator
        self.largest_code = None if adc_bits is None else 2**adc_bits - 1
        self.scale = layer.scale.to(device, torch.float32).reshape(-1, 1, 1)
        self.factors = factors.to(device, torch.float32)
        self.noisy = currents[0].variance is not None
        self.currents = currents if adc_bits is not None else []
        self.observed: Observed | None = None
        if adc_bits is None:
            self.effective = self._folded(currents, "current", factors).to(device, torch.float32)
            self.is_ideal = not self.noisy and torch.equal(self.effective, layer.weight)
            if self.noisy:
                self.variance = self._folded(currents, "variance", factors.square(), power=2).to(device, torch.float32)

    def forward(self, x: Tensor) -> Tensor:
        """[n, in, H, W] -> [n, out, H', W'], or [..., in] -> [..., out]."""
        if x.dim() != 4:
            return self.forward(x.reshape(-1, x.shape[-1], 1, 1)).reshape(*x.shape[:-1], -1)
        y = self._analog(x) if self.largest_code is None else self._converted(x)
        if self.observed is not None:
            ideal = self.layer.ideal(x).double()
            self.observed.signal += float(ideal.square().sum())
            self.observed.error += float((y.double() - ideal).square().sum())
        return y

    def _analog(self, x: Tensor) -> Tensor:
        layer = self.layer
        if self.is_ideal:
            return layer.ideal(x)
        y = layer.convolve(x, self.effective)
        if layer.inputs.offset:  # the offset of the inputs is added digitally
            y = layer.ideal(x) + layer.convolve(x - layer.inputs.offset, self.effective - layer.weight)
        if not self.noisy:
            return y
        variance = sum(weight**2 * layer.convolve(plane, self.variance) for weight, plane in layer.inputs.planes(x))
        noise = torch.randn(y.shape, generator=self.generator, device=y.device)
        return y + noise * torch.as_tensor(variance).clamp_min(0).sqrt()

    def _converted(self, x: Tensor) -> Tensor:
        layer = self.layer
        kernel, stride, padding = layer.weight.shape[-1], layer.stride, layer.n_padded
        offset = self._offset.to(x) if self._offset is not None else None
        each = x.shape[2] * x.shape[3] * kernel**2 * layer.weight.shape[0]
        answers = []
        for some in torch.split(x, max(1, _OUTPUT_VALUES // each)):
            total: Tensor | None = None
            for weight, plane in layer.inputs.planes(some):
                part = gathered(self._positions(plane), kernel, stride, padding).mul_(weight)
                total = part if total is None else total.add_(part)
            if total is None:
                raise AssertionError("input format without bits")
            y = total * self.scale
            if offset is not None:
                y = y + layer.convolve(torch.ones_like(some), offset)
            answers.append(y)
        return torch.cat(answers)

    @cached_property
    def _offset(self) -> Tensor | None:
        inputs = self.layer.inputs
        return self.layer.weight * inputs.offset if inputs.offset else None

    def _positions(self, plane: Tensor) -> Tensor:
        """Outputs of each kernel position for the channels of each pixel: [n, in, H, W] -> [k * k, n, H, W, out]."""
        n, _, height, width = plane.shape
        vectors = plane.permute(0, 2, 3, 1).flatten(0, 2)
        n_out, _, *kernel = self.layer.weight.shape
        total = vectors.new_zeros(len(vectors), prod(kernel), n_out)
        for whole, block in zip(self.currents, self.layer.blocks, strict=True):
            for read in self.layer.reads(block):
                currents, rows = whole.of(read), vectors[:, block.channels][:, read]
                if self.noisy:
                    answers = self._columns(currents, rows, None)
                else:
                    # Without read noise, equal vectors give equal outputs.
                    unique, inverse, counts = distinct(rows)
                    answers = self._columns(currents, unique, counts).index_select(0, inverse)
                total[:, :, block.outputs] += answers.view(len(rows), prod(kernel), -1)
        return total.view(n, height, width, -1, n_out).permute(3, 0, 1, 2, 4)

    def _columns(self, currents: Currents, vectors: Tensor, counts: Tensor | None) -> Tensor:
        """Convert column sums and add up the columns of each output: [m, rows] -> [m, positions * outputs]."""
        k, _, width = currents.current.shape
        answers = vectors.new_empty(len(vectors), width)
        step = max(1, CHUNK_VALUES // (k * width))
        buffer = vectors.new_empty(k * min(step, len(vectors)) * width)  # reused: new memory is slow at first access
        for first in range(0, len(vectors), step):
            rows = vectors[first : first + step]
            sums = buffer[: k * len(rows) * width].view(k, len(rows), width)
            torch.bmm(rows.expand(k, *rows.shape), currents.current, out=sums)
            if currents.variance is not None:
                noise = torch.randn(sums.shape, generator=self.generator, device=sums.device)
                sums.addcmul_(torch.matmul(rows, currents.variance).sqrt_(), noise)
            sums.round_()
            if self.observed is not None:
                times = torch.ones_like(rows[:, 0]) if counts is None else counts[first : first + step]
                self._observe(sums, times.double())
            sums.clamp_(0, self.largest_code)
            torch.mv(sums.view(k, -1).T, self.factors, out=answers[first : first + step].view(-1))
        return answers

    def _observe(self, codes: Tensor, times: Tensor) -> None:
        """Count the conversions ``codes`` [K, m, columns] and the saturated ones; ``times`` [m]: count of each row."""
        if self.observed is None or self.largest_code is None:
            return
        saturated = (codes > self.largest_code).sum(dim=(0, 2)).double()
        self.observed.n_saturated += float((saturated * times).sum())
        self.observed.n_conversions += float(times.sum()) * codes.shape[0] * codes.shape[2]

    def _folded(self, currents: list[Currents], name: str, factors: Tensor, power: int = 1) -> Tensor:
        """Effective weights [out, in, k, k]: one convolution with them gives the sum over all columns."""
        kernel = self.layer.weight.shape[2:]
        whole = torch.zeros(self.layer.weight.shape, dtype=torch.float64)
        for one, block in zip(currents, self.layer.blocks, strict=True):
            part = torch.einsum("k,krw->rw", factors, getattr(one, name))
            whole[block.outputs, block.channels] = part.view(len(part), *kernel, -1).permute(3, 0, 1, 2)
        return whole * self.layer.scale.reshape(-1, 1, 1, 1) ** power
