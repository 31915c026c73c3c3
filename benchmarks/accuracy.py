r"""Measures the test accuracy of a search's result: one search, then trainings with several precisions and seeds.

    python benchmarks/accuracy.py imagefolder:DIR --name cifar10 --work FOLDER --seeds 3 --bits 8,4 \
        --set train.recipe=fast --set network.channels=32

``--set`` is passed to the search and to every training. All runs are kept in ``--work``; an interrupted benchmark
continues from there. Test images are read once, after the last epoch. Result: ``results/accuracy-NAME.json`` with mean
and standard deviation, and for each training its learning curve, time (of the session that finished it), cost by both
models and energy at the measured activity.
"""

import argparse
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import neuronas
from common import public, trained_and_measured, write
from neuronas.runs.costs import CostSummary
from neuronas.runs.directory import TRAINING
from neuronas.runs.metrics import METRICS, read_epochs
from neuronas.runs.results import TrainingResult

Row = dict[str, Any]
CURVE = {"epoch", "train_loss", "train_accuracy", "validation_accuracy", "firing_rate", "images_per_s"}


def training(given: argparse.Namespace, bits: int, seed: int) -> Row:
    """Train and evaluate once."""
    run = given.work / f"bits{bits}-seed{seed}"
    measured = trained_and_measured(given.work / "search", run, assignments=given.set, weight_bits=bits, seed=seed)
    trained = TrainingResult.read(run / TRAINING)
    epochs = list(read_epochs(run / METRICS))
    return {
        "weight_bits": bits,
        "seed": seed,
        "test_accuracy": measured.top1,
        "interval_95": measured.interval_95(measured.top1),
        "validation_accuracy": measured.validation_accuracy,
        "n_training": trained.n_training,
        "n_test": measured.n_images,
        "seconds": round(trained.seconds, 1),
        "cost": cost(measured.cost),
        "cost_at_trace": measured.cost_at_trace and cost(measured.cost_at_trace),
        "curve": [one.model_dump(include=CURVE) for one in epochs],
    }


def cost(summary: CostSummary) -> Row:
    """Total costs."""
    return {
        name: getattr(summary, name)
        for name in ("cost_model", "hardware", "parameters", "area_mm2", "latency_ms", "energy_uj")
    }


def main() -> None:
    """Search and train; write the result after each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="name, or imagefolder:DIR")
    parser.add_argument("--name", required=True, help="name of the result file")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3, help="random seeds 0, 1, … of each precision")
    parser.add_argument("--bits", default="8", help="precisions, separated by commas")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    search = neuronas.search(
        config={"data": {"name": given.dataset}}, assignments=given.set, out=given.work / "search", resume="auto"
    )
    rows: list[Row] = []
    for seed in range(given.seeds):
        for bits in map(int, given.bits.split(",")):
            rows.append(training(given, bits, seed))
            print(f"{bits} bits, seed {seed}: {rows[-1]['test_accuracy']:.2%}", flush=True)
            network = search.plan.config.network
            facts = {
                "architecture": search.summary.architecture,
                "settings": [public(one) for one in given.set],
                "timesteps": network.timesteps,
            }
            write(f"accuracy-{given.name}", {**facts, "summary": summary(rows), "rows": rows})


def summary(rows: list[Row]) -> Row:
    """Mean and standard deviation of the test accuracy in percent, by precision."""
    found: Row = {}
    for bits in sorted({row["weight_bits"] for row in rows}):
        values = [100 * row["test_accuracy"] for row in rows if row["weight_bits"] == bits]
        found[f"{bits} bits"] = {
            "n": len(values),
            "mean": round(fmean(values), 2),
            "standard deviation": round(stdev(values), 2) if len(values) > 1 else None,
        }
    return found


if __name__ == "__main__":
    main()
