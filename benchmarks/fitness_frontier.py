"""Can one set of constants of ``path-information`` rank all published tables? The frontier of their rank correlations.

    python benchmarks/fitness_frontier.py --labels CIFAR10.csv CIFAR100.csv TINY.csv --dataset imagefolder:DIR

Entropies come from one batch of photographs for all tables (the ranking hardly depends on the images). Every
combination of ``GRID`` is tried, around the fitted constants; what is printed are the combinations that no other
beats on all tables. Nothing is selected with it: it shows what is possible in hindsight, on the rows that it reads.
"""

from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np

from common import write
from fit_path_information import Function, reading_parser, record
from neuronas.experiments.labels import draw, read_labels
from neuronas.experiments.ranking import agreement
from neuronas.fitness.path_information import DEFAULT, FITTED, Coefficients
from neuronas.space.canonical import architecture_key

GRID = {
    "gain": (FITTED.gain, 2 * FITTED.gain),
    "keep": (FITTED.keep, 1.0),
    "information": (FITTED.information, 0.0, -FITTED.information, -2 * FITTED.information),
    "selectivity": (FITTED.selectivity, 2 * FITTED.selectivity),
    "output": (FITTED.output, 0.0, -FITTED.output),
    "convolutions": (FITTED.convolutions, 2 * FITTED.convolutions),
    "spread": (FITTED.spread, 0.0),
}


def main() -> None:
    """Record the functions of every table once, then try all combinations."""
    parser = reading_parser(__doc__)
    parser.add_argument("--labels", type=Path, nargs="+", required=True)
    parser.add_argument("--sample", type=int, default=800, help="rows of a table that is larger")
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

    def rhos(constants: Coefficients) -> np.ndarray:
        return np.array(
            [
                agreement([function.value(constants) for function in own], accuracy).rho
                for own, accuracy in tables.values()
            ]
        )

    tried = []
    for values in product(*GRID.values()):
        constants = replace(FITTED, **dict(zip(GRID, values, strict=True)))
        tried.append((rhos(constants), constants))
    found = [
        {"rho": dict(zip(tables, map(float, own.round(3)), strict=True)), **asdict(constants)}
        for own, constants in tried
        if not any((other >= own).all() and (other > own).any() for other, _ in tried)
    ]
    found.sort(key=lambda one: -one["rho"][next(iter(tables))])
    in_use = dict(zip(tables, map(float, rhos(DEFAULT).round(3)), strict=True))
    print("in use", in_use, *found, sep="\n")
    write("fitness_frontier", {"tried": len(tried), "in_use": in_use, "frontier": found})


if __name__ == "__main__":
    main()
