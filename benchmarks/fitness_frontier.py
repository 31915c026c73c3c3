"""Can one set of constants of ``path-information`` rank all tables? Computes the frontier of rank correlations.

    python benchmarks/fitness_frontier.py --labels CIFAR10.csv CIFAR100.csv TINY.csv --dataset imagefolder:DIR

Entropies are computed from one batch of photographs for all tables (the ranking hardly depends on the images). Every
combination of ``GRID``, around the fitted constants, is tried. The combinations that are not dominated over all tables
are printed: the best possible in hindsight, on the same rows. The value of a choice for other rows is measured for each
table separately: the best combination for one half of its functions ranks the other half, in 100 random splits.
"""

from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from common import write
from fit_path_information import Function, reading_parser, record, task_of
from neuronas.experiments.labels import draw, read_labels
from neuronas.experiments.ranking import agreement
from neuronas.fitness.path_information import FITTED
from neuronas.space.canonical import architecture_key

Floats = NDArray[np.float64]
N_SPLITS = 100
GRID = {
    "gain": (FITTED.gain, 2 * FITTED.gain),
    "keep": (FITTED.keep, 1.0),
    "information": (FITTED.information, 0.0, -FITTED.information, -2 * FITTED.information),
    "selectivity": (FITTED.selectivity, 2 * FITTED.selectivity),
    "output": (FITTED.output, 0.0, -FITTED.output),
    "convolutions": (FITTED.convolutions, 2 * FITTED.convolutions, 3 * FITTED.convolutions),
    "spread": (FITTED.spread, 0.0),
}


def main() -> None:
    """Record the functions of every table once, then try all combinations."""
    parser = reading_parser(__doc__)
    parser.add_argument("--labels", type=Path, nargs="+", required=True)
    parser.add_argument("--sample", type=int, default=800, help="number of rows drawn from larger tables")
    given = parser.parse_args()
    tables: dict[str, tuple[list[Function], list[float]]] = {}
    for path in given.labels:
        rows = read_labels(path)
        rows = draw(rows, min(given.sample, len(rows)), given.seed)
        functions = record(rows, given)
        own = [functions[architecture_key(row.architecture)] for row in rows]
        tables[path.stem] = (own, [row.accuracy for row in rows])
        depths = [float(row.architecture.cells[0].depth) for row in rows]
        print(path.stem, len(rows), "longest path", round(agreement(depths, tables[path.stem][1]).rho, 3), flush=True)

    tried = [replace(FITTED, **dict(zip(GRID, values, strict=True))) for values in product(*GRID.values())]
    values = {
        name: np.array([[function.value(constants) for function in own] for constants in tried])
        for name, (own, _) in tables.items()
    }
    rhos = np.stack([rank_correlations(values[name], np.array(accuracy)) for name, (_, accuracy) in tables.items()], 1)
    found = [
        {"rho": dict(zip(tables, map(float, own.round(3)), strict=True)), **asdict(constants)}
        for own, constants in zip(rhos, tried, strict=True)
        if not ((rhos >= own).all(axis=1) & (rhos > own).any(axis=1)).any()
    ]
    found.sort(key=lambda one: -one["rho"][next(iter(tables))])
    in_use, halves = dict[str, float](), dict[str, object]()
    for path in given.labels:
        own, accuracy = tables[path.stem]
        constants = task_of(path)
        in_use[path.stem] = round(agreement([function.value(constants) for function in own], accuracy).rho, 3)
        halves[path.stem] = on_other_half(values[path.stem], np.array(accuracy), own)
    print("in use", in_use, "other half", halves, *found, sep="\n")
    write("fitness_frontier", {"tried": len(tried), "in_use": in_use, "other_half": halves, "frontier": found})


def rank_correlations(values: Floats, accuracy: Floats) -> Floats:
    """Spearman's rho of each row of ``values`` with the accuracy."""
    ranks, order = rankdata(values, axis=1), rankdata(accuracy)
    ranks, order = ranks - ranks.mean(axis=1, keepdims=True), order - order.mean()
    return (ranks @ order) / np.sqrt((ranks**2).sum(axis=1) * (order**2).sum())


def on_other_half(values: Floats, accuracy: Floats, functions: list[Function]) -> dict[str, float]:
    """Mean rho on the other half, of the combination chosen on one half and of the longest path."""
    depths = np.array([[float(function.cell.depth) for function in functions]])
    identity = np.unique([id(function) for function in functions], return_inverse=True)[1]
    found = []
    for seed in range(N_SPLITS):
        half = (np.random.default_rng(seed).random(identity.max() + 1) < 0.5)[identity]
        best = np.nanargmax(rank_correlations(values[:, half], accuracy[half]))
        chosen = np.concatenate([values[best : best + 1], depths])
        found.append(rank_correlations(chosen[:, ~half], accuracy[~half]))
    chosen, path = np.mean(found, axis=0).round(3)
    return {"chosen on one half": float(chosen), "longest path": float(path)}


if __name__ == "__main__":
    main()
