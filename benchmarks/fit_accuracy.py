"""Fits the interval of expected accuracy for a fitness to tables of trained networks, and reports its coverage.

    python benchmarks/fit_accuracy.py --labels CIFAR10.csv CIFAR100.csv TINY.csv --dataset imagefolder:DIR

Split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Lei et al., JASA
113, 2018): a line is fitted to one half of the functions (least squares, Huber), and the half-width is a quantile of
the residuals of the other half. Rows that compute the same function are always in the same half. Coverage is measured
separately, on 100 random splits of the functions into thirds: line, half-width, test. Only the fit is written to
``calibration.json``. Spikes are computed with ``--channels`` channels and one batch of training images, the same for
all tables; ``path-and-size`` is that of the tables' networks, which have 128 channels. From tables with more than
``--functions`` functions, that many are drawn, with all their rows. The engine's measurements are kept in ``build/``,
to fit again with other constants of the fitness.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from common import write
from fit_firing_rate import write_calibration
from fit_path_information import Function, dataset_of, reading_parser, record
from neuronas.data.datasets import open_dataset
from neuronas.experiments.labels import read_labels
from neuronas.experiments.ranking import agreement
from neuronas.experiments.structure import longest_path
from neuronas.fitness.calibration import AccuracyCalibration, calibration
from neuronas.fitness.measure import Task, for_task, rule_of
from neuronas.fitness.measures import BUILTIN
from neuronas.fitness.path_and_size import PathAndSize
from neuronas.fitness.path_information import PathInformation
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape

Floats = NDArray[np.float64]
LEVEL, N_SPLITS = 0.9, 100
FITNESS = ("path-information", "path-and-size")
CHANNELS, TIMESTEPS, BITS = 128, 5, 8
"""Width and time steps of the tables' networks; bits of the weights, whose effect is negligible."""
BUILD = Path(__file__).parents[1] / "build"


class Table:
    """Rows of a table: accuracy in percent, index of the function, depth; values of the measures."""

    def __init__(self, path: Path, given: argparse.Namespace):
        rows = read_labels(path)
        drawn = dict.fromkeys(architecture_key(row.architecture) for row in rows)
        if len(drawn) > given.functions:
            drawn = dict.fromkeys(Random(given.seed).sample(list(drawn), given.functions))
        rows = [row for row in rows if architecture_key(row.architecture) in drawn]
        self.dataset = dataset_of(path)
        self.accuracy = np.array([row.accuracy for row in rows])
        self.depth = np.array([longest_path(row.architecture, row.n_cells) for row in rows])
        keys = [architecture_key(row.architecture) for row in rows]
        order = {key: place for place, key in enumerate(drawn)}
        self.functions = np.array([order[key] for key in keys])
        kept = BUILD / f"entropies-{self.dataset}-{given.channels}-{given.functions}.json"
        if not kept.exists():
            read = record(rows, given)
            BUILD.mkdir(exist_ok=True)
            kept.write_text(json.dumps([[order[key], one.entropies] for key, one in read.items()]), encoding="utf-8")
        first = {key: row.architecture.cells[0] for key, row in reversed(list(zip(keys, rows, strict=True)))}
        self._cells = {order[key]: cell for key, cell in first.items()}  # read by ``record``, not an equivalent one
        self._entropies = dict(json.loads(kept.read_text(encoding="utf-8")))
        opened = open_dataset(self.dataset)
        self._task = Task(NetworkShape(3, opened.image_size, opened.n_classes, CHANNELS, head="gap"), TIMESTEPS, BITS)

    def measured(self, name: str) -> "Measured":
        """The fitness of all rows by a measure, ``path-information`` or ``path-and-size``."""
        measure = for_task(BUILTIN[name], self._task)
        paths = measure.paths if isinstance(measure, PathAndSize) else measure
        assert isinstance(paths, PathInformation)
        values = {
            number: Function(cell, self._entropies[number]).value(paths.coefficients)
            for number, cell in self._cells.items()
        }
        if isinstance(measure, PathAndSize):
            values = {
                number: measure.sized(value, Architecture((self._cells[number],))) for number, value in values.items()
            }
        return Measured(self, name, rule_of(measure), np.array([values[number] for number in self.functions]))


@dataclass(frozen=True)
class Measured:
    """A table and the fitness of its rows by one measure."""

    table: Table
    name: str
    rule: str
    fitness: Floats


def line(fitness: Floats, accuracy: Floats) -> tuple[float, float]:
    """Slope and intercept by iteratively reweighted least squares with Huber's weights (limit 1 point)."""
    weights = np.ones(len(fitness))
    for _ in range(20):
        slope, intercept = np.polyfit(fitness, accuracy, 1, w=np.sqrt(weights))
        weights = np.minimum(1, 1 / np.maximum(np.abs(accuracy - slope * fitness - intercept), 1e-9))
    return float(slope), float(intercept)


def quantile(residuals: Floats) -> float:
    """The conformal quantile: the ceil((n + 1) LEVEL)-th smallest residual.

    Raises:
        SystemExit: too few residuals for this level.
    """
    place = int(np.ceil((len(residuals) + 1) * LEVEL))
    if place > len(residuals):
        raise SystemExit(f"{len(residuals)} residuals given; expected more for intervals of {LEVEL:.0%}")
    return float(np.sort(residuals)[place - 1])


def calibrated(of: Measured, on: NDArray[np.bool_], rest: NDArray[np.bool_]) -> AccuracyCalibration:
    """The line from rows ``on``, the half-width from ``rest``."""
    table, fitness = of.table, of.fitness
    slope, intercept = line(fitness[on], table.accuracy[on])
    residuals = table.accuracy[rest] - slope * fitness[rest] - intercept
    random = np.random.default_rng(0)
    pairs = random.choice(len(residuals), (20_000, 2))
    functions = table.functions[rest]
    pairs = pairs[functions[pairs[:, 0]] != functions[pairs[:, 1]]]
    return AccuracyCalibration(
        dataset=table.dataset,
        fitness=of.name,
        rule=of.rule,
        channels=CHANNELS,
        timesteps=TIMESTEPS,
        operations=("conv_3x3", "skip"),
        lowest=float(fitness.min()),
        highest=float(fitness.max()),
        slope=slope,
        intercept=intercept,
        half_width=quantile(np.abs(residuals)),
        difference=quantile(np.abs(residuals[pairs[:, 0]] - residuals[pairs[:, 1]])),
        n=int(rest.sum()),
    )


def coverage(of: Measured) -> dict[str, object]:
    """Share of test rows inside the interval: mean and standard deviation over splits, and by depth."""
    table, found, by_depth = of.table, [], dict[int, list[float]]()
    for seed in range(N_SPLITS):
        u = np.random.default_rng(seed).random(table.functions.max() + 1)[table.functions]
        one = calibrated(of, u < 1 / 3, (u >= 1 / 3) & (u < 2 / 3))
        test = np.flatnonzero(u >= 2 / 3)
        inside = np.array([_is_inside(one, of, row) for row in test])
        found.append(float(inside.mean()))
        for depth in np.unique(table.depth[test]):
            by_depth.setdefault(int(depth), []).append(float(inside[table.depth[test] == depth].mean()))
    return {
        "n": len(table.accuracy),
        "rho": round(agreement(of.fitness.tolist(), table.accuracy.tolist()).rho, 3),
        "coverage": round(float(np.mean(found)), 3),
        "standard deviation over splits": round(float(np.std(found)), 3),
        "by longest path": {str(depth): round(float(np.mean(each)), 3) for depth, each in sorted(by_depth.items())},
    }


def _is_inside(one: AccuracyCalibration, of: Measured, row: int) -> bool:
    low, high = one.interval(float(of.fitness[row]))[1:]
    return bool(low <= of.table.accuracy[row] <= high)


def main() -> None:
    """Fit, report and write."""
    parser = reading_parser(__doc__)
    parser.add_argument("--labels", type=Path, nargs="+", required=True)
    parser.add_argument("--functions", type=int, default=500)
    given = parser.parse_args()
    tables = [Table(path, given) for path in given.labels]
    results, found = dict[str, dict[str, object]](), list[AccuracyCalibration]()
    for name in FITNESS:  # the second one uses the line of the first
        for table in tables:
            of = table.measured(name)
            half = (np.random.default_rng(given.seed).random(table.functions.max() + 1) < 0.5)[table.functions]
            found.append(calibrated(of, half, ~half))
            results.setdefault(name, {})[table.dataset] = coverage(of) | {"half-width": round(found[-1].half_width, 2)}
            print(name, table.dataset, results[name][table.dataset], flush=True)
        write_calibration(accuracy=tuple(found))
        calibration.cache_clear()
    write("fit_accuracy", results)


if __name__ == "__main__":
    main()
