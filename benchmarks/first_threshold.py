"""Does the resolution of the images decide whether the first neurons should be sensitive or selective?

    python benchmarks/first_threshold.py --cifar10 imagefolder:DIR

On CIFAR-10 and CIFAR-100 (32x32, stem of stride 1) networks of SpikeNAS-Bench gain from a low threshold of the first
neurons of a path, on TinyImageNet (64x64, stride 2) from a high one. Chains of three convolutions per cell with low and
high first and last thresholds are trained on the same images at two resolutions, with several seeds; the training is
that of ``trained_networks.py``. Prediction, written before the run: if the redundancy of neighbouring pixels decides,
the gain from a low first threshold is smaller at 16x16 than at 32x32.
"""

import argparse
import csv
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import product
from multiprocessing import get_context

import numpy as np

from common import write
from trained_networks import COLUMNS, EPOCHS, TABLE, TASKS, Row, Trained, train

TRAINED = TABLE.with_name("first_threshold.csv")
SEEDS, SIDES, THRESHOLDS = (0, 1, 2), (16, 32), (0.5, 1.5)


def plan() -> Iterator[Row]:
    """All trainings."""
    task = TASKS["cifar10"]
    for seed, side, first, last in product(SEEDS, SIDES, THRESHOLDS, THRESHOLDS):
        cell = f"|conv_3x3@{first:g}~0|+|none~0|conv_3x3@1~1|+|none~0|none~1|conv_3x3@{last:g}~2|"
        name = f"first{first:g}-last{last:g}-{side}-s{seed}"
        yield Row(name, task.name, "spikenas-bench", cell, 6, task.channels, side, task.n_training, EPOCHS, 8, 2, seed)


def read() -> list[dict[str, str]]:
    """The rows that are there."""
    if not TRAINED.is_file():
        return []
    with TRAINED.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def effects(rows: list[dict[str, str]]) -> dict[str, dict[str, list[float]]]:
    """Accuracy with the high minus that with the low threshold: mean and standard deviation over seeds, in points."""
    found: dict[str, dict[str, list[float]]] = {}
    for side, which in product(SIDES, ("first", "last")):
        by_seed = []
        for seed in SEEDS:
            own = [row for row in rows if row["image_side"] == str(side) and row["seed"] == str(seed)]
            high, low = (
                np.mean([float(row["test_accuracy"]) for row in own if f"{which}{threshold:g}" in row["id"]])
                for threshold in reversed(THRESHOLDS)
            )
            by_seed.append(high - low)
        found.setdefault(f"{side}x{side}", {})[which] = [round(float(f(by_seed)), 2) for f in (np.mean, np.std)]
    return found


def main() -> None:
    """Train what is missing, then compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar10", required=True, help="imagefolder:DIR")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    there = {row["id"] for row in read()}
    missing = [row for row in plan() if row.id not in there]
    with TRAINED.open("a", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if not there:
            table.writeheader()
        with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
            trainings: Iterator[Trained] = pool.map(train, missing, [given.cifar10] * len(missing))
            for done in trainings:
                table.writerow(asdict(done))
                file.flush()
                print(done.id, done.test_accuracy, done.training_accuracy, done.seconds, flush=True)
    found = effects(read())
    print(found)
    write("first_threshold", {"points_of_high_minus_low": found})


if __name__ == "__main__":
    main()
