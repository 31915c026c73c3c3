"""How much a chip's write variation changes a weight: what training has to bear (``train --chip-noise``)."""

import torch

from neuronas.chip.model import ChipModel
from neuronas.chip.slicing import columns_of


def weight_noise(model: ChipModel, write_variation: float) -> tuple[float, ...]:
    """Standard deviation of a programmed weight, in codes, for each code from the lowest to the highest.

    A weight is ``sum over k of f_k l_k`` of cells with conductances ``l_k + l_off`` levels (docs/chip-simulation.md,
    steps 2 and 3), each with an independent relative error of ``write_variation``: its variance is
    ``write_variation^2 * sum over k of f_k^2 (l_k + l_off)^2``. Cells that are off conduct: a weight of 0 varies.

    Args:
        model: of the chip; its own write variation does not matter.
        write_variation: relative standard deviation of a conductance.
    """
    largest = 2 ** (model.weight_bits - 1) - 1
    codes = torch.arange(-largest, largest + 1, dtype=torch.float64)
    columns = columns_of(codes, model.scheme, model.weight_bits, model.bits_per_cell)
    factors = torch.tensor(columns.factors, dtype=torch.float64)
    variance = ((columns.levels + model.off_levels) * factors).square().sum(dim=1)
    return tuple((write_variation * variance.sqrt()).tolist())
