"""Signal-to-noise ratio of a layer's sums on crossbars in closed form: ADC steps, rows per read, bit slices, wires.

This computes for many chips at once, without torch, what ``chip.precheck`` simulates for one. A layer has ``rows``
inputs, which spike independently in 23 % of the time steps, and normal weights with a standard deviation of a quarter
of the largest (as there). A read sums some of a crossbar's rows. Sources of error are:

- cells: errors as in ``hardware.chip_columns``. A column of off cells is subtracted from all others, so its errors are
  common to them and cancel in a pair of columns. A mean error is equal in all cells of a level, so its squared sum over
  a read grows with the square of the number of driven cells. The gain of a column is calibrated after programming,
  which reduces sums that are mostly noise;
- wires: the effective conductance of a column of mean level at each row (``chip.programming.effective_conductance``),
  after calibration of the column's gain;
- conversion with steps of d levels, d at least 1: (d^2 - 1) / 12, and clipping of sums above (2^bits - 1) * d, which
  are normal for a given number of driven rows; the best of 24 steps. With d = 1 rounding also removes small errors of
  the cells.

The ratio is one of variances, over all columns and reads. Systematic errors, which have the same sign in every read
(mean errors of cells, gains, clipping), are kept apart, since they add up from layer to layer. The ratio does not
include stuck cells, read noise and drift compensation. ``fitness.expected_error`` converts it to accuracy.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from neuronas.config import MOST_BITS
from neuronas.hardware.chip_columns import RATE, CellColumn, Cells, columns
from neuronas.hardware.cost import Array
from neuronas.hardware.device_model import Device
from neuronas.hardware.scaling import ChipArrays

MOST_DB = 40.0
"""Upper limit of the ratio in dB; above it a network loses no accuracy."""
_STEPS = 24
_GAINS = (0.5, 2.0)
_ROUNDED = 4
"""Maximum rounding error that is considered, in levels."""
_QUANTILES = ndtri((np.arange(15) + 0.5) / 15)
"""Quantiles of the standard normal distribution."""


@dataclass(frozen=True)
class LayerNoise:
    """Variance of the errors of a layer's sums over that of the sums themselves.

    Attributes:
        own: [n] random errors that are independent for each filter.
        systematic: [n] errors with the same sign in every read.
        shared: [n] random errors that the reference column causes equally in all filters (offset-binary).
    """

    own: Array
    systematic: Array
    shared: Array

    @property
    def snr_db(self) -> Array:
        """Signal-to-noise ratio, dB, [n]; at most ``MOST_DB``."""
        return _decibels(self.own + self.systematic + self.shared)

    def weighted_db(self, systematic: float) -> Array:
        """Ratio without the errors that all filters have in common, with a weight of systematic errors, dB, [n]."""
        return _decibels(self.own + systematic * self.systematic)

    def mean_with(self, other: "LayerNoise") -> "LayerNoise":
        """The mean of two layers."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return LayerNoise(*((one + two) / 2 for one, two in pairs))


def _decibels(noise: Array) -> Array:
    ratio: Array = -10 * np.log10(np.maximum(noise, 10 ** (-MOST_DB / 10)))
    return ratio


def layer_noise(
    arrays: ChipArrays, device: Device, weight_bits: int, rows: int, after_s: float | None = None
) -> LayerNoise:
    """Noise of a layer on n chips.

    Args:
        arrays: arrays of the chips.
        device: memory device of the chips.
        weight_bits: weight bits of the layer; above 16 as at 16, since lower slices hardly change the ratio.
        rows: inputs of the layer at a kernel position.
        after_s: time after programming, for a device with a model; None: directly after programming.
    """
    cells = Cells.of(device, after_s)
    used = np.minimum(arrays.crossbar_size, rows)
    read = np.minimum(arrays.rows_per_read, used)
    keys = np.stack([used, read, arrays.bits_per_cell, arrays.adc_bits, arrays.n_sign_columns], axis=1)
    kinds, which = np.unique(keys, axis=0, return_inverse=True)
    bits = min(weight_bits, MOST_BITS)
    found = np.array([_of_kind(*map(int, kind), weight_bits=bits, cells=cells) for kind in kinds])
    return LayerNoise(*found.reshape(-1, 3)[which.reshape(-1)].T)


@cache
def _of_kind(
    used: int, read: int, cell_bits: int, adc_bits: int, n_sign_columns: int, *, weight_bits: int, cells: Cells
) -> tuple[float, float, float]:
    power, every = columns(weight_bits, cell_bits, n_sign_columns)
    own, systematic, shared, common = 0.0, 0.0, 0.0, 0.0
    for one in every:
        errors = _of_column(one, used, read, cell_bits, adc_bits, cells)
        weight = one.n * one.factor**2
        own += weight * (errors.rounding + errors.random * (not one.is_reference))
        systematic += weight * (errors.systematic + errors.clipping)
        shared += weight * errors.random * one.is_reference
        common += one.sign * one.factor * np.sqrt(errors.common)
    signal = used * RATE * power
    return own / signal, systematic / signal, (shared + common**2) / signal


@dataclass(frozen=True)
class _Errors:
    """Squared errors of a column.

    Attributes:
        random: of cells and wires.
        systematic: of cells, wires and gain, with the same sign in every read.
        rounding: of conversion.
        clipping: of conversion.
        common: of the column of off cells.
    """

    random: float
    systematic: float
    rounding: float
    clipping: float
    common: float

    def times(self, n_reads: float) -> "_Errors":
        """The errors of several reads."""
        return _Errors(*(one * n_reads for one in vars(self).values()))


def _of_column(column: CellColumn, used: int, read: int, cell_bits: int, adc_bits: int, cells: Cells) -> _Errors:
    """Errors of a column, summed over the reads of a crossbar."""
    largest = 2**cell_bits - 1
    shares = np.array(column.shares)
    mean, variance = cells.errors(largest)
    shift = mean - mean[0]
    gain = _gain(column, used, shares, cells.fresh.errors(largest)[1])
    n_driven = np.arange(1, read + 1, dtype=np.float64)

    def of_sums(each: float, mean: float) -> Array:
        """Mean square of a sum of terms with the given mean square and mean."""
        return n_driven * each + n_driven * (n_driven - 1) * mean**2

    wires = _wire_error(column, used, read, largest, cells) / (read * RATE)
    random = gain**2 * n_driven * (float(shares @ variance) + wires)
    systematic = gain**2 * of_sums(float(shares @ shift**2), float(shares @ shift))
    systematic += (1 - gain) ** 2 * of_sums(column.square, column.mean)
    common = gain**2 * n_driven * float(variance[0])
    return _converted(column, random, systematic, common, read * largest, adc_bits).times(used / read)


def _gain(column: CellColumn, used: int, shares: Array, variance: Array) -> float:
    """The calibrated gain of a column, which minimises the squared error of its current.

    Args:
        column: the column.
        used: number of its rows in use.
        shares: share of its cells at each level.
        variance: variance of the cells of each level after programming.
    """
    ideal = used * RATE * (column.square + (used - 1) * RATE * column.mean**2)
    error = used * RATE * float(shares @ variance + variance[0])
    return float(np.clip(ideal / max(ideal + error, 1e-30), *_GAINS))


def _converted(
    column: CellColumn, random: Array, systematic: Array, common: Array, most: float, adc_bits: int
) -> _Errors:
    """Squared errors of a conversion.

    Args:
        column: the column.
        random: [n_rows] squared random error of the column's cells and wires, by number of driven rows, from 1.
        systematic: [n_rows] the same of the systematic error.
        common: [n_rows] the same of the cells of the off column.
        most: largest sum.
        adc_bits: bits of the ADC.
    """
    n_codes, read, own = 2.0**adc_bits - 1, len(random), random + systematic
    full = max(most / n_codes, 1.0)
    steps = full ** (1 - np.arange(_STEPS + 1) / _STEPS)
    n_driven = np.arange(1, read + 1)
    often = binom.pmf(n_driven, read, RATE)
    exact_own, exact_common = (float(often @ one) for one in _rounded(own, common))
    total_own, total_common, random_share = float(often @ own), float(often @ common), 0.0
    if total_own:
        random_share = float(often @ random) / total_own
    variance = n_driven * max(column.square - column.mean**2, 0.0) + own + common
    wide = np.sqrt(np.maximum(variance, 1e-12))[:, None]
    over = (n_codes * steps - (n_driven * column.mean)[:, None]) / wide
    beyond = wide**2 * ((1 + over**2) * ndtr(-over) - over * np.exp(-(over**2) / 2) / np.sqrt(2 * np.pi))
    clipping, rounding = often @ beyond, (steps**2 - 1) / 12
    cells = np.where(steps > 1, total_own, exact_own)
    commons = np.where(steps > 1, total_common, exact_common)
    best = int((cells + rounding + clipping + commons).argmin())
    found = (
        cells[best] * random_share,
        cells[best] * (1 - random_share),
        rounding[best],
        clipping[best],
        commons[best],
    )
    return _Errors(*map(float, found))


def _rounded(own: Array, common: Array) -> tuple[Array, Array]:
    """Squared errors [n] of sums after rounding to levels, for two normal errors, one of them common."""
    spread = np.sqrt(np.maximum(own, 1e-30))[:, None, None]
    shared = np.sqrt(common)[:, None, None] * _QUANTILES[:, None]
    edges = np.arange(-_ROUNDED, _ROUNDED) + 0.5
    above = ndtr((shared - edges) / spread)  # [n, quantiles, edges] probability that a sum is rounded to above an edge
    mean = above.sum(axis=2) - _ROUNDED
    square = (above * (2 * np.arange(-_ROUNDED, _ROUNDED) + 1)).sum(axis=2) + _ROUNDED**2
    within = own + common < 1
    return np.where(within, (square - mean**2).mean(axis=1), own), np.where(within, (mean**2).mean(axis=1), common)


@cache
def _wire_error(column: CellColumn, used: int, read: int, largest: int, cells: Cells) -> float:
    """Mean squared error of a read's sum due to wires, with cells of mean level and a calibrated gain."""
    if not cells.wire:
        return 0.0
    off = cells.off(largest)
    unit = (1 - 1 / cells.ratio) / largest  # conductance of a level over that of a cell that is on
    own, idle = (_reached(level * unit, used, cells.wire) for level in (column.mean + off, off))
    current = (column.mean + off) * own - off * idle
    once, pairs = RATE * (1 - RATE), RATE**2
    ideal = column.mean * (once * current.sum() + pairs * used * current.sum())
    gain = np.clip(ideal / max(once * (current**2).sum() + pairs * current.sum() ** 2, 1e-30), 0.5, 2.0)
    scale, shift = gain * own - 1, gain * off * (own - idle)
    each = column.square * scale**2 + 2 * column.mean * scale * shift + shift**2
    starts = np.arange(0, used, read)
    bias = np.add.reduceat(column.mean * scale + shift, starts)
    return float((once * each.sum() + pairs * (bias**2).sum()) / len(starts))


def _reached(conductance: float, n: int, wire: float) -> Array:
    """Share of the read voltage at each of n equal cells of a column; the last is next to the converter."""
    shares = np.empty(n)
    seen = 0.0
    for row in range(n):
        seen += conductance
        shares[row] = 1 / (1 + wire * seen)
        seen *= shares[row]
    return np.cumprod(shares[::-1], dtype=np.float64)[::-1]
