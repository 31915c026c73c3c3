"""Ranks the results of other algorithms among all architectures of a space, under energy budgets.

    neuronas search --algorithm exhaustive --exact --out RUN
    python benchmarks/exhaustive_rank.py RUN [--energy 1.2 1.6 2.0]

RUN: a finished exhaustive search. The other algorithms search with its seed, and thus with the same weights and images.
Every candidate is evaluated on the full batch, and each algorithm proposes at most as many as Algorithm 1.
"""

import argparse
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

import neuronas
from common import write

ENERGIES = (1.2, 1.4, 1.6, 1.8, 2.0, 2.4, 2.8, 1000.0)
N_DRAWS = 1458
ALGORITHMS: dict[str, dict[str, Any]] = {
    "neuronas": {},
    "evolution": {"n_draws": N_DRAWS},
    "snasnet": {"n_draws": N_DRAWS},  # random draws
}


def main() -> None:
    """Search under each budget, rank the results and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--energy", type=float, nargs="+", default=ENERGIES, help="limits, µJ per image")
    given = parser.parse_args()
    whole = json.loads((given.run / "result.json").read_text(encoding="utf-8"))
    with closing(sqlite3.connect(f"file:{given.run / 'history.sqlite'}?mode=ro", uri=True)) as db:
        known = dict(db.execute("SELECT key, fitness FROM evaluations WHERE screened = 0"))
        # A function fits if its cheapest candidate fits.
        cheapest = dict(db.execute("SELECT key, min(energy_uj) FROM candidates GROUP BY key"))
    fitness, energy = np.array([(value, cheapest[key]) for key, value in known.items()]).T
    found = []
    for limit in given.energy:
        fits = fitness[energy <= limit]
        row: dict[str, Any] = {"max_energy_uj": limit, "functions": len(fits), "best": float(fits.max())}
        for name, options in ALGORITHMS.items():
            with tempfile.TemporaryDirectory() as folder:
                result = neuronas.search(
                    algorithm=name, dataset=whole["dataset"], space=whole["space"], seed=whole["seed"], exact=True,
                    max_energy_uj=limit, out=Path(folder) / "run", **options,
                )  # fmt: skip
                document = json.loads((Path(folder) / "run" / "result.json").read_text(encoding="utf-8"))
            row[name] = {
                "fitness": result.fitness,
                "rank": int((fits > result.fitness).sum()) + 1,
                "n_evaluated": document["n_evaluated"],
                "seconds": round(document["seconds"], 1),
            }
        print(row, flush=True)
        found.append(row)
    facts = {name: whole[name] for name in ("dataset", "space", "seed", "n_candidates", "n_evaluated", "seconds")}
    write("exhaustive_rank", {"exhaustive": facts, "budgets": found})


if __name__ == "__main__":
    main()
