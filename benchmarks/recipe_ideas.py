r"""Measures the effect of single changes of a recipe: validation accuracy at equal epochs, and training time.

    python benchmarks/recipe_ideas.py fast imagefolder:DIR --set data.image_side=16 --set train.n_images=22000
    python benchmarks/recipe_ideas.py default digits --seeds 3
    python benchmarks/recipe_ideas.py default fashion-mnist --data-dir DIR --seeds 3 --set data.image_side=16 \
        --set train.n_images=5000

``fast``: the recipe without its early stages, 32 channels, 4 epochs. Each variant changes the settings it names; the
two with early stages are measured for the time they save. ``default``: optimisers, peak learning rates and numbers of
epochs with 8 channels; a quarter of the images is used for validation. Both: T = 2, 8 bits, one thread. Test images are
not read. Trainings in ``--work`` are not repeated. Result: ``results/recipe_ideas-RECIPE-DATASET.json``.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

import neuronas
from common import write
from neuronas.machine import keep_freed_memory
from neuronas.runs.directory import TRAINING
from neuronas.runs.metrics import METRICS, read_epochs
from neuronas.runs.results import TrainingResult

ARCHITECTURE = "|conv_3x3~0|+|avg_pool_3x3~0|conv_3x3~1|+|avg_pool_3x3~0|conv_3x3~1|conv_3x3~2|"

Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Trainings that differ from their base in the settings of a variant."""

    base: Mapping[str, Any]
    variants: Mapping[str, Mapping[str, Any]]


def _optimised(optimiser: str, rate: float, **others: Any) -> dict[str, Any]:
    """Settings of an optimiser with its momentum, if that can be set."""
    momentum = {"muon": {"train.momentum": 0.95}, "sgd": {"train.momentum": 0.9}}.get(optimiser, {})
    given = {f"train.{name}": value for name, value in others.items()}
    return {"train.optimiser": optimiser, "train.learning_rate": rate, **momentum, **given}


COMPARISONS = {
    "fast": Comparison(
        base={
            "network.channels": 32,
            "network.timesteps": 2,
            "train.recipe": "fast",
            "train.epochs": 4,
            "train.early_side": 1,
            "train.full_from": 0,
            "train.early_timesteps": 0,
            "train.timesteps_from": 0,
            "train.validation_share": 0.1,
        },
        variants={
            "base": {},
            "muon 0.005": {"train.learning_rate": 0.005},
            "muon 0.01": {"train.learning_rate": 0.01},
            "muon 0.04": {"train.learning_rate": 0.04},
            "adamw 0.01": _optimised("adamw", 0.01),
            "adamw 0.02": _optimised("adamw", 0.02),
            "sgd 0.2": _optimised("sgd", 0.2, weight_decay=5e-4),
            "batch 64": {"train.batch_size": 64},
            "batch 256": {"train.batch_size": 256},
            "no label smoothing": {"train.label_smoothing": 0},
            "no average": {"train.ema": 0},
            "not clipped": {"train.clip_norm": 0},
            "no weight decay": {"train.weight_decay": 0},
            "border zero": {"train.border": "zero"},
            "one time step early": {"train.early_timesteps": 1, "train.timesteps_from": 0.8},
            "half side early": {"train.early_side": 0.5, "train.full_from": 0.8},
        },
    ),
    "default": Comparison(
        base={
            "network.channels": 8,
            "network.timesteps": 2,
            "train.recipe": "default",
            "train.validation_share": 0.25,
        },
        variants={
            f"{optimiser} {rate:g} for {epochs}": _optimised(optimiser, rate, epochs=epochs)
            for optimiser, rate, epochs in (
                ("adamw", 0.003, 60),
                ("adamw", 0.003, 20),
                ("adamw", 0.01, 20),
                ("adamw", 0.02, 20),
                ("muon", 0.01, 20),
                ("muon", 0.02, 10),
                ("muon", 0.02, 20),
                ("muon", 0.02, 40),
                ("muon", 0.04, 10),
                ("muon", 0.04, 20),
                ("muon", 0.04, 30),
                ("muon", 0.04, 40),
                ("muon", 0.08, 20),
            )
        },
    ),
}


def train(recipe: str, dataset: Mapping[str, Any], given: Sequence[str], name: str, seed: int, run: Path) -> Row:
    """Train once, or read an existing result."""
    torch.set_num_threads(1)
    keep_freed_memory()
    comparison = COMPARISONS[recipe]
    settings = {**comparison.base, **comparison.variants[name]}
    assignments = [*(f"{key}={value}" for key, value in settings.items()), *given]
    neuronas.train(ARCHITECTURE, config={"data": dataset}, assignments=assignments, seed=seed, out=run, resume="auto")
    epochs = list(read_epochs(run / METRICS))
    return {
        "variant": name,
        "seed": seed,
        "validation_accuracy": [epoch.validation_accuracy for epoch in epochs],
        "train_loss": [epoch.train_loss for epoch in epochs],
        "seconds": round(TrainingResult.read(run / TRAINING).seconds, 1),
    }


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Mean and standard deviation of the last validation accuracy in percent, and mean seconds, by variant."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(row["variant"] for row in rows):
        own = [row for row in rows if row["variant"] == name]
        values = [100 * row["validation_accuracy"][-1] for row in own]
        found[name] = {
            "n": len(own),
            "mean": round(fmean(values), 2),
            "standard deviation": round(stdev(values), 2) if len(own) > 1 else None,
            "seconds": round(fmean(row["seconds"] for row in own), 1),
        }
    return found


def main() -> None:
    """Train all variants; write the result after each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=COMPARISONS)
    parser.add_argument("dataset", help="such as digits, or imagefolder:DIR of CIFAR-10")
    parser.add_argument("--data-dir", help="folder that holds the data set")
    parser.add_argument("--work", default="recipe-ideas", help="folder of the runs")
    parser.add_argument("--variants", help="variants, separated by commas (default: all)")
    parser.add_argument("--set", action="append", default=[], help="section.key=value, for all trainings")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    comparison = COMPARISONS[given.recipe]
    variants = given.variants.split(",") if given.variants else list(comparison.variants)
    dataset = {"name": given.dataset, "data_dir": given.data_dir}
    kind = given.dataset.partition(":")[0]
    rows: list[Row] = []
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(
                train, given.recipe, dataset, given.set, name, seed,
                Path(given.work) / f"{given.recipe}-{kind}-{name.replace(' ', '-')}-{seed}",
            )
            for seed in range(given.seeds)
            for name in variants
        ]  # fmt: skip
        for job in as_completed(jobs):
            rows.append(job.result())
            print(rows[-1], flush=True)
            rows.sort(key=lambda row: (list(comparison.variants).index(row["variant"]), row["seed"]))
            found = {"architecture": ARCHITECTURE, "base": comparison.base, "set": given.set, "summary": summary(rows)}
            write(f"recipe_ideas-{given.recipe}-{kind}", {**found, "rows": rows})


if __name__ == "__main__":
    main()
