r"""Measures what training finalists gains over taking the fittest candidate, at equal time.

    python benchmarks/finalists.py --datasets digits,imagefolder:DIR --seeds 5 --finalists 8 --epochs 40 \
        --work FOLDER --name NAME

For each data set and random seed: one search with ``--finalists``, then three trainings from scratch with the same
settings and seed, evaluated on the test images:

* ``winner``: the finalist with the best accuracy, for ``--epochs``;
* ``first``: the fittest candidate, for ``--epochs``;
* ``first, longer``: the fittest candidate, for additional epochs that take as long as the training of the finalists, at
  its own speed (images per second) in that training. This is the comparison at equal time; the time for evaluations and
  checkpoints is ignored, in its favour.

If the winner is the fittest candidate, its training counts for both and the finalists only cost time. Differences are
paired by data set and seed. All runs are kept in ``--work``; an interrupted benchmark continues from there. ``--set``
is passed to every search and training, for example ``--set network.channels=8``.
"""

import argparse
from collections.abc import Iterable
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import neuronas
from common import trained_and_measured, write
from neuronas.api.searching.result import SearchResult
from neuronas.runs.directory import TRAINING
from neuronas.runs.finalists import Finalist, FinalistChoice, finalist_folder
from neuronas.runs.metrics import METRICS, read_epochs
from neuronas.runs.results import TrainingResult

Row = dict[str, Any]


def row(given: argparse.Namespace, number: int, dataset: str, seed: int) -> Row:
    """One search and its trainings."""
    folder = given.work / f"{number}-{seed}"
    searched = neuronas.search(
        config={"data": {"name": dataset}, "search": {"finalist_epochs": given.finalist_epochs}},
        assignments=given.set, seed=seed, finalists=given.finalists, out=folder / "search", resume="auto",
    )  # fmt: skip
    choice = searched.finalists
    if choice is None or choice.leader is None:
        raise SystemExit(f"{dataset}, seed {seed}: only one distinct candidate fits; there is nothing to compare")
    first, leader = choice.finalists[0], choice.leader
    arms = {"first": learned(given, searched, dataset, seed, first, given.epochs, folder / "first")}
    is_first = leader.rank == first.rank
    arms["winner"] = (
        arms["first"] if is_first else learned(given, searched, dataset, seed, leader, given.epochs, folder / "winner")
    )
    n_training = TrainingResult.read(folder / "first" / TRAINING).n_training
    extra = round(choice.seconds * images_per_s(folder / "search", first) / n_training)
    arms["first, longer"] = learned(given, searched, dataset, seed, first, given.epochs + extra, folder / "longer")
    return {
        "dataset": dataset.partition(":")[0] if dataset.startswith("imagefolder:") else dataset,
        "seed": seed,
        "rank of the winner": leader.rank,
        "differs from the second beyond noise": bool(choice.lead_95 and choice.lead_95[0] > 0),
        "validation accuracies": accuracies(choice),
        "seconds of the search": searched.summary.seconds,
        "seconds of the finalists": choice.seconds,
        "epochs": {"winner": given.epochs, "first": given.epochs, "first, longer": given.epochs + extra},
        "test accuracy": arms,
    }


def learned(
    given: argparse.Namespace,
    searched: SearchResult,
    dataset: str,
    seed: int,
    finalist: Finalist,
    epochs: int,
    out: Path,
) -> float:
    """Test accuracy after a training from scratch."""
    network = searched.plan.config.network
    return trained_and_measured(
        finalist.architecture, out, config={"data": {"name": dataset}, "network": {"channels": network.channels}},
        assignments=given.set, seed=seed, epochs=epochs,
    ).top1  # fmt: skip


def images_per_s(run: Path, finalist: Finalist) -> float:
    """Training speed of a finalist."""
    return fmean(one.images_per_s for one in read_epochs(finalist_folder(run, finalist) / METRICS))


def accuracies(choice: FinalistChoice) -> dict[str, list[float]]:
    """Accuracies of each finalist after each rung, by rank."""
    return {str(one.rank): [round(value, 4) for value in one.accuracies] for one in choice.finalists}


def summary(rows: Iterable[Row], rival: str) -> Row:
    """Difference in test accuracy, winner minus rival, in points: mean, standard error, how often each is better."""
    differences = [100 * (one["test accuracy"]["winner"] - one["test accuracy"][rival]) for one in rows]
    n = len(differences)
    return {
        "n": n,
        "mean, points": round(fmean(differences), 2),
        "standard error": round(stdev(differences) / sqrt(n), 2) if n > 1 else None,
        "higher": sum(one > 0 for one in differences),
        "lower": sum(one < 0 for one in differences),
    }


def main() -> None:
    """Search, train and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", default="digits", help="names, or imagefolder:DIR, separated by commas")
    parser.add_argument("--seeds", type=int, default=5, help="random seeds 0, 1, … of each data set")
    parser.add_argument("--finalists", type=int, default=8)
    parser.add_argument("--finalist-epochs", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=60, help="epochs of the compared trainings")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--name", required=True, help="name of the result file")
    given = parser.parse_args()
    rows: dict[str, list[Row]] = {}
    for number, dataset in enumerate(given.datasets.split(",")):
        for seed in range(given.seeds):
            rows.setdefault(dataset, []).append(row(given, number, dataset, seed))
            print(rows[dataset][-1], flush=True)
    table = {
        found[0]["dataset"] + (f" {number}" if len(rows) > 1 else ""): {
            f"winner minus {rival}": summary(found, rival) for rival in ("first", "first, longer")
        }
        for number, found in enumerate(rows.values())
    }
    write(f"finalists-{given.name}", {"summary": table, "rows": [one for found in rows.values() for one in found]})


if __name__ == "__main__":
    main()
