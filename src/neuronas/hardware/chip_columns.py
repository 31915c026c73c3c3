"""Columns of bit slices and their cells: levels, and errors at programming and later.

A column of bit slices stores levels l; a weight is the sum of factor * l over its columns. A cell of level l conducts
l + o levels, where o = L / (R_off / R_on - 1) and L is the highest level, plus an error. With a write variation v its
variance is v^2 * (l + o)^2; a device model gives its mean and variance at a time after programming
(``hardware.cell_statistics``).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from neuronas.hardware.cell_statistics import cell_errors
from neuronas.hardware.cost import Array
from neuronas.hardware.device_model import Device, DeviceModel
from neuronas.hardware.mapped.mapping import sliced_bits

RATE = 0.23
"""Mean firing rate of the layers of trained networks, 0.16 to 0.29 (the 56 of ``benchmarks/trained/narrow.csv``)."""
SPREAD = 0.25
"""Standard deviation of the weights of trained layers, as a share of the largest."""


@dataclass(frozen=True)
class CellColumn:
    """A column of a filter.

    Attributes:
        factor: factor of its levels in the weight.
        shares: share of its cells at each level.
        n: number of equal columns: 2 for a positive and a negative one, otherwise 1.
        sign: sum of their signs, 1, -1 or 0: the sign of an error that all columns have in common.
    """

    factor: float
    shares: tuple[float, ...]
    n: int
    sign: int

    @property
    def is_reference(self) -> bool:
        """Whether it is the reference column, which all filters share."""
        return self.sign < 0

    @cached_property
    def mean(self) -> float:
        """Mean of the levels."""
        return self._expected(lambda level: level)

    @cached_property
    def square(self) -> float:
        """Mean square of the levels."""
        return self._expected(lambda level: level**2)

    def _expected(self, of_level: Callable[[float], float]) -> float:
        return sum(share * of_level(float(level)) for level, share in enumerate(self.shares))


@dataclass(frozen=True)
class Cells:
    """The memory cells.

    Attributes:
        ratio: R_off / R_on.
        wire: wire resistance between rows over R_on.
        variation: relative standard deviation at programming, without a device model.
        model: measured statistics of the device.
        after_s: time after programming.
    """

    ratio: float
    wire: float
    variation: float
    model: DeviceModel | None
    after_s: float

    @property
    def fresh(self) -> "Cells":
        """The cells directly after programming, when gains are calibrated."""
        return self if self.model is None else replace(self, after_s=self.model.first_s)

    def off(self, largest: float) -> float:
        """Conductance of a cell in the off state, in levels."""
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
    def of(cls, device: Device, after_s: float | None) -> "Cells":
        """The cells of a device."""
        on, model = float(device.on_resistance_ohm), device.model
        first_s = 0.0 if model is None else model.first_s
        return cls(
            float(device.off_resistance_ohm) / on, float(device.column_resistance_ohm) / on,
            float(device.write_variation), model, first_s if after_s is None else after_s,
        )  # fmt: skip


@cache
def columns(weight_bits: int, cell_bits: int, n_sign_columns: int) -> tuple[float, tuple[CellColumn, ...]]:
    """Mean square of weights, and the columns of a filter."""
    highest = 2 ** (weight_bits - 1) - 1
    codes = np.arange(-highest, highest + 1)
    density = np.exp(-((codes / (SPREAD * max(highest, 1))) ** 2) / 2)
    share, base = density / density.sum(), 2**cell_bits
    is_pair = n_sign_columns == 2
    values = np.maximum(codes, 0) if is_pair else codes + highest + 1
    n, sign = (2, 0) if is_pair else (1, 1)
    found = []
    for number in range(-(-int(sliced_bits(weight_bits, n_sign_columns)) // cell_bits)):
        shares = np.bincount(values // base**number % base, weights=share, minlength=base)
        found.append(CellColumn(float(base) ** number, tuple(shares.tolist()), n, sign))
    if not is_pair:  # the reference column, all of whose cells are on
        found.append(CellColumn(2.0 ** (weight_bits - 1) / (base - 1), (*(0.0,) * (base - 1), 1.0), 1, -1))
    return float(share @ codes**2), tuple(found)
