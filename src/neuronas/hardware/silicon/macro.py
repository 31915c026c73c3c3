"""Energy and time of one invocation of a compute-in-memory array, from its geometry, node and supply voltage.

An invocation reads ``rows`` rows at once into ``n_adcs`` columns, with input bits and weight bits as in the array. The
laws have few constants, which ``silicon.fit`` calibrates on measured chips. With the scale of node and supply

    s = (node / 28 nm)^a * (V / 0.9 V)^b

the energy of an invocation is the sum of three parts (a digital array and a processor have the first one only):

- cells and logic: n_adcs * rows * input bits * weight bits * e * s. Charging a capacitance takes C V^2, and C shrinks
  with the node, so a = 1 and b = 2 are expected (Dennard et al., JSSC 9(5), 1974); a digital array has a factor more, a
  processor another one;
- converters: n_adcs * (share of what the survey's converters take, ``silicon.adc_survey``) * (V / 0.9 V)^b;
- currents through the cells during the time t of an invocation, where columns sum currents: n_adcs * rows * I * V * t.

Its time is

    t = t_0 * (node / 28 nm)^p * (V / 0.9 V)^-q * (1 + w * rows / 64) * (1 + i * (input bits - 1))

with a factor for non-volatile cells, one for digital arrays (in which w = 0), and one for MRAM, whose small ratio of
resistances takes longer to sense. The more rows a column sums, the longer it takes to settle; inputs of several bits
are applied as pulses one after the other, or of several lengths.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neuronas.hardware.silicon.adc_survey import conversion_fj

Kind = Literal["SRAM", "eNVM", "digital array", "processor"]
KINDS: tuple[Kind, ...] = get_args(Kind)
REFERENCE_V, REFERENCE_NM = 0.9, 28.0
_REFERENCE_ROWS = 64.0
Array = NDArray[np.float64]
Constants = Mapping[str, float]


@dataclass(frozen=True)
class Prior:
    """Prior of a constant: mean and standard deviation."""

    mean: float
    deviation: float


ENERGY_PRIORS = {
    "node_exponent": Prior(1.0, 0.3),
    "supply_exponent": Prior(2.0, 0.5),
    "ln_operation_fj": Prior(-0.5, 2.0),
    "ln_digital_array": Prior(0.0, 1.0),
    "ln_processor": Prior(1.0, 2.0),
    "ln_adc": Prior(-2.0, 2.0),
    "ln_row_current_ua": Prior(0.0, 2.0),
}
"""Constants of the energy: a, b, logarithms of e, of the two factors, of the converters' share, and of I."""
TIME_PRIORS = {
    "node_exponent": Prior(0.5, 0.3),
    "supply_exponent": Prior(1.0, 1.0),
    "ln_time_ns": Prior(2.0, 3.0),
    "ln_envm": Prior(0.0, 1.0),
    "ln_digital": Prior(0.0, 1.0),
    "ln_rows": Prior(0.0, 1.0),
    "ln_input_bit": Prior(-1.0, 1.0),
    "ln_mram": Prior(0.0, 1.5),
}
"""Constants of the time: p, q, logarithms of t_0, of the three factors, of w and of i."""


@dataclass(frozen=True)
class Macros:
    """Arrays as columns [n].

    Attributes:
        kind: see ``KINDS``.
        node_nm: technology node.
        supply_v: supply voltage.
        rows: rows that one column sums at once.
        n_adcs: columns that are converted at the same time (of a digital array: that give a sum).
        input_bits: bits of an input per invocation.
        weight_bits: bits of a weight per column.
        adc_bits: bits of a conversion; not used for digital arrays.
        sums_currents: whether currents flow through the cells while a column is read.
        is_mram: whether its cells are magnetic.
    """

    kind: NDArray[np.str_]
    node_nm: Array
    supply_v: Array
    rows: Array
    n_adcs: Array
    input_bits: Array
    weight_bits: Array
    adc_bits: Array
    sums_currents: NDArray[np.bool_]
    is_mram: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Macros":
        return Macros(**{name: column[chosen] for name, column in vars(self).items()})

    @property
    def is_digital(self) -> NDArray[np.bool_]:
        """Whether nothing is converted from analog to digital."""
        return np.isin(self.kind, ("digital array", "processor"))

    @property
    def n_operations(self) -> Array:
        """Operations of an invocation, normalised to 1 bit: 2 for each row, column, input bit and weight bit."""
        return 2 * self.rows * self.n_adcs * self.input_bits * self.weight_bits


def operation_fj(macros: Macros, energy: Constants, time: Constants) -> Array:
    """Energy of an operation normalised to 1 bit, fJ, [n]: that of an invocation over ``n_operations``."""
    parts = operation_parts_fj(macros, energy, time)
    total: Array = sum(parts.values(), start=np.zeros(len(macros)))
    return total


def operation_parts_fj(macros: Macros, energy: Constants, time: Constants) -> dict[str, Array]:
    """Parts of ``operation_fj``: ``cells``, ``converters``, ``currents``."""
    supply = (macros.supply_v / REFERENCE_V) ** energy["supply_exponent"]
    scale = (macros.node_nm / REFERENCE_NM) ** energy["node_exponent"] * supply
    more = np.select(
        [macros.kind == "digital array", macros.kind == "processor"],
        [np.exp(energy["ln_digital_array"]), np.exp(energy["ln_processor"])],
        1.0,
    )
    cells = np.exp(energy["ln_operation_fj"]) * more * scale / 2
    n_converted = macros.rows * macros.input_bits * macros.weight_bits * 2
    conversion = np.exp(energy["ln_adc"]) * conversion_fj(macros.adc_bits, macros.node_nm) * supply
    current = np.exp(energy["ln_row_current_ua"]) * macros.supply_v * invocation_ns(macros, time)
    flows = macros.sums_currents & ~macros.is_digital
    return {
        "cells": cells,
        "converters": np.where(macros.is_digital, 0.0, conversion / n_converted),
        "currents": np.where(flows, current / (macros.input_bits * macros.weight_bits * 2), 0.0),
    }


def invocation_pj(macros: Macros, energy: Constants, time: Constants) -> Array:
    """Energy of an invocation, pJ, [n]."""
    return operation_fj(macros, energy, time) * macros.n_operations * 1e-3


def settling(macros: Macros, time: Constants) -> Array:
    """Time of an invocation over that of one that sums no rows, [n]: 1 + w * rows / 64; 1 of digital arrays."""
    more: Array = 1 + np.exp(time["ln_rows"]) * np.where(macros.is_digital, 0.0, macros.rows / _REFERENCE_ROWS)
    return more


def invocation_ns(macros: Macros, time: Constants) -> Array:
    """Time of an invocation, ns, [n]."""
    logarithm = (
        time["ln_time_ns"]
        + time["ln_envm"] * (macros.kind == "eNVM")
        + time["ln_digital"] * macros.is_digital
        + time["ln_mram"] * macros.is_mram
        + time["node_exponent"] * np.log(macros.node_nm / REFERENCE_NM)
        - time["supply_exponent"] * np.log(macros.supply_v / REFERENCE_V)
    )
    inputs = 1 + np.exp(time["ln_input_bit"]) * (macros.input_bits - 1)
    ns: Array = np.exp(logarithm) * settling(macros, time) * inputs
    return ns
