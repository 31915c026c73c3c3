"""Measures how far the expected error of whole designs is off: the interval that ``design --design`` prints.

    python benchmarks/fit_front_error.py RUNS

The designs in ``benchmarks/trained/front-digits.csv`` were trained, and simulated on chips a day after programming.
None was used in a fit. Designs of one network are not independent, so each network counts once, by its worst design;
the half-width is that of the 90 % split conformal interval. Writes ``FrontCalibration``. ``RUNS`` keeps a survey of
digits.
"""

import argparse
import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from chip_loss import BASE
from common import write
from device_loss import DAY
from fit_accuracy import quantile
from fit_chip_loss import DEVICE, chip_arrays, with_model
from fit_firing_rate import write_calibration
from narrow_networks import DATASET, FITTEST, N_CLASSES, TRAINED, Survey
from neuronas.fitness.calibration import FrontCalibration
from neuronas.fitness.expected_error import ErrorPrior
from neuronas.fitness.network_error import error_after_loss
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.circuits import SIGN_COLUMNS
from neuronas.space.notation import parse_architecture

TABLE = TRAINED / "front-digits.csv"
Row = Mapping[str, str]


def expected(row: Row, chip: Accelerator, fitness: float, n_weights: int) -> float:
    """Expected accuracy of a design on chips."""
    prior = ErrorPrior(FITTEST, N_CLASSES, DAY)
    channels, timesteps, weight_bits = (int(float(row[name])) for name in ("channels", "timesteps", "weight_bits"))
    network = prior.network(np.array([fitness]), np.array([n_weights]), channels, timesteps, weight_bits)
    kept = prior.kept(chip, chip_arrays(row, SIGN_COLUMNS[row["sign_scheme"]]), weight_bits, channels)
    return float(1 - error_after_loss(network, kept, N_CLASSES)[0])


def main() -> None:
    """Measure, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    survey = Survey(parser.parse_args().runs / "survey")
    rows = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))
    texts = sorted({row["architecture"] for row in rows})
    architectures = {text: parse_architecture(text) for text in texts}
    fitness = dict(zip(texts, survey.fitness(list(architectures.values())), strict=True))
    chip = with_model(load_accelerator(BASE), DEVICE)
    worst: dict[tuple[str, ...], float] = {}
    off: list[float] = []
    for row in rows:
        text = row["architecture"]
        n_weights = survey.n_weights(architectures[text], int(float(row["channels"])))
        value, measured = expected(row, chip, fitness[text], n_weights), float(row["chip_accuracy"])
        network = (text, *(row[name] for name in ("channels", "timesteps", "weight_bits")))
        off.append(value - measured)
        worst[network] = max(worst.get(network, 0.0), abs(off[-1]))
        print(row["search"], network, f"expected {value:.3f}, measured {measured:.3f}", flush=True)
    front = FrontCalibration(
        dataset=DATASET,
        n_designs=len(rows),
        n_networks=len(worst),
        median_off=round(float(np.median(np.abs(off))), 4),
        half_width=round(quantile(np.array(list(worst.values()))), 4),
    )
    write_calibration(front=front)
    by_search = {
        search: round(float(np.mean([one for one, row in zip(off, rows, strict=True) if row["search"] == search])), 4)
        for search in sorted({row["search"] for row in rows})
    }
    write("fit_front_error", {**front.model_dump(), "mean expected minus measured": by_search})


if __name__ == "__main__":
    main()
