r"""What each idea of recipe ``fast`` brings alone: validation accuracy at equal epochs, and the time of a training.

    python benchmarks/recipe_ideas.py imagefolder:DIR [--work FOLDER] [--variants base,adamw] [--seeds 2]

The base is recipe ``fast`` without its early stages: 19,800 training images at 16×16 pixels, 32 channels, T = 2, 8
bits, 4 epochs, one thread. A variant changes what it names; the two with early stages are timed for what they save. No
test image is read. A training that ``--work`` holds is not run again. Result: ``results/recipe_ideas.json``.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
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
BASE: Mapping[str, Any] = {
    "data.image_side": 16,
    "network.channels": 32,
    "network.timesteps": 2,
    "train.recipe": "fast",
    "train.epochs": 4,
    "train.early_side": 1,
    "train.early_timesteps": 0,
    "train.full_from": 0,
    "train.n_images": 22_000,
    "train.validation_share": 0.1,
}
ADAMW = {"train.optimiser": "adamw"}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "base": {},
    "muon 0.005": {"train.learning_rate": 0.005},
    "muon 0.01": {"train.learning_rate": 0.01},
    "muon 0.04": {"train.learning_rate": 0.04},
    "adamw 0.01": {**ADAMW, "train.learning_rate": 0.01},
    "adamw 0.02": {**ADAMW, "train.learning_rate": 0.02},
    "sgd 0.2": {
        "train.optimiser": "sgd",
        "train.momentum": 0.9,
        "train.learning_rate": 0.2,
        "train.weight_decay": 5e-4,
    },
    "batch 64": {"train.batch_size": 64},
    "batch 256": {"train.batch_size": 256},
    "no label smoothing": {"train.label_smoothing": 0},
    "no average": {"train.ema": 0},
    "not clipped": {"train.clip_norm": 0},
    "no weight decay": {"train.weight_decay": 0},
    "one time step early": {"train.early_timesteps": 1, "train.full_from": 0.8},
    "half side early": {"train.early_side": 0.5, "train.full_from": 0.8},
}


def train(dataset: str, name: str, seed: int, work: str) -> dict[str, Any]:
    """Train once, or read what is there."""
    torch.set_num_threads(1)
    keep_freed_memory()
    run = Path(work) / f"{name.replace(' ', '-')}-{seed}"
    assignments = [f"{key}={value}" for key, value in (BASE | VARIANTS[name]).items()]
    config = {"data": {"name": dataset}}
    neuronas.train(ARCHITECTURE, config=config, assignments=assignments, seed=seed, out=run, resume="auto")
    epochs = list(read_epochs(run / METRICS))
    return {
        "variant": name,
        "seed": seed,
        "validation_accuracy": [epoch.validation_accuracy for epoch in epochs],
        "train_loss": [epoch.train_loss for epoch in epochs],
        "seconds": round(TrainingResult.read(run / TRAINING).seconds, 1),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of the last validation accuracy in percent, and mean seconds, by variant."""
    found = {}
    for name in VARIANTS:
        own = [row for row in rows if row["variant"] == name]
        values = [100 * row["validation_accuracy"][-1] for row in own]
        if own:
            found[name] = {
                "n": len(own),
                "mean": round(fmean(values), 2),
                "standard deviation": round(stdev(values), 2) if len(own) > 1 else None,
                "seconds": round(fmean(row["seconds"] for row in own), 1),
            }
    return found


def main() -> None:
    """Train all variants, write the result after each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="imagefolder:DIR of CIFAR-10")
    parser.add_argument("--work", default="recipe-ideas", help="folder of the runs")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(train, given.dataset, name, seed, given.work)
            for seed in range(given.seeds)
            for name in given.variants.split(",")
        ]
        for job in as_completed(jobs):
            rows.append(job.result())
            print(rows[-1], flush=True)
            rows.sort(key=lambda row: (list(VARIANTS).index(row["variant"]), row["seed"]))
            write("recipe_ideas", {"architecture": ARCHITECTURE, "base": BASE, "summary": summary(rows), "rows": rows})


if __name__ == "__main__":
    main()
