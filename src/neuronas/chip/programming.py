"""Programming of a chip: from target levels to column currents, with variation, faults and wire resistance."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuronas.chip.aging import aged
from neuronas.chip.chip_model import ChipModel

_FAULTS, _AGING = 1, 2


def seeded(*numbers: int) -> torch.Generator:
    """A random generator with a seed from several numbers; on the CPU, so that a chip is the same on every device."""
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Programmed:
    """The programmed cells of a block. Currents are in levels: current divided by the difference of two levels.

    Attributes:
        current: current of each cell at the ADC of its column, [positions, rows, filters, K] float64.
        variance: variance of ``current`` due to read noise, the same shape; None without read noise.
    """

    current: Tensor
    variance: Tensor | None


def program(levels: Tensor, model: ChipModel, generator: torch.Generator, *, has_reference: bool) -> Programmed:
    """Program one block.

    Steps: conductance G = G_off + level * (G_on - G_off) / largest level; write variation, G * (1 + s * e) or
    G * exp(s * e) with a standard normal e, or the device model (``aging``); stuck cells; wire resistance.
    Each crossbar has an additional column of cells in the off state. Its current is subtracted from that of all other
    columns, which removes the contribution of G_off in each active row. Read noise is independent for each cell, with
    variance (s * G_eff)^2.

    Args:
        levels: target levels, integers [positions, rows, filters, K]; the last row is next to the sense node.
        model: parameters of the chip.
        generator: its seed determines variation and faults, independently of each other.
        has_reference: whether the last column of a filter is a reference column, which all filters share.
    """
    positions, rows, filters, k = levels.shape
    n_columns = filters * k
    written = levels.reshape(positions, rows, n_columns)
    # Random numbers are also drawn for unused off columns, so that those of the other columns do not change.
    cells = torch.cat([written, written.new_zeros(positions, rows, -(-n_columns // model.crossbar_size))], dim=2)
    varied = _varied(cells, model, generator)
    cells = _faulty(varied, model, seeded(generator.initial_seed(), _FAULTS))
    if has_reference:
        one = cells[:, :, :n_columns].reshape(positions, rows, filters, k)
        one[..., -1] = one[..., :1, -1]
        cells = torch.cat([one.reshape(positions, rows, n_columns), cells[:, :, n_columns:]], dim=2)
    seen = effective_conductance(cells * model.level_siemens, model.column_resistance_ohm) / model.level_siemens
    if not model.column_resistance_ohm:
        seen = cells  # exact without wire resistance
    current, variance = seen[:, :, :n_columns], (seen * model.read_noise).square()
    noise = variance[:, :, :n_columns]
    if model.off_levels:
        # The columns of a filter are neighbours.
        beside = n_columns + torch.arange(n_columns) // model.crossbar_size
        current, noise = current - seen[:, :, beside], noise + variance[:, :, beside]
    return Programmed(current.reshape(levels.shape), noise.reshape(levels.shape) if model.read_noise else None)


def _varied(levels: Tensor, model: ChipModel, generator: torch.Generator) -> Tensor:
    if model.device_model is not None:
        seed = generator.initial_seed()

        def normal(stream: int) -> Tensor:
            own = seeded(seed, _AGING, stream) if stream else generator
            return torch.randn(levels.shape, generator=own).to(levels.dtype)

        return aged(levels, model, model.device_model, normal)
    cells = levels + model.off_levels
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


def effective_conductance(conductance: Tensor, resistance_ohm: float) -> Tensor:
    """Effective conductances of the cells of columns with wire resistance; exact, in O(n) for n rows.

    Rows are driven by ideal sources (the read voltage, or 0 V where there is no spike), the sense node is at 0 V, and
    ``resistance_ohm`` lies between neighbouring rows and between the last row and the sense node. The circuit is
    linear, so the sensed current is the sum of effective conductances times row voltages:
    Y_0 = G_0; a_i = 1 / (1 + r Y_i); Y_{i+1} = a_i Y_i + G_{i+1}; G_eff,i = G_i * product of a_j over j >= i.
    Y_i is the conductance of row i and all rows further away from the sense node; a_i is the voltage division at row i.

    Args:
        conductance: [..., n, columns] in siemens; row n - 1 is next to the sense node.
        resistance_ohm: r, the wire resistance between two rows.

    Returns:
        effective conductances in siemens, the same shape.
    """
    if resistance_ohm == 0:
        return conductance
    shares = []
    seen = torch.zeros_like(conductance.select(-2, 0))
    for row in conductance.unbind(-2):
        seen = seen + row
        share = 1 / (1 + resistance_ohm * seen)
        seen = share * seen
        shares.append(share)
    effective = torch.empty_like(conductance)
    product = torch.ones_like(seen)
    for index in range(len(shares) - 1, -1, -1):
        product = product * shares[index]
        effective[..., index, :] = conductance[..., index, :] * product
    return effective
