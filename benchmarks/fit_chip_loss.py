"""Fits what chips leave of the accuracy above chance to ``benchmarks/trained/chips.csv``: see ``ChipCalibration``.

    python benchmarks/fit_chip_loss.py

The two constants come from all rows. The rank correlation and the errors come from forecasts for each network by a fit
to the other networks. Half of the kinds of chips lose next to nothing, so both are also given for those that lose at
least ``LOST``.
"""

import csv
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import spearmanr

from chip_loss import BASE, TABLE
from common import write
from fit_firing_rate import CALIBRATION
from neuronas.fitness.calibration import ChipCalibration, calibration
from neuronas.fitness.expected_error import layer_snr_db
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.scaling import ChipArrays
from neuronas.hardware.sweep import vary

DATASET, N_CLASSES, LOST = "digits", 10, 0.02
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Rows with an accuracy far above chance.

    Attributes:
        network: number of each row's network.
        ratio: signal to noise of its layers, dB.
        kept: share of the accuracy above chance that the chips kept.
    """

    network: NDArray[np.int64]
    ratio: Array
    kept: Array


def read() -> Table:
    """Read the table, and compute the ratio of each row."""
    base, chance = load_accelerator(BASE), 1 / N_CLASSES
    found = []
    for row in csv.DictReader(TABLE.read_text().splitlines()):
        names = ("crossbar_size", "rows_per_read", "bits_per_cell", "adc_bits", "crossbar_size", "n_sign_columns")
        arrays = ChipArrays(*(np.array([float(row[name])]) for name in names))
        chip = vary(base, "device.write_variation", float(row["write_variation"]))
        ratio = layer_snr_db(chip, arrays, int(row["weight_bits"]), int(row["channels"]))
        kept = (float(row["chip_accuracy"]) - chance) / (float(row["accuracy"]) - chance)
        found.append((int(row["network"]), float(ratio[0]), kept))
    network, ratio, kept = zip(*found, strict=True)
    return Table(np.array(network), np.array(ratio), np.array(kept))


def fitted(ratio: Array, kept: Array) -> tuple[float, float]:
    """Middle and scale of the logistic function, by least squares of what is kept."""

    def off(constants: Array) -> Array:
        middle, scale = constants
        return 1 / (1 + np.exp(np.clip((middle - ratio) / scale, -500, 500))) - kept

    middle, scale = least_squares(
        off, np.array([2.0, 2.0]), bounds=([-20, 0.1], [30, 20]), loss="soft_l1", f_scale=0.1
    ).x
    return float(middle), float(scale)


def main() -> None:
    """Fit, report, write."""
    table = read()
    forecast = np.zeros_like(table.kept)
    for network in np.unique(table.network):
        own = table.network == network
        middle, scale = fitted(table.ratio[~own], table.kept[~own])
        forecast[own] = 1 / (1 + np.exp((middle - table.ratio[own]) / scale))
    off, lossy = np.abs(forecast - table.kept), table.kept < 1 - LOST
    middle, scale = fitted(table.ratio, table.kept)
    chips = ChipCalibration(
        dataset=DATASET,
        middle_db=round(middle, 3),
        scale_db=round(scale, 3),
        n_pairs=len(table.kept),
        n_networks=len(np.unique(table.network)),
        rho=round(float(spearmanr(forecast, table.kept).statistic), 3),
        median_off=round(float(np.median(off)), 4),
        off_of_9_in_10=round(float(np.quantile(off, 0.9)), 4),
    )
    lost = {
        "n": int(lossy.sum()),
        "rho": round(float(spearmanr(forecast[lossy], table.kept[lossy]).statistic), 3),
        "median_off": round(float(np.median(off[lossy])), 4),
        "off_of_9_in_10": round(float(np.quantile(off[lossy], 0.9)), 4),
    }
    own_rho = [
        round(float(spearmanr(forecast[own], table.kept[own]).statistic), 3)
        for own in (table.network == network for network in np.unique(table.network))
    ]
    everything = calibration().model_copy(update={"chips": chips})
    CALIBRATION.write_text(everything.model_dump_json(indent=1) + "\n", encoding="utf-8")
    results = chips.model_dump() | {f"that lose at least {LOST:.0%}": lost, "rho within each network": own_rho}
    print(results)
    write("fit_chip_loss", results)


if __name__ == "__main__":
    main()
