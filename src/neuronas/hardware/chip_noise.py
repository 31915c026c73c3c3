"""Signal to noise of a layer's sums on crossbars, as a closed form: ADC steps, rows per read, bit slices, wires.

What ``chip.precheck`` simulates for one kind of chip is computed here for many, without torch. A layer has ``rows``
inputs, which spike independently in 15 % of the time steps, and normal weights with a standard deviation of a quarter
of the largest (as there). A column of bit slices holds levels l; a weight is the sum of factor * l over its columns. A
read sums some of a crossbar's rows, and its converter adds an error:

- write variation v: each driven cell has the variance v^2 * ((l + o)^2 + o^2), where o = L / (R_off / R_on - 1) levels
  are what a cell in the off state conducts, and L is the highest level; a column of off cells is subtracted;
- wires: what a column of mean level conducts at each row (``chip.programming.effective_conductance``), after the gain
  of the column was calibrated;
- conversion with steps of d levels, d at least 1: (d^2 - 1) / 12, and clipping of sums above (2^bits - 1) * d; the best
  of 24 steps. With d = 1 rounding also removes small errors of the cells.

The ratio is that of variances, over all columns and reads. Stuck cells, read noise and drift are not in it, nor what a
network makes of the noise: ``fitness.expected_error`` turns it into accuracy.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

from neuronas.hardware.accelerator import Device
from neuronas.hardware.cost import Array
from neuronas.hardware.mapped.mapping import sliced_bits
from neuronas.hardware.scaling import ChipArrays

MOST_DB = 40.0
"""Ratios above it count as this one: a network loses nothing."""
_RATE, _SPREAD = 0.15, 0.25
_STEPS = 24
_ROUNDED = 4
"""Levels by which rounding may be off, at most."""


@dataclass(frozen=True)
class _Column:
    """A column of a filter.

    Attributes:
        factor: of its levels in the weight.
        mean: of the levels.
        square: mean square of the levels.
    """

    factor: float
    mean: float
    square: float


@dataclass(frozen=True)
class _Cells:
    """The memory cells: relative deviation when written, R_off / R_on, and wire resistance between rows over R_on."""

    variation: float
    ratio: float
    wire: float


def snr_db(arrays: ChipArrays, device: Device, weight_bits: int, rows: int) -> Array:
    """Signal-to-noise ratio of the sums of a layer, dB, [n]; at most ``MOST_DB``.

    Args:
        arrays: of the chips.
        device: their cells.
        weight_bits: of the layer.
        rows: inputs of the layer at a kernel position.
    """
    on = float(device.on_resistance_ohm)
    cells = _Cells(
        float(device.write_variation), float(device.off_resistance_ohm) / on, float(device.column_resistance_ohm) / on
    )
    used = np.minimum(arrays.crossbar_size, rows)
    read = np.minimum(arrays.rows_per_read, used)
    keys = np.stack([used, read, arrays.bits_per_cell, arrays.adc_bits, arrays.n_sign_columns], axis=1)
    kinds, which = np.unique(keys, axis=0, return_inverse=True)
    found = [_kind_db(*map(int, kind), weight_bits=weight_bits, cells=cells) for kind in kinds]
    return np.array(found)[which.reshape(-1)]


def _kind_db(
    used: int, read: int, cell_bits: int, adc_bits: int, n_sign_columns: int, *, weight_bits: int, cells: _Cells
) -> float:
    signal, columns = _columns(weight_bits, cell_bits, n_sign_columns)
    noise = sum(one.factor**2 * _of_column(one, used, read, cell_bits, adc_bits, cells) for one in columns)
    return min(float(10 * np.log10(used * _RATE * signal / max(noise, 1e-30))), MOST_DB)


def _of_column(column: _Column, used: int, read: int, cell_bits: int, adc_bits: int, cells: _Cells) -> float:
    """Squared error of a column, summed over the reads of a crossbar."""
    largest = 2.0**cell_bits - 1
    off = largest / (cells.ratio - 1)
    driven = cells.variation**2 * (column.square + 2 * column.mean * off + 2 * off**2)
    spread = np.sqrt(read * _RATE * max(column.square - _RATE * column.mean**2, 0.0))
    level, n_reads = read * _RATE * column.mean, used / read
    wires = _wire_error(column, used, read, largest, cells)
    return n_reads * _converted(level, float(spread), driven, wires, read, read * largest, adc_bits)


def _converted(
    level: float, spread: float, driven: float, wires: float, read: int, most: float, adc_bits: int
) -> float:
    """Squared error of a conversion: sums of this mean and deviation, variance of a driven cell, error of wires."""
    n_codes = 2.0**adc_bits - 1
    full = max(most / n_codes, 1.0)
    steps = full ** (1 - np.arange(_STEPS + 1) / _STEPS)
    n_driven = np.arange(1, read + 1)
    often = binom.pmf(n_driven, read, _RATE)
    variance = n_driven * (driven + wires / (read * _RATE))
    total = float(often @ variance)
    deviation = np.sqrt(np.maximum(variance, 1e-30))
    levels = np.arange(1, _ROUNDED + 1)[:, None]
    rounded = (2 * levels**2 * (ndtr((levels + 0.5) / deviation) - ndtr((levels - 0.5) / deviation))).sum(axis=0)
    exact = float(often @ np.where(deviation < 1, np.minimum(rounded, variance), variance))
    wide = max(float(np.hypot(spread, np.sqrt(total))), 1e-9)
    over = (n_codes * steps - level) / wide
    clipped = wide**2 * ((1 + over**2) * ndtr(-over) - over * np.exp(-(over**2) / 2) / np.sqrt(2 * np.pi))
    return float((np.where(steps > 1, total, exact) + (steps**2 - 1) / 12 + clipped).min())


@cache
def _wire_error(column: _Column, used: int, read: int, largest: float, cells: _Cells) -> float:
    """Mean squared error of a read's sum due to wires, with cells of mean level and a calibrated gain."""
    if not cells.wire:
        return 0.0
    off = largest / (cells.ratio - 1)
    unit = (1 - 1 / cells.ratio) / largest  # conductance of a level over that of a cell that is on
    own, idle = (_reached(level * unit, used, cells.wire) for level in (column.mean + off, off))
    current = (column.mean + off) * own - off * idle
    once, pairs = _RATE * (1 - _RATE), _RATE**2
    ideal = column.mean * (once * current.sum() + pairs * used * current.sum())
    gain = np.clip(ideal / max(once * (current**2).sum() + pairs * current.sum() ** 2, 1e-30), 0.5, 2.0)
    scale, shift = gain * own - 1, gain * off * (own - idle)
    each = column.square * scale**2 + 2 * column.mean * scale * shift + shift**2
    starts = np.arange(0, used, read)
    bias = np.add.reduceat(column.mean * scale + shift, starts)
    return float((once * each.sum() + pairs * (bias**2).sum()) / len(starts))


def _reached(conductance: float, n: int, wire: float) -> Array:
    """Share of the read voltage that each of n equal cells of a column sees, the one next to the converter last."""
    shares = np.empty(n)
    seen = 0.0
    for row in range(n):
        seen += conductance
        shares[row] = 1 / (1 + wire * seen)
        seen *= shares[row]
    return np.cumprod(shares[::-1], dtype=np.float64)[::-1]


@cache
def _columns(weight_bits: int, cell_bits: int, n_sign_columns: int) -> tuple[float, tuple[_Column, ...]]:
    """Mean square of weights, and the columns of a filter."""
    highest = 2 ** (weight_bits - 1) - 1
    codes = np.arange(-highest, highest + 1)
    density = np.exp(-((codes / (_SPREAD * max(highest, 1))) ** 2) / 2)
    share, base = density / density.sum(), 2**cell_bits
    is_pair = n_sign_columns == 2
    held = [np.maximum(codes, 0), np.maximum(-codes, 0)] if is_pair else [codes + highest + 1]
    found = []
    for values in held:
        for number in range(-(-int(sliced_bits(weight_bits, n_sign_columns)) // cell_bits)):
            levels = values // base**number % base
            found.append(_Column(float(base) ** number, float(share @ levels), float(share @ levels**2)))
    if not is_pair:  # the reference column, all of whose cells are on
        found.append(_Column(2.0 ** (weight_bits - 1) / (base - 1), base - 1.0, (base - 1.0) ** 2))
    return float(share @ codes**2), tuple(found)
