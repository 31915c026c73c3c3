"""The chips of a design space: every combination of the axes' values that can be built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.circuits import SIGN_COLUMNS, sign_scheme_of
from neuronas.hardware.cost import Array
from neuronas.hardware.design_space import FREE, SCHEDULES, DesignSpace
from neuronas.hardware.mapped.latency import Schedule
from neuronas.hardware.mapped.mapping import sliced_bits
from neuronas.hardware.scaling import ChipArrays

MOST_CHIPS = 5_000_000
"""Maximum number of combinations, which limits memory."""
Values = Mapping[str, tuple[Any, ...]]
Columns = Mapping[str, Array]


def _holds_the_row(columns: Columns, base: Accelerator, weight_bits: int) -> NDArray[np.bool_]:
    allowed: NDArray[np.bool_] = columns["rows_per_read"] <= columns["crossbar_size"]
    return allowed


def _shares_columns(columns: Columns, base: Accelerator, weight_bits: int) -> NDArray[np.bool_]:
    allowed: NDArray[np.bool_] = columns["crossbar_size"] % columns["adcs_per_array"] == 0
    return allowed


def _has_slices(columns: Columns, base: Accelerator, weight_bits: int) -> NDArray[np.bool_]:
    sliced = np.maximum(1, sliced_bits(weight_bits, columns["sign_scheme"]))
    allowed: NDArray[np.bool_] = columns["bits_per_cell"] <= sliced
    return allowed


def _stores_levels(columns: Columns, base: Accelerator, weight_bits: int) -> NDArray[np.bool_]:
    is_sram = base.macro is not None and base.macro.cell == "sram"
    allowed: NDArray[np.bool_] = (columns["bits_per_cell"] == 1) | (not is_sram)
    return allowed


RULES: Mapping[str, Callable[[Columns, Accelerator, int], NDArray[np.bool_]]] = {
    "rows_per_read above crossbar_size": _holds_the_row,
    "adcs_per_array that does not divide crossbar_size": _shares_columns,
    "bits_per_cell above the bits that a column's slices have": _has_slices,
    "bits_per_cell above 1 in an SRAM cell": _stores_levels,
}
"""Rules for valid combinations, by the name of the violation. A combination counts for the first violated rule."""


@dataclass(frozen=True)
class Chips:
    """The chips of a design space for one lowest weight precision, without the schedule.

    Attributes:
        arrays: arrays of the n chips.
        replication: [n] copies of each layer's weights.
        schedules: available schedules.
        n_combinations: number of combinations of all axes, including the schedule.
        excluded: number of invalid combinations, by rule.
    """

    arrays: ChipArrays
    replication: Array
    schedules: tuple[Schedule, ...]
    n_combinations: int
    excluded: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.replication)

    def only(self, chosen: NDArray[np.intp] | slice) -> "Chips":
        """A subset of the chips."""
        return replace(self, arrays=self.arrays[chosen], replication=self.replication[chosen])

    def values(self, number: int) -> dict[str, Any]:
        """Values of the axes of one chip, by name of the axis in the design space."""
        found: dict[str, Any] = {name: int(getattr(self.arrays, name)[number]) for name in _ARRAYS}
        scheme = sign_scheme_of(self.arrays.n_sign_columns[number])
        return found | {"sign_scheme": scheme, "replication": int(self.replication[number])}


_ARRAYS = ("crossbar_size", "rows_per_read", "bits_per_cell", "adc_bits", "adcs_per_array")


def axis_values(space: DesignSpace, base: Accelerator, replication: int, schedule: Schedule) -> Values:
    """The values of each axis of the chip; an omitted axis has the value of the accelerator or the settings.

    Raises:
        ConfigurationError: there are too many combinations, or converters vary but the accelerator includes their cost
            in other components.
    """
    own = ChipArrays.of(base)
    as_is: dict[str, Any] = {name: int(getattr(own, name)[0]) for name in _ARRAYS}
    as_is |= {"sign_scheme": sign_scheme_of(own.n_sign_columns[0]), "replication": replication, "schedule": schedule}
    found = {name: space.values(name) or (value,) for name, value in as_is.items()}
    if space.crossbar_size is not None and space.rows_per_read is None and base.crossbar.rows_per_read is None:
        raise ConfigurationError(
            "crossbar_size given without rows_per_read, and the accelerator reads all rows at once; expected both"
        )
    contained = [name for name in ("adc_bits", "adcs_per_array") if found[name] != (as_is[name],)]
    if contained and not base.adc.area_um2:
        raise ConfigurationError(
            f"{contained[0]} given for an accelerator whose adc.area_um2 is 0, contained in its cells; expected an "
            "accelerator that has it apart, such as spikeflow-rram"
        )
    n = prod(map(len, found.values()))
    if n > MOST_CHIPS:
        raise ConfigurationError(f"{n:,} combinations of the chip's axes given; expected at most {MOST_CHIPS:,}")
    return found


def design_chips(values: Values, base: Accelerator, weight_bits: int) -> Chips:
    """All combinations that can be built.

    Args:
        values: see ``axis_values``.
        base: the accelerator whose arrays are changed.
        weight_bits: lowest weight bits of the networks.
    """
    columns = _columns(values)
    kept = np.ones(len(columns["replication"]), dtype=bool)
    excluded, n_schedules = {}, len(values["schedule"])
    for name, rule in RULES.items():
        allowed = rule(columns, base, weight_bits)
        excluded[name] = int((kept & ~allowed).sum()) * n_schedules
        kept &= allowed
    arrays = {name: columns[name][kept] for name in _ARRAYS}
    return Chips(
        arrays=ChipArrays(**arrays, n_sign_columns=columns["sign_scheme"][kept]),
        replication=columns["replication"][kept],
        schedules=tuple(one for one in SCHEDULES if one in values["schedule"]),
        n_combinations=len(kept) * n_schedules,
        excluded={name: n for name, n in excluded.items() if n},
    )


def nearest_chip(values: Values, base: Accelerator, weight_bits: Sequence[int]) -> dict[str, Any] | None:
    """The smallest set of axes to change, to values of ``design_space.FREE``, so that a chip can be built.

    Returns:
        the changed axes with their new values; None if there is no such set.
    """
    for n_changed in range(1, len(values)):
        for names in combinations(values, n_changed):
            wider = {**values, **{name: FREE[name] for name in names}}
            for bits in weight_bits:
                chips = design_chips(wider, base, bits)
                if len(chips):
                    found = chips.values(0)
                    return {name: found.get(name, chips.schedules[0]) for name in names}
    return None


def _columns(values: Values) -> dict[str, Array]:
    names = [name for name in values if name != "schedule"]
    numbers = [
        [float(SIGN_COLUMNS[value] if name == "sign_scheme" else value) for value in values[name]] for name in names
    ]
    grid = np.meshgrid(*numbers, indexing="ij")
    return {name: axis.ravel() for name, axis in zip(names, grid, strict=True)}
