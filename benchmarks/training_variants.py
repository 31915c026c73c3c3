"""Measures cost and effect of training settings: test accuracy, spikes and operations of variants over several seeds.

    python benchmarks/training_variants.py digits [--seeds 3] [--variants base,4-bits]
    python benchmarks/training_variants.py imagefolder:DIR --variants base --seeds 1 --config FILE.yaml --channels 16

Each run uses the commands `train` and `evaluate`; test images are not used for any selection.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import write
from neuronas.runs.metrics import read_epochs

ARCHITECTURE = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|conv_3x3~0|skip~1|conv_3x3~2|"
VARIANTS: dict[str, list[str]] = {
    "base": [],
    "4-bits": ["--weight-bits", "4"],
    "4-bits-lsq": ["--weight-bits", "4", "--scale", "lsq-channel"],
    "4-bits-after": ["--weight-bits", "4", "--quantise", "after"],
    "gap": ["--head", "gap"],
    "few-spikes": ["--rate-weight", "10"],
    "sparse-80": ["--sparsity", "0.8"],
    "ann": ["--ann"],
}
KEPT = (
    "top1",
    "spikes_per_image",
    "synaptic_operations_per_image",
    "multiplications_per_image",
    "literature_energy_uj",
)


def command(*arguments: str) -> str:
    """Run the command line and return what it prints."""
    done = subprocess.run([sys.executable, "-m", "neuronas", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def one(dataset: str, options: list[str], seed: int) -> dict[str, Any]:
    """Train and evaluate once."""
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        started = time.perf_counter()
        command("train", ARCHITECTURE, "--dataset", dataset, "--out", run, "--seed", str(seed), "--quiet", *options)
        seconds = time.perf_counter() - started
        document = json.loads(command("evaluate", run, "--json"))
        curve = [
            row.model_dump(include={"epoch", "train_loss", "train_accuracy", "validation_accuracy"})
            for row in read_epochs(Path(run) / "metrics.jsonl")
        ]
    kept = {key: document[key] for key in KEPT} | {"accuracy_by_bits": document["accuracy_by_bits"]}
    return {"seed": seed, "train_seconds": round(seconds, 1), **kept, "epochs": len(curve), "curve": curve}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--name", default="digits")
    options, more = parser.parse_known_args()
    results: dict[str, Any] = {}
    for name in options.variants.split(","):
        runs = [one(options.dataset, [*VARIANTS[name], *more], seed) for seed in range(options.seeds)]
        accuracies = [run["top1"] for run in runs]
        spread = statistics.stdev(accuracies) if len(runs) > 1 else None
        results[name] = {"top1_mean": statistics.mean(accuracies), "top1_std": spread, "runs": runs}
        print(name, results[name]["top1_mean"], spread, [run["train_seconds"] for run in runs], flush=True)
        write(f"training-{options.name}", {"architecture": ARCHITECTURE, "variants": results})


if __name__ == "__main__":
    main()
