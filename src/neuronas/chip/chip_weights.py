"""Untrained weights as programmed on a simulated chip, for a fitness that includes the chip's non-idealities."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import torch

from neuronas.chip.calibration import trimmed
from neuronas.chip.chip_model import ChipModel
from neuronas.chip.mapped_layer import MappedLayer
from neuronas.chip.programming import program, seeded
from neuronas.chip.slicing import columns_of
from neuronas.snn.quantisation import FixedPoint, quantise
from neuronas.snn.weighted import InputFormat
from neuronas.snn.weights import WeightSource

WITHOUT = ("adc", "read_noise")
"""Non-idealities that do not change a weight permanently: they act on each read, or on a column sum."""
_PRECISION_BITS = 16
"""Precision of an effective weight: the rounding error is far below the variation of any device."""
_RATE = 0.1
"""Assumed firing rate of the inputs, independent of each other, for gain calibration without a trained network."""


@dataclass(frozen=True, kw_only=True)
class ChipWeights(WeightSource):
    """The weights of ``WeightSource``, programmed on a chip.

    Write variation, stuck cells, wire resistance and the off-state current of cells change weights permanently. Column
    sums stay linear in the inputs, so the chip computes the same network with other, effective weights. These follow
    steps 1 to 7 of ``docs/reference/chip-equations.md``. They are rounded to 16-bit fixed point, which the engine
    computes exactly.

    Attributes:
        model: parameters of the chip, without the non-idealities ``WITHOUT``.
        chip: number of the chip; with the seed it determines variation and faults.
    """

    model: ChipModel
    chip: int = 0

    def convolution(
        self,
        place: str,
        in_channels: int,
        out_channels: int,
        kernel: int,
        groups: int = 1,
        deviation: float | None = None,
    ) -> FixedPoint:
        """Weights [out, in, k, k] of the convolution at ``place``, quantised and programmed; see ``WeightSource``.

        Weights for the inputs of other groups are not 0 if they are on the same crossbar, since cells in the off state
        conduct.
        """
        return _programmed(self, place, in_channels, out_channels, kernel, groups, deviation)

    def drawn(
        self, place: str, in_channels: int, out_channels: int, kernel: int, groups: int, deviation: float | None
    ) -> FixedPoint:
        """The weights before programming, for the same arguments as ``convolution``."""
        return super().convolution(place, in_channels, out_channels, kernel, groups, deviation)


@lru_cache(maxsize=128)
def _programmed(
    source: ChipWeights,
    place: str,
    in_channels: int,
    out_channels: int,
    kernel: int,
    groups: int,
    deviation: float | None,
) -> FixedPoint:
    drawn, model = source.drawn(place, in_channels, out_channels, kernel, groups, deviation), source.model
    codes, scale = torch.from_numpy(drawn.codes).float(), torch.tensor(2.0**-drawn.exponent, dtype=torch.float64)
    layer = MappedLayer(place, codes * scale.float(), codes, scale, 1, InputFormat(), model, groups)
    number = int.from_bytes(blake2b(place.encode(), digest_size=4).digest(), "little")
    factors = torch.tensor(layer.factors, dtype=torch.float64)
    weights = torch.zeros(codes.shape, dtype=torch.float64)
    for index, block in enumerate(layer.blocks):
        levels = layer.levels(block)
        written = program(
            levels, model, seeded(source.seed, source.chip, number, index), has_reference=layer.has_reference
        )
        moment = torch.full((levels.shape[1], levels.shape[1]), _RATE**2, dtype=torch.float64).fill_diagonal_(_RATE)
        current = written.current * trimmed(model, written, levels, moment)
        own = (current @ factors) * scale  # [k * k, rows, outputs]
        weights[block.outputs, block.channels] = own.permute(2, 1, 0).reshape(own.shape[2], -1, kernel, kernel)
    return quantise(weights.numpy(), _PRECISION_BITS)


def weight_noise(model: ChipModel, weight_bits: int, write_variation: float) -> tuple[float, ...]:
    """Standard deviation of a programmed weight, in codes, for each code from the lowest to the highest.

    A weight is ``sum over k of f_k l_k``, from cells with conductances ``l_k + l_off`` in levels (steps 2 and 3 of
    docs/reference/chip-equations.md), each with an independent relative error of ``write_variation``. Its variance is
    ``write_variation^2 * sum over k of f_k^2 (l_k + l_off)^2``. A weight of 0 varies too, since cells in the off state
    conduct.

    Args:
        model: parameters of the chip; its own write variation and weight precision are ignored.
        weight_bits: bits of the weight.
        write_variation: relative standard deviation of a conductance.
    """
    largest = 2 ** (weight_bits - 1) - 1
    codes = torch.arange(-largest, largest + 1, dtype=torch.float64)
    columns = columns_of(codes, model.sign_scheme, weight_bits, model.bits_per_cell)
    factors = torch.tensor(columns.factors, dtype=torch.float64)
    variance = ((columns.levels + model.off_levels) * factors).square().sum(dim=1)
    return tuple((write_variation * variance.sqrt()).tolist())
