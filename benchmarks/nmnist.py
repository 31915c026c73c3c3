r"""N-MNIST: accuracy in k-fold cross-validation, training time, energy at measured activity and with dense inputs.

    python benchmarks/nmnist.py DIR --work FOLDER --folds 5 --set network.channels=16

DIR contains recordings in class folders, ``train/CLASS/*.bin`` and ``test/CLASS/*.bin``. They are merged and split
again, with the same share of each class, so that each recording is tested once. For each fold, architecture and weights
depend only on its training recordings: one search, one training, one evaluation. ``--set`` is passed to search and
training. All runs are kept in ``--work``; an interrupted benchmark continues from there, and ``--only K`` runs one
fold. Result: ``results/nmnist.json``, written after each fold; it contains the mean once all folds are finished.
"""

import argparse
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

import neuronas
from common import trained_and_measured, write
from neuronas.runs.directory import TRAINING
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.results import TrainingResult

Row = dict[str, Any]
SETTINGS = (
    "data.image_side=17", "network.channels=32", "network.timesteps=5", "search.algorithm=snasnet",
    "search.n_draws=100", "train.epochs=60", "train.batch_size=32", "train.optimiser=adamw",
    "train.learning_rate=0.01", "train.validation_share=0",
    "train.event_shift=3", "train.event_rotate=15", "train.event_zoom=0.2", "train.event_elastic=1.5",
    "train.event_drop=0.2", "train.mixup=0.2",
)  # fmt: skip
"""Default settings; ``--set`` overrides them."""
_SEED = 20240723


def folds(recordings: Path, n: int, work: Path) -> list[Path]:
    """Folders of links, each with ``train`` and ``test``; every recording is in ``test`` once."""
    made = [work / f"recordings-{number}" for number in range(n)]
    for label in sorted(one.name for one in (recordings / "train").iterdir()):
        paths = sorted(path for split in ("train", "test") for path in (recordings / split / label).iterdir())
        order = np.random.default_rng([_SEED, int(label)]).permutation(len(paths))
        for place, index in enumerate(order):
            for number, folder in enumerate(made):
                split = "test" if place % n == number else "train"
                link = folder / split / label / f"{paths[index].parent.parent.name}-{paths[index].name}"
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.is_symlink():
                    link.symlink_to(paths[index].resolve())
    return made


def row(number: int, folder: Path, given: argparse.Namespace) -> Row:
    """Search, train and evaluate one fold."""
    settings = [*SETTINGS, *given.set]
    search, run = given.work / f"search-{number}", given.work / f"fold-{number}"
    found = neuronas.search(
        config={"data": {"name": f"events:{folder}"}}, assignments=settings, out=search, resume="auto"
    )
    measured: Evaluation = trained_and_measured(search, run, assignments=settings, seed=number)
    trained, traced = TrainingResult.read(run / TRAINING), measured.cost_at_trace
    if traced is None or measured.decisions is None:
        raise TypeError(f"{run}: not a spiking network of several time steps")
    return {
        "fold": number,
        "architecture": found.summary.architecture,
        "test_accuracy": measured.top1,
        "interval_95": measured.interval_95(measured.top1),
        "validation_accuracy": measured.validation_accuracy,
        "n_training": trained.n_training,
        "n_test": measured.n_images,
        "training_seconds": round(trained.seconds, 1),
        "energy_uj": {"dense": measured.cost.energy_uj, "measured": traced.energy_uj},
        "latency_ms": measured.cost.latency_ms,
        "decisions": measured.decisions.model_dump(),
    }


def main() -> None:
    """Run the requested folds, and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, metavar="DIR")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", type=int, metavar="K", help="run only this fold")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    rows: list[Row] = []
    for number, folder in enumerate(folds(given.recordings, given.folds, given.work)):
        if given.only not in (None, number):
            continue
        rows.append(row(number, folder, given))
        print(f"fold {number}: {rows[-1]['test_accuracy']:.2%}", flush=True)
        accuracies = [100 * one["test_accuracy"] for one in rows]
        facts: Row = {"settings": [*SETTINGS, *given.set], "folds": given.folds, "rows": rows}
        if len(rows) == given.folds:
            facts["accuracy_percent"] = {"mean": fmean(accuracies), "standard deviation": stdev(accuracies)}
        write("nmnist", facts)


if __name__ == "__main__":
    main()
