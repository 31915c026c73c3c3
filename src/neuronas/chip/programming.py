"""From target levels to what a programmed chip's columns do: conductances, variation, faults, wires."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuronas.chip.model import ChipModel
from neuronas.chip.wire import effective_conductance

_FAULTS = 1


def seeded(*numbers: int) -> torch.Generator:
    """A generator, always on the CPU, so that a chip is the same on every device."""
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Programmed:
    """What the cells of a block do, in levels: currents at the read voltage, over that between two levels.

    Attributes:
        current: [positions, rows, filters, K] float64, that each cell adds to its column's converter.
        variance: of that current from read to read, the same shape; None without read noise.
    """

    current: Tensor
    variance: Tensor | None


def program(levels: Tensor, model: ChipModel, generator: torch.Generator, *, has_reference: bool) -> Programmed:
    """Write one block of rows.

    Steps: conductance G = G_off + level * (G_on - G_off) / largest level; write variation G * (1 + s * e) or
    G * exp(s * e), e standard normal; stuck cells; wire. Beside the columns of each crossbar stands one of cells that
    are off; its current is subtracted from that of each other column, and with it the pedestal of G_off that grows
    with the number of active rows. Read noise is independent in each cell: its variance is (s * G_eff)^2.

    Args:
        levels: [positions, rows, filters, K] whole numbers; the last row is next to the sense node.
        model: of the chip.
        generator: its seed decides variation and faults, each by itself.
        has_reference: whether a filter's last column stands once for all filters.
    """
    positions, rows, filters, k = levels.shape
    n_columns = filters * k
    written = levels.reshape(positions, rows, n_columns)
    # The columns beside are drawn even where they are not needed: the draws of the others do not depend on it.
    cells = torch.cat([written, written.new_zeros(positions, rows, -(-n_columns // model.n_rows))], dim=2)
    varied = _varied(cells + model.off_levels, model, generator)
    cells = _faulty(varied, model, seeded(generator.initial_seed(), _FAULTS))
    if has_reference:
        one = cells[:, :, :n_columns].reshape(positions, rows, filters, k)
        one[..., -1] = one[..., :1, -1]
        cells = torch.cat([one.reshape(positions, rows, n_columns), cells[:, :, n_columns:]], dim=2)
    seen = effective_conductance(cells * model.level_siemens, model.column_resistance_ohm) / model.level_siemens
    if not model.column_resistance_ohm:
        seen = cells  # without a wire nothing is rounded
    current, variance = seen[:, :, :n_columns], (seen * model.read_noise).square()
    noise = variance[:, :, :n_columns]
    if model.off_levels:
        # The columns of a filter are neighbours.
        beside = n_columns + torch.arange(n_columns) // model.n_rows
        current, noise = current - seen[:, :, beside], noise + variance[:, :, beside]
    return Programmed(current.reshape(levels.shape), noise.reshape(levels.shape) if model.read_noise else None)


def _varied(cells: Tensor, model: ChipModel, generator: torch.Generator) -> Tensor:
    if not model.write_variation:
        return cells
    noise = torch.randn(cells.shape, generator=generator).to(cells.dtype) * model.write_variation
    return cells * (noise.exp() if model.variation == "lognormal" else (1 + noise).clamp_min(0))


def _faulty(cells: Tensor, model: ChipModel, generator: torch.Generator) -> Tensor:
    on, off = model.stuck_on_share, model.stuck_off_share
    if not on and not off:
        return cells
    drawn = torch.rand(cells.shape, generator=generator)
    cells = torch.where(drawn < on, model.largest_level + model.off_levels, cells)
    return torch.where(drawn >= 1 - off, model.off_levels, cells)
