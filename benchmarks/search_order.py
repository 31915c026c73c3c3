r"""Does the search's ranking hold after training? Compares the best functions of a search with median ones.

    python benchmarks/search_order.py imagefolder:DIR --name cifar10 --work FOLDER --set train.recipe=fast \
        --set network.channels=32 [--n 5] [--seeds 2]

One search, then the same training for its ``--n`` fittest distinct functions and for as many around the median of all
evaluated functions, with ``--seeds`` random seeds each. ``--set`` is passed to the search and to every training. All
runs are kept in ``--work``; an interrupted benchmark continues from there. Test images are read once, after the last
epoch. ``results/search_order-NAME.json`` contains every accuracy and the share of pairs (best, median) in which the
best has the higher accuracy, with the p-value of the Mann-Whitney test over functions (means over seeds, since seeds of
one function are not independent).
"""

import argparse
from pathlib import Path
from statistics import fmean
from typing import Any

from scipy.stats import mannwhitneyu

import neuronas
from common import trained_and_measured, write
from neuronas.runs.directory import HISTORY
from neuronas.runs.history_file import HistorySnapshot

Row = dict[str, Any]
BEST, MEDIAN = "best", "median"


def chosen(run: Path, n: int) -> dict[str, list[str]]:
    """Architectures of the fittest functions and of those around the median, by decreasing fitness."""
    history = HistorySnapshot(run / HISTORY)
    try:
        full, small = history.fitness(screened=False), history.fitness(screened=True)
        keys, architectures = history.columns("key", "architecture")
    finally:
        history.close()
    architecture = dict(zip(reversed(keys), reversed(architectures), strict=True))  # the first of equal ones
    best = sorted(full, key=full.__getitem__, reverse=True)[:n]
    every = sorted(small or full, key=(small or full).__getitem__, reverse=True)
    first = (len(every) - n) // 2
    median = [key for key in every[first:] if key not in best][:n]
    return {BEST: [architecture[key] for key in best], MEDIAN: [architecture[key] for key in median]}


def accuracy(given: argparse.Namespace, architecture: str, run: Path, seed: int) -> float:
    """Test accuracy of one training."""
    return trained_and_measured(
        architecture, run, config={"data": {"name": given.dataset}}, assignments=given.set, seed=seed
    ).top1


def summary(rows: list[Row]) -> Row:
    """Comparison of the two groups."""
    groups = {name: [fmean(row["test_accuracy"]) for row in rows if row["group"] == name] for name in (BEST, MEDIAN)}
    if not all(groups.values()):
        return {}
    found = mannwhitneyu(groups[BEST], groups[MEDIAN], alternative="two-sided")
    n_pairs = len(groups[BEST]) * len(groups[MEDIAN])
    return {
        **{f"mean of the {name}, percent": round(100 * fmean(values), 2) for name, values in groups.items()},
        "pairs in which the best is higher": round(float(found.statistic) / n_pairs, 3),
        "p": round(float(found.pvalue), 4),
    }


def main() -> None:
    """Search and train; write the result after each function."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="name, or imagefolder:DIR")
    parser.add_argument("--name", required=True, help="name of the result file")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--n", type=int, default=5, help="functions per group")
    parser.add_argument("--seeds", type=int, default=2, help="random seeds 0, 1, … per function")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    searched = given.work / "search"
    neuronas.search(config={"data": {"name": given.dataset}}, assignments=given.set, out=searched, resume="auto")
    groups, rows = chosen(searched, given.n), list[Row]()
    for number in range(given.n):  # alternate groups, so that an incomplete table is usable
        for name, architectures in groups.items():
            if number >= len(architectures):
                continue
            folder, architecture = given.work / f"{name}-{number}", architectures[number]
            found = [accuracy(given, architecture, folder / f"seed{seed}", seed) for seed in range(given.seeds)]
            rows.append({"group": name, "architecture": architecture, "test_accuracy": found})
            print(f"{name} {number + 1}: {', '.join(f'{one:.2%}' for one in found)}  {architecture}", flush=True)
            write(f"search_order-{given.name}", {"settings": given.set, "summary": summary(rows), "rows": rows})


if __name__ == "__main__":
    main()
