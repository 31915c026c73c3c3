"""Fits the model of the accuracy lost on chips to simulated pairs of networks and chips: ``ChipCalibration``.

    python benchmarks/fit_chip_loss.py

Tables in ``benchmarks/trained``: ``chips.csv`` (write variation), ``devices.csv`` (device models) and
``designs-digits.csv`` (designs of a front, one day after programming). The constants are fitted to all rows of the
first two. Their accuracy is measured on rows that were not fitted: each network by a fit to the others; ``devices.csv``
by a fit to ``chips.csv`` only, which has other networks and no device model; and the designs of the front, which are in
no fit. Half of the kinds of chips lose almost nothing, so all results are also given for those that lose at least
``LOST``.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import spearmanr

from chip_loss import BASE, TABLE as CHIPS
from common import write
from device_loss import DAY, TABLE as DEVICES
from fit_firing_rate import write_calibration
from narrow_networks import OTHERS as FRONT
from neuronas.fitness.calibration import ChipCalibration, kept_by_noise
from neuronas.fitness.expected_error import network_noise
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.chip_noise import LayerNoise
from neuronas.hardware.circuits import SIGN_COLUMNS
from neuronas.hardware.device_model import load_device_model
from neuronas.hardware.scaling import ChipArrays
from neuronas.hardware.sweep import vary

DATASET, N_CLASSES, LOST = "digits", 10, 0.02
DEVICE = "rram-wan-2022"
"""Device model of the designs of the front."""
FORMS: Mapping[str, tuple[bool, bool]] = {
    "systematic errors weighted": (True, False),
    "all errors alike": (False, False),
    "all errors alike, with those common to all filters": (False, True),
}
"""Whether systematic errors have a weight, and whether errors that all filters have in common count. The calibration
uses the first."""
FORM = next(iter(FORMS))
Array = NDArray[np.float64]
Row = Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """Rows with an accuracy above chance.

    Attributes:
        source: name of each row's file.
        network: name of each row's network.
        cell_bits: bits per cell.
        own: random errors of the layers, independent between filters.
        systematic: systematic errors of the layers.
        shared: errors of the layers that are common to all filters.
        kept: share of the accuracy above chance that is kept on the chips.
    """

    source: NDArray[np.str_]
    network: NDArray[np.str_]
    cell_bits: Array
    own: Array
    systematic: Array
    shared: Array
    kept: Array

    @property
    def noise(self) -> LayerNoise:
        """Noise of the layers."""
        return LayerNoise(self.own, self.systematic, self.shared)

    def only(self, chosen: NDArray[np.bool_]) -> "Table":
        """A selection of the rows."""
        return Table(*(values[chosen] for values in vars(self).values()))


def read() -> Table:
    """Read the tables, and compute the ratio of each row."""
    base = load_accelerator(BASE)
    found = []
    for row in _rows(CHIPS):
        chip = vary(base, "device.write_variation", float(row["write_variation"]))
        found.append(_read("chips", f"chips {row['network']}", row, chip, float(row["n_sign_columns"]), None))
    for row in _rows(DEVICES):
        chip = with_model(base, row["device_model"])
        found.append(
            _read(
                row["device_model"],
                f"narrow {row['network']}",
                row,
                chip,
                float(row["n_sign_columns"]),
                float(row["after_s"]),
            )
        )
    chip = with_model(base, DEVICE)
    for row in _rows(FRONT):
        network = " ".join(row[name] for name in ("architecture", "channels", "timesteps", "weight_bits"))
        found.append(_read("front", network, row, chip, SIGN_COLUMNS[row["sign_scheme"]], DAY))
    return Table(*map(np.array, zip(*found, strict=True)))


def _rows(path: Path) -> Iterator[Row]:
    yield from csv.DictReader(path.read_text(encoding="utf-8").splitlines())


def with_model(base: Accelerator, name: str) -> Accelerator:
    """An accelerator whose device has a measured model."""
    assert base.device is not None
    device = base.device.model_copy(update={"model": load_device_model(name)})
    return base.model_copy(update={"device": device})


def chip_arrays(row: Row, n_sign_columns: float) -> ChipArrays:
    """The arrays in a row of a table."""
    names = ("crossbar_size", "rows_per_read", "bits_per_cell", "adc_bits", "crossbar_size")
    return ChipArrays(*(np.array([value]) for value in (*(float(row[name]) for name in names), n_sign_columns)))


def _read(
    source: str, network: str, row: Row, chip: Accelerator, n_sign_columns: float, after_s: float | None
) -> tuple[str, str, float, float, float, float, float]:
    weight_bits, channels = (int(float(row[name])) for name in ("weight_bits", "channels"))
    noise = network_noise(chip, chip_arrays(row, n_sign_columns), weight_bits, channels, after_s)
    chance = 1 / N_CLASSES
    kept = (float(row["chip_accuracy"]) - chance) / (float(row["accuracy"]) - chance)
    parts = (float(one[0]) for one in (noise.own, noise.systematic, noise.shared))
    return source, network, float(row["bits_per_cell"]), *parts, kept


def fitted(table: Table, form: str) -> Array:
    """Constants of a form of ``FORMS`` by least squares of the kept share.

    Returns:
        middle and scale of the logistic function in dB, and the weight of systematic errors.
    """
    n = 3 if FORMS[form][0] else 2
    start, low, high = [5.0, 3.0, 2.0], [-20, 0.1, 0], [30, 20, 100]

    def whole(free: Array) -> Array:
        return np.array([*free, 1.0][:3])

    found = least_squares(
        lambda free: forecast(whole(free), table, form) - table.kept, start[:n],
        bounds=(low[:n], high[:n]), loss="soft_l1", f_scale=0.1,
    )  # fmt: skip
    return whole(found.x)


def forecast(constants: Array, table: Table, form: str) -> Array:
    """Predicted kept share."""
    middle, scale, systematic = constants
    ratio = table.noise.snr_db if FORMS[form][1] else table.noise.weighted_db(systematic)
    return kept_by_noise(middle, scale, ratio)


def left_out(table: Table, form: str) -> Array:
    """Predictions for each network by a fit to the others."""
    found = np.zeros_like(table.kept)
    for network in np.unique(table.network):
        own = table.network == network
        found[own] = forecast(fitted(table.only(~own), form), table.only(own), form)
    return found


def agreement(expected: Array, table: Table) -> dict[str, object]:
    """Errors of the predictions, for all rows and for those with a loss."""

    def of(chosen: NDArray[np.bool_]) -> dict[str, float | int | None]:
        off, own = np.abs(expected - table.kept)[chosen], table.kept[chosen]
        return {
            "n": len(own),
            "mean expected": round(float(expected[chosen].mean()), 3),
            "mean measured": round(float(own.mean()), 3),
            "rho": round(float(spearmanr(expected[chosen], own).statistic), 3) if len(np.unique(own)) > 2 else None,
            "median_off": round(float(np.median(off)), 4),
            "off_of_9_in_10": round(float(np.quantile(off, 0.9)), 4),
        }

    return {
        **of(np.ones(len(expected), dtype=np.bool_)),
        f"that lose at least {LOST:.0%}": of(table.kept < 1 - LOST),
        "cells of several bits": of(table.cell_bits > 1),
    }


def results_of(table: Table, form: str) -> dict[str, object]:
    """Constants and their accuracy."""
    is_front, is_own = table.source == "front", table.source == "chips"
    in_fit, front, own = table.only(~is_front), table.only(is_front), table.only(is_own)
    constants, apart = fitted(in_fit, form), left_out(in_fit, form)
    results: dict[str, object] = {
        "middle_db": round(float(constants[0]), 3),
        "scale_db": round(float(constants[1]), 3),
        "weight of systematic errors": round(float(constants[2]), 3),
        "each network by the others": agreement(apart, in_fit),
        "designs of the front": agreement(forecast(constants, front, form), front),
    }
    for source in np.unique(in_fit.source):
        chosen = in_fit.source == source
        results[f"each network by the others, {source}"] = agreement(apart[chosen], in_fit.only(chosen))
        if source != "chips":
            one = in_fit.only(chosen)
            results[f"{source} by a fit to chips"] = agreement(forecast(fitted(own, form), one, form), one)
    return results


def main() -> None:
    """Fit, report and write."""
    table = read()
    results = {form: results_of(table, form) for form in FORMS}
    in_fit = table.only(table.source != "front")
    apart = left_out(in_fit, FORM)
    off, (middle, scale, systematic) = np.abs(apart - in_fit.kept), map(float, fitted(in_fit, FORM))
    chips = ChipCalibration(
        dataset=DATASET,
        middle_db=round(middle, 3),
        scale_db=round(scale, 3),
        systematic=round(systematic, 3),
        n_pairs=len(off),
        n_networks=len(np.unique(in_fit.network)),
        rho=round(float(spearmanr(apart, in_fit.kept).statistic), 3),
        median_off=round(float(np.median(off)), 4),
        off_of_9_in_10=round(float(np.quantile(off, 0.9)), 4),
    )
    write_calibration(chips=chips)
    for form, one in results.items():
        for name, value in one.items():
            print(f"{form}: {name} {value}")
    write("fit_chip_loss", {"dataset": DATASET, **results})


if __name__ == "__main__":
    main()
