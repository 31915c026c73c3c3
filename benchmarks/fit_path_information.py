"""Fits the coefficients of ``path-information`` to one part of a table of trained networks, and reports on the rest.

    python benchmarks/fit_path_information.py --labels FILE.csv --dataset imagefolder:DIR

Networks that compute the same function stay together. Coefficients are fitted to one half of the functions and used to
rank the other half, and vice versa, so every row is ranked by coefficients fitted without it. The coefficients of the
first half are ``path_information.FITTED``. Spikes are computed with ``--channels`` channels and one batch of training
images. Rows of SpikeNAS-Bench before ``--first-id`` are excluded from the fit (not from the report), since
docs/fitness-results.md shows that some of their labels are shifted. Each fit is repeated without one of the
ingredients.
"""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

from common import images, write
from neuronas.data.datasets import open_dataset
from neuronas.experiments.labels import LabelledNetwork, read_labels
from neuronas.experiments.ranking import N_SAMPLES, SAMPLE, agreement
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.fitness.measure import Reading
from neuronas.fitness.path_information import Coefficients, PathInformation, cell_value, entropies_of, task_coefficients
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.shape import NetworkShape

Floats = NDArray[np.float64]
START = Coefficients(gain=5.0, keep=0.3, information=0.5, selectivity=1.0, output=1.0, convolutions=0.5, spread=1.0)
ABLATIONS: dict[str, dict[str, float]] = {
    "path-information": {},
    "without information": {"information": 0.0},
    "without selectivity": {"selectivity": 0.0},
    "without the output's mixture": {"output": 0.0},
    "without the number of convolutions": {"convolutions": 0.0},
    "without spread": {"spread": 0.0},
    "without diminishing returns": {"keep": 1.0},
    "best path only": {"output": 0.0, "convolutions": 0.0, "spread": 0.0},
    "without any spikes": {"information": 0.0, "selectivity": 0.0, "output": 0.0, "spread": 0.0},
}
FIRST_ID = 3875
"""Rows of SpikeNAS-Bench's CIFAR-10 table before this id have partly shifted labels (docs/fitness-results.md)."""


@dataclass
class Function:
    """A distinct function: its cell, and the entropies of the inputs of its convolutions in cell A and cell B."""

    cell: Genotype
    entropies: list[dict[str, float]]

    def value(self, coefficients: Coefficients) -> float:
        """Mean of both cells, as in ``PathInformation.combine``."""
        return float(np.mean([cell_value(self.cell, one, coefficients) for one in self.entropies]))


class Recorder(PathInformation):
    """Records the entropies read by the measure."""

    last: Function

    def combine(self, architecture: Architecture, n_cells: int, layers: list[Reading]) -> float:
        values = iter([float(layer.total) / layer.count for layer in layers])
        (cell,) = architecture.cells
        entropies = []
        for place in range(n_cells):
            if place:
                next(values)
            entropies.append(entropies_of(cell, values))
        object.__setattr__(self, "last", Function(cell, entropies))
        return 0.0


def record(rows: list[LabelledNetwork], given: argparse.Namespace) -> dict[str, Function]:
    """Run each distinct function once."""
    first = {architecture_key(row.architecture): row.architecture for row in reversed(rows)}
    batches = images(given.dataset, given.batch_size, given.seed)
    shape = NetworkShape(3, 32, 10, given.channels)
    backend = select_backend(NeuronParameters(), torch.device("cpu"), torch.get_num_threads(), 2**32)
    engine = EngineEvaluator(batches, shape, WeightSource(given.seed), 5, PathInformation(), backend, 2**32)
    engine.measure = recorder = Recorder()
    keys = list(first)
    return {keys[index]: recorder.last for index, _ in engine.evaluate(list(first.values()))}


def task_of(table: Path) -> Coefficients:
    """The constants for the data set in the name of a SpikeNAS-Bench file."""
    opened = open_dataset(dataset_of(table))
    return task_coefficients(opened.n_classes, opened.image_size)


def dataset_of(table: Path) -> str:
    """The data set in the name of a SpikeNAS-Bench file."""
    return table.stem.removeprefix("spikenas-bench-").removesuffix("-dev")


def fitted(functions: list[Function], accuracy: Floats, fixed: dict[str, float]) -> tuple[float, Coefficients]:
    """Least squares (Huber) of the accuracy by a constant plus the value; coefficients are in points."""
    free = [name for name in asdict(START) if name not in fixed]

    def coefficients(x: Floats) -> Coefficients:
        return Coefficients(**{**fixed, **dict(zip(free, map(float, x[1:]), strict=True))})

    def residuals(x: Floats) -> Floats:
        chosen = coefficients(x)
        return np.array([function.value(chosen) for function in functions]) + x[0] - accuracy

    start = [80.0, *(getattr(START, name) for name in free)]
    found = least_squares(residuals, start, loss="huber", max_nfev=40)
    return float(found.x[0]), coefficients(found.x)


def report(fitness: Floats, accuracy: Floats, late: NDArray[np.bool_]) -> dict[str, object]:
    """Agreement over all given rows, over the rows with correct labels, and its spread over samples."""
    random = np.random.default_rng(0)
    samples = []
    for _ in range(N_SAMPLES):
        chosen = random.choice(len(fitness), SAMPLE, replace=False)
        samples.append(asdict(agreement(fitness[chosen].tolist(), accuracy[chosen].tolist())))
    spread = {
        name: [round(float(f([one[name] for one in samples])), 3) for f in (np.mean, np.std)]
        for name in ("rho", "tau", "regret")
    }
    return {
        "all": asdict(agreement(fitness.tolist(), accuracy.tolist())),
        "unshifted": asdict(agreement(fitness[late].tolist(), accuracy[late].tolist())),
        f"mean and s.d. over {N_SAMPLES} samples of {SAMPLE}": spread,
    }


def reading_parser(description: str | None) -> argparse.ArgumentParser:
    """Command-line options of programs that use ``record``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def main() -> None:
    """Record, fit and report."""
    parser = reading_parser(__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--first-id", type=int, default=FIRST_ID)
    given = parser.parse_args()
    rows = read_labels(given.labels)
    keys = [architecture_key(row.architecture) for row in rows]
    functions = record(rows, given)
    chosen = dict(zip(functions, np.random.default_rng(given.seed).random(len(functions)) < 0.5, strict=True))
    late = np.array([int(row.row_id) >= given.first_id for row in rows])
    accuracy = np.array([row.accuracy for row in rows])
    results: dict[str, object] = {
        "channels": given.channels,
        "batch_size": given.batch_size,
        "first_id": given.first_id,
        "seed": given.seed,
        "n_functions": len(functions),
        "n_rows": len(rows),
    }
    for name, fixed in ABLATIONS.items():
        found, fitness = [], np.empty(len(rows))
        for half in (True, False):
            on = np.array([chosen[key] == half for key in keys])
            labels: dict[str, list[float]] = {}
            for index in np.flatnonzero(on & late):
                labels.setdefault(keys[index], []).append(accuracy[index])
            means = np.array([np.mean(values) for values in labels.values()])
            constant, best = fitted([functions[key] for key in labels], means, fixed)
            fitness[~on] = [constant + functions[keys[index]].value(best) for index in np.flatnonzero(~on)]
            found.append({"constant": constant, **asdict(best)})
        results[name] = {"coefficients": found, **report(fitness, accuracy, late)}
        print(name, results[name], flush=True)
    write(f"fit_path_information-seed{given.seed}", results)


if __name__ == "__main__":
    main()
