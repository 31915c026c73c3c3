"""Which properties affect accuracy among networks of equal depth, and is their sign the same in every table?

    python benchmarks/threshold_effects.py CIFAR10.csv CIFAR100.csv TINY.csv

For each table and depth (largest number of convolutions on one path of the cell): ridge regression of test accuracy on
the thresholds of the first and the last neurons of the longest paths (mean over paths), and on the numbers of
convolutions and skips. Coefficients are in points of accuracy per unit, with standard errors; rows of one function are
averaged first. Rows of CIFAR-10 with ids below 3,875 are excluded (docs/fitness-results.md: some of their labels are
shifted).
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import numpy as np

from common import write
from fit_path_information import FIRST_ID
from neuronas.experiments.labels import LabelledNetwork, read_labels
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Edge, Genotype

FEATURES = ("first threshold", "last threshold", "convolutions", "skips")
RIDGE = 0.5


def paths(cell: Genotype, node: int) -> Iterator[list[Edge]]:
    """All forward paths from the input to a node."""
    if not node:
        yield []
        return
    for incoming in cell.incoming(node):
        for before in paths(cell, incoming.source):
            yield [*before, incoming.edge]


def features(cell: Genotype) -> list[float]:
    """The features, in the order of ``FEATURES``."""
    thresholds = [[edge.threshold for edge in path if edge.threshold] for path in paths(cell, cell.n_nodes - 1)]
    longest = [path for path in thresholds if len(path) == cell.depth]
    names = [edge.operation for edge in cell.edges]
    return [
        mean(path[0] for path in longest),
        mean(path[-1] for path in longest),
        sum(edge.kind.has_neurons for edge in cell.edges),
        names.count("skip"),
    ]


def effects(rows: list[LabelledNetwork]) -> dict[str, list[float]]:
    """Coefficient and standard error of each feature."""
    functions = defaultdict(list)
    for row in rows:
        functions[architecture_key(row.architecture)].append(row)
    x = np.array([features(own[0].architecture.cells[0]) for own in functions.values()])
    y = np.array([mean(row.accuracy for row in own) for own in functions.values()])
    x, y = x - x.mean(axis=0), y - y.mean()
    normal = x.T @ x + RIDGE * np.eye(len(FEATURES))
    found = np.linalg.solve(normal, x.T @ y)
    error = np.sqrt(np.diag(np.linalg.inv(normal)) * np.mean((y - x @ found) ** 2))
    pairs = zip(FEATURES, found, error, strict=True)
    return {name: [round(float(value), 2), round(float(spread), 2)] for name, value, spread in pairs}


def main() -> None:
    """Fit every table and depth from 2; at depth 1 the first neurons are also the last."""
    results: dict[str, dict[str, object]] = {}
    for path in map(Path, sys.argv[1:]):
        rows = read_labels(path)
        if len(rows) > FIRST_ID:
            rows = [row for row in rows if int(row.row_id) >= FIRST_ID]
        for depth in (2, 3):
            own = [row for row in rows if row.architecture.cells[0].depth == depth]
            results.setdefault(path.stem, {})[f"depth {depth}"] = found = {"rows": len(own), **effects(own)}
            print(path.stem, depth, found)
    write("threshold_effects", results)


if __name__ == "__main__":
    main()
