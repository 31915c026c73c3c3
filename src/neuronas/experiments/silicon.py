"""Measured compute-in-memory chips and their estimates, each with constants calibrated on other papers.

For each paper of the table in the package, the laws of an array (``hardware.silicon.macro``) are calibrated on all
other papers. Chips from a file whose papers are not in the table are estimated with constants of the whole table.
Intervals come from the residuals of other papers with the same kind of array.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from neuronas.experiments.silicon_result import (
    ENERGY,
    LEVEL,
    TIME,
    ChipRow,
    Quantity,
    SiliconResult,
    UnjudgedFigure,
    scores,
)
from neuronas.experiments.study import experiments
from neuronas.hardware.silicon.chips import NUMBERS, Chip, bundled_chips, read_chips
from neuronas.hardware.silicon.fit import (
    FittedConstants,
    MeasuredChips,
    calibrated,
    energy_of,
    time_of,
    weights_of,
    without_each_paper,
)
from neuronas.hardware.silicon.macro import KINDS, Array, Kind, Macros, invocation_ns, operation_fj
from neuronas.hardware.silicon.spread import Spread

_MEASURE = {ENERGY: energy_of, TIME: time_of}
_RIDGE = 1e-6  # coefficients of kinds without rows are 0
_NOT_MEASURED = {ENERGY: NUMBERS["tops_per_w"][0], TIME: NUMBERS["time_ns"][0]}


def regression(measured: MeasuredChips, macros: Macros) -> Array:
    """Natural logarithm of the quantity of arrays, [n], by a baseline for the laws: kind, node and bits alone.

    Least squares of the logarithm on the kind of array and on the logarithms of node, input bits and weight bits. Each
    paper has the same weight. Including the kind makes the baseline stronger.

    Args:
        measured: chips that the regression is calibrated on.
        macros: arrays to estimate.
    """
    features, weights = _features(measured.macros), measured.weights
    square = features.T @ (features * weights[:, None]) + _RIDGE * np.eye(features.shape[1])
    found: Array = _features(macros) @ np.linalg.solve(square, features.T @ (weights * measured.logarithm))
    return found


def _features(macros: Macros) -> Array:
    kinds = [macros.kind == kind for kind in KINDS]
    bits = [np.nan_to_num(np.log(one), nan=0.0) for one in (macros.input_bits, macros.weight_bits)]
    return np.stack([*kinds, np.log(macros.node_nm), *bits], axis=1, dtype=np.float64)


@dataclass(frozen=True)
class Judged:
    """Rows of one quantity: residuals of the law and of the baseline, both calibrated without the row's paper.

    Attributes:
        measured: the rows.
        residuals: natural logarithm of measured over estimated, [n].
        baseline: natural logarithm of measured over the estimate of the baseline, [n].
    """

    measured: MeasuredChips
    residuals: Array
    baseline: Array

    def spread(self, kind: Kind, without: str | None = None) -> Spread | None:
        """Spread of the residuals of a kind, without those of one paper; None if no row is left."""
        chosen = (self.measured.macros.kind == kind) & (self.measured.papers != without)
        if not chosen.any():
            return None
        return Spread.of(self.residuals[chosen], weights_of(self.measured.papers[chosen]))


def run(path: Path | None = None) -> SiliconResult:
    """Compare estimates with the table in the package, or with a file with the same columns.

    Args:
        path: path of the CSV file; None: the table in the package.

    Raises:
        ConfigurationError: see ``read_chips``.
    """
    chips = None if path is None else read_chips(path)
    table = bundled_chips()
    known = {quantity: _of_table(quantity) for quantity in _MEASURE}
    own = known if chips is None else {one: judged(chips, one) for one in _MEASURE}
    rows = [row for quantity in _MEASURE for row in _rows(own[quantity], known[quantity], quantity)]
    about = experiments()["silicon"]
    return SiliconResult(
        source=about.source,
        chips="imc-chips.csv (comes with neuronas)" if path is None else str(path),
        n_chips=len(chips or table),
        level=LEVEL,
        **scores(rows),
        rows=tuple(rows),
        left_out=tuple(_left_out(chips or table)),
    )


def judged(chips: Sequence[Chip], quantity: Quantity) -> Judged:
    """Residuals of chips; law and baseline are calibrated on the table in the package, without the row's own paper.

    Args:
        chips: chips to estimate.
        quantity: energy or time.
    """
    measured, known = (MeasuredChips.of(some, _MEASURE[quantity]) for some in (chips, bundled_chips()))
    whole, without = _constants()
    estimated, simple = np.empty(len(measured.chips)), np.empty(len(measured.chips))
    for paper in dict.fromkeys(measured.papers):
        own = measured.papers == paper
        constants = without.get(paper, whole)
        macros = measured.macros[own]
        if quantity == ENERGY:
            estimated[own] = np.log(operation_fj(macros, constants.energy, constants.time))
        else:
            estimated[own] = np.log(invocation_ns(macros, constants.time))
        simple[own] = regression(known.without(paper), macros)
    return Judged(measured, measured.logarithm - estimated, measured.logarithm - simple)


def residuals_by_kind(quantity: Quantity) -> dict[Kind, Spread]:
    """Spread of the residuals of the table's rows by kind, as stored in ``calibration.json``."""
    found = _of_table(quantity)
    return {kind: spread for kind in KINDS if (spread := found.spread(kind)) is not None}


@cache
def _constants() -> tuple[FittedConstants, dict[str, FittedConstants]]:
    """Constants calibrated on the table in the package, and without each of its papers."""
    table = bundled_chips()
    return calibrated(table), dict(without_each_paper(table))


@cache
def _of_table(quantity: Quantity) -> Judged:
    """The rows of the table in the package."""
    return judged(bundled_chips(), quantity)


def _rows(own: Judged, known: Judged, quantity: Quantity) -> list[ChipRow]:
    rows = []
    for chip, paper, logarithm, off, baseline in zip(
        own.measured.chips,
        own.measured.papers,
        own.measured.logarithm,
        own.residuals,
        own.baseline,
        strict=True,
    ):
        spread = known.spread(chip.kind, paper)
        rows.append(
            ChipRow.of(
                chip,
                quantity,
                estimated=float(np.exp(logarithm - off)),
                baseline=float(np.exp(logarithm - baseline)),
                within=None if spread is None else spread.within(LEVEL),
            )
        )
    return rows


def _left_out(chips: Sequence[Chip]) -> list[UnjudgedFigure]:
    found = []
    for chip in chips:
        missing = chip.missing
        for quantity, measure in _MEASURE.items():
            lacks = missing or ([] if np.isfinite(measure(chip)) else [_NOT_MEASURED[quantity]])
            if lacks:
                found.append(
                    UnjudgedFigure(row=chip.row, chip=chip.name, quantity=quantity, reason=f"no {', '.join(lacks)}")
                )
    return found
