"""Signal to noise of a layer's sums on crossbars, as a closed form: ADC steps, rows per read, bit slices, wires.

What ``chip.precheck`` simulates for one kind of chip is computed here for many, without torch. A layer has ``rows``
inputs, which spike independently in 15 % of the time steps, and normal weights with a standard deviation of a quarter
of the largest (as there). A column of bit slices holds levels l; a weight is the sum of factor * l over its columns. A
read sums some of a crossbar's rows, and its converter adds an error:

- cells: a cell of level l conducts l + o levels, where o = L / (R_off / R_on - 1) and L is the highest level, plus an
  error of its own; a column of off cells is subtracted. Write variation v: variance v^2 * (l + o)^2. A device model:
  mean and variance that it has at a time after programming (``hardware.cell_statistics``). A mean error is the same in
  all cells of a level, so its sum over a read grows with the square of the driven cells;
- wires: what a column of mean level conducts at each row (``chip.programming.effective_conductance``), after the gain
  of the column was calibrated;
- conversion with steps of d levels, d at least 1: (d^2 - 1) / 12, and clipping of sums above (2^bits - 1) * d; the best
  of 24 steps. With d = 1 rounding also removes small errors of the cells.

The ratio is that of variances, over all columns and reads. Stuck cells, read noise and compensation of drift are not in
it, nor what a network makes of the noise: ``fitness.expected_error`` turns it into accuracy.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from neuronas.hardware.accelerator import Device
from neuronas.hardware.cell_statistics import cell_errors
from neuronas.hardware.cost import Array
from neuronas.hardware.device_model import DeviceModel
from neuronas.hardware.mapped.mapping import sliced_bits
from neuronas.hardware.scaling import ChipArrays

MOST_DB = 40.0
"""Ratios above it count as this one: a network loses nothing."""
_RATE, _SPREAD = 0.15, 0.25
_STEPS = 24
_GAINS = (0.5, 2.0)
_ROUNDED = 4
"""Levels by which rounding may be off, at most."""
_QUANTILES = ndtri((np.arange(15) + 0.5) / 15)
"""Of a normal distribution."""


@dataclass(frozen=True)
class _Column:
    """A column of a filter.

    Attributes:
        factor: of its levels in the weight.
        shares: of its cells that hold each level.
        n: columns like it: a positive and a negative one, or 1.
        sign: of all of them together, 1, -1 or 0: with which an error that all columns have in common counts.
    """

    factor: float
    shares: tuple[float, ...]
    n: int
    sign: int

    @property
    def is_reference(self) -> bool:
        """Whether all filters share it."""
        return self.sign < 0

    @cached_property
    def mean(self) -> float:
        """Of the levels."""
        return self._expected(lambda level: level)

    @cached_property
    def square(self) -> float:
        """Mean square of the levels."""
        return self._expected(lambda level: level**2)

    def _expected(self, of_level: Callable[[float], float]) -> float:
        return sum(share * of_level(float(level)) for level, share in enumerate(self.shares))


@dataclass(frozen=True)
class _Cells:
    """The memory cells.

    Attributes:
        ratio: R_off / R_on.
        wire: wire resistance between rows over R_on.
        variation: relative deviation when written, without a device model.
        model: measured statistics of the device.
        after_s: time after programming.
    """

    ratio: float
    wire: float
    variation: float
    model: DeviceModel | None
    after_s: float

    @property
    def fresh(self) -> "_Cells":
        """As programmed, which is when gains are calibrated."""
        return self if self.model is None else replace(self, after_s=self.model.first_s)

    def off(self, largest: float) -> float:
        """What a cell in the off state conducts, levels."""
        return largest / (self.ratio - 1)

    @cache  # noqa: B019 - few kinds of cells are ever made
    def errors(self, largest: int) -> tuple[Array, Array]:
        """Mean and variance of the errors of the cells of each level, [largest + 1]."""
        conductance = np.arange(largest + 1, dtype=np.float64) + self.off(largest)
        if self.model is None:
            return np.zeros(largest + 1), (self.variation * conductance) ** 2
        mean, std = cell_errors(self.model, self.after_s, conductance / conductance[-1])
        return mean * conductance[-1], (std * conductance[-1]) ** 2

    @classmethod
    def of(cls, device: Device, after_s: float | None) -> "_Cells":
        """Those of a device."""
        on, model = float(device.on_resistance_ohm), device.model
        first_s = 0.0 if model is None else model.first_s
        return cls(
            float(device.off_resistance_ohm) / on, float(device.column_resistance_ohm) / on,
            float(device.write_variation), model, first_s if after_s is None else after_s,
        )  # fmt: skip


@dataclass(frozen=True)
class LayerNoise:
    """Variance of the errors of a layer's sums over that of the sums themselves.

    Attributes:
        own: [n] of errors that each filter has for itself.
        shared: [n] of those that all filters have in common, because of the reference column (offset-binary).
    """

    own: Array
    shared: Array

    @property
    def snr_db(self) -> Array:
        """Signal-to-noise ratio, dB, [n]; at most ``MOST_DB``."""
        return _decibels(self.own + self.shared)

    @property
    def own_snr_db(self) -> Array:
        """The same without what all filters have in common."""
        return _decibels(self.own)


def _decibels(noise: Array) -> Array:
    ratio: Array = -10 * np.log10(np.maximum(noise, 10 ** (-MOST_DB / 10)))
    return ratio


def layer_noise(
    arrays: ChipArrays, device: Device, weight_bits: int, rows: int, after_s: float | None = None
) -> LayerNoise:
    """Noise of a layer on n chips.

    Args:
        arrays: of the chips.
        device: their cells.
        weight_bits: of the layer.
        rows: inputs of the layer at a kernel position.
        after_s: time after programming, of a device with a model; None: directly after it.
    """
    cells = _Cells.of(device, after_s)
    used = np.minimum(arrays.crossbar_size, rows)
    read = np.minimum(arrays.rows_per_read, used)
    keys = np.stack([used, read, arrays.bits_per_cell, arrays.adc_bits, arrays.n_sign_columns], axis=1)
    kinds, which = np.unique(keys, axis=0, return_inverse=True)
    found = np.array([_of_kind(*map(int, kind), weight_bits=weight_bits, cells=cells) for kind in kinds])
    own, shared = found.reshape(-1, 2)[which.reshape(-1)].T
    return LayerNoise(own, shared)


def _of_kind(
    used: int, read: int, cell_bits: int, adc_bits: int, n_sign_columns: int, *, weight_bits: int, cells: _Cells
) -> tuple[float, float]:
    power, columns = _columns(weight_bits, cell_bits, n_sign_columns)
    own, shared, common = 0.0, 0.0, 0.0
    for one in columns:
        errors = _of_column(one, used, read, cell_bits, adc_bits, cells)
        squared = one.n * one.factor**2 * errors.own
        own, shared = (own, shared + squared) if one.is_reference else (own + squared, shared)
        common += one.sign * one.factor * np.sqrt(errors.common)
    signal = used * _RATE * power
    return own / signal, (shared + common**2) / signal


@dataclass(frozen=True)
class _Errors:
    """Squared errors of a column: its own, and what all columns have in common because of the column of off cells."""

    own: float
    common: float


def _of_column(column: _Column, used: int, read: int, cell_bits: int, adc_bits: int, cells: _Cells) -> _Errors:
    """Summed over the reads of a crossbar."""
    largest = 2**cell_bits - 1
    shares = np.array(column.shares)
    mean, variance = cells.errors(largest)
    shift = mean - mean[0]
    gain = _gain(column, used, shares, cells.fresh.errors(largest)[1])
    n_driven = np.arange(1, read + 1, dtype=np.float64)

    def of_sums(each: float, mean: float) -> Array:
        """Mean square of the sum of terms with this mean square and mean."""
        return n_driven * each + n_driven * (n_driven - 1) * mean**2

    wires = _wire_error(column, used, read, largest, cells) / (read * _RATE)
    own = gain**2 * of_sums(float(shares @ (variance + shift**2)) + wires, float(shares @ shift))
    own += (1 - gain) ** 2 * of_sums(column.square, column.mean)
    common = gain**2 * n_driven * float(variance[0])
    spread = np.sqrt(read * _RATE * max(column.square - _RATE * column.mean**2, 0.0))
    found = _converted(read * _RATE * column.mean, float(spread), own, common, read * largest, adc_bits)
    return _Errors(found.own * used / read, found.common * used / read)


def _gain(column: _Column, used: int, shares: Array, variance: Array) -> float:
    """The gain that calibration gives a column: it minimises the squared error of its current.

    Args:
        column: of a crossbar.
        used: its rows.
        shares: of its cells that hold each level.
        variance: of the cells of each level, as programmed.
    """
    ideal = used * _RATE * (column.square + (used - 1) * _RATE * column.mean**2)
    error = used * _RATE * float(shares @ variance + variance[0])
    return float(np.clip(ideal / max(ideal + error, 1e-30), *_GAINS))


def _converted(level: float, spread: float, own: Array, common: Array, most: float, adc_bits: int) -> _Errors:
    """Squared errors of a conversion.

    Args:
        level: mean of the sums.
        spread: their standard deviation.
        own: [n_rows] squared error of the column's cells and wires, by how many rows are driven, from 1 on.
        common: [n_rows] that of the cells of the off column.
        most: largest sum.
        adc_bits: of the converter.
    """
    n_codes, read = 2.0**adc_bits - 1, len(own)
    full = max(most / n_codes, 1.0)
    steps = full ** (1 - np.arange(_STEPS + 1) / _STEPS)
    often = binom.pmf(np.arange(1, read + 1), read, _RATE)
    exact_own, exact_common = (float(often @ one) for one in _rounded(own, common))
    total_own, total_common = float(often @ own), float(often @ common)
    wide = max(float(np.sqrt(spread**2 + total_own + total_common)), 1e-9)
    over = (n_codes * steps - level) / wide
    clipped = wide**2 * ((1 + over**2) * ndtr(-over) - over * np.exp(-(over**2) / 2) / np.sqrt(2 * np.pi))
    owns = np.where(steps > 1, total_own, exact_own) + (steps**2 - 1) / 12 + clipped
    commons = np.where(steps > 1, total_common, exact_common)
    best = int((owns + commons).argmin())
    return _Errors(float(owns[best]), float(commons[best]))


def _rounded(own: Array, common: Array) -> tuple[Array, Array]:
    """Squared errors [n] of sums that are rounded to levels: what stays of two normal errors, one in common."""
    spread = np.sqrt(np.maximum(own, 1e-30))[:, None, None]
    shared = np.sqrt(common)[:, None, None] * _QUANTILES[:, None]
    edges = np.arange(-_ROUNDED, _ROUNDED) + 0.5
    above = ndtr((shared - edges) / spread)  # [n, quantiles, edges] chance that a sum is rounded to above an edge
    mean = above.sum(axis=2) - _ROUNDED
    square = (above * (2 * np.arange(-_ROUNDED, _ROUNDED) + 1)).sum(axis=2) + _ROUNDED**2
    within = own + common < 1
    return np.where(within, (square - mean**2).mean(axis=1), own), np.where(within, (mean**2).mean(axis=1), common)


@cache
def _wire_error(column: _Column, used: int, read: int, largest: int, cells: _Cells) -> float:
    """Mean squared error of a read's sum due to wires, with cells of mean level and a calibrated gain."""
    if not cells.wire:
        return 0.0
    off = cells.off(largest)
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
    values = np.maximum(codes, 0) if is_pair else codes + highest + 1
    n, sign = (2, 0) if is_pair else (1, 1)
    found = []
    for number in range(-(-int(sliced_bits(weight_bits, n_sign_columns)) // cell_bits)):
        shares = np.bincount(values // base**number % base, weights=share, minlength=base)
        found.append(_Column(float(base) ** number, tuple(shares.tolist()), n, sign))
    if not is_pair:  # the reference column, all of whose cells are on
        found.append(_Column(2.0 ** (weight_bits - 1) / (base - 1), (*(0.0,) * (base - 1), 1.0), 1, -1))
    return float(share @ codes**2), tuple(found)
