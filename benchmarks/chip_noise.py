"""Measures how much accuracy noise-aware training recovers on chips with a given write variation.

    neuronas train ARCH --out PLAIN --head gap
    neuronas train ARCH --out NOISY --head gap --chip-noise 0.4
    neuronas train PLAIN --start-from PLAIN --out TUNED --chip-noise 0.4 --epochs 60
    python benchmarks/chip_noise.py PLAIN NOISY TUNED

The results in ``results/`` are for three seeds (``--seed`` in all three trainings), with AdamW (60 epochs, peak 0.003).

Other parameters are the accelerator's. Recovery is the fraction of the plain network's accuracy loss on chips (relative
to the quantised network) that a network trained with noise does not lose.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import write
from neuronas.api.evaluating.chip import make_trial
from neuronas.api.setup.settings import planned
from neuronas.api.setup.trained import read_trained
from neuronas.chip.chip_model import chip_model
from neuronas.chip.monte_carlo import simulate
from neuronas.runs.architectures import read_architecture
from neuronas.runs.work import Work
from neuronas.space.notation import format_architecture

VARIATIONS = (0.1, 0.4)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plain", type=Path)
    parser.add_argument("noisy", type=Path, nargs="+")
    parser.add_argument("--chips", type=int, default=10)
    options = parser.parse_args()
    plain = accuracies(options.plain, options.chips)
    rows = []
    for directory in options.noisy:
        settings = planned("train", {}, run=directory).config.train
        noisy = accuracies(directory, options.chips)
        about = {"chip_noise": settings.chip_noise, "fine_tuned": settings.start_from is not None}
        about |= {"epochs": settings.epochs, "quantised_network": noisy[0.0]["mean"]}
        for variation in VARIATIONS:
            lost = [run[0.0]["mean"] - run[variation]["mean"] for run in (plain, noisy)]
            row = {**about, "write_variation": variation, "plain": plain[variation], "noisy": noisy[variation]}
            # A loss of a few images is not significant.
            certain = lost[0] > max(0.02, 2 * plain[variation]["std"] / options.chips**0.5)
            rows.append(row | {"recovery": round(1 - lost[1] / lost[0], 3) if certain else None})
            print(rows[-1])
    architecture = read_architecture(str(options.plain)).architecture
    write(
        f"chip_noise-digits-seed{planned('train', {}, run=options.plain).config.train.seed}",
        {
            "architecture": format_architecture(architecture),
            "n_chips": options.chips,
            "quantised_network": plain[0.0]["mean"],
            "rows": rows,
        },
    )


def accuracies(directory: Path, n_chips: int) -> dict[float, dict[str, Any]]:
    """Accuracy on chips by write variation; 0.0: without non-idealities."""
    given = read_trained(directory, {"chips": n_chips})
    run, trial = given.plan, make_trial(given)
    full = chip_model(run.accelerator, run.config.hardware.accelerator, run.config.network.weight_bits)
    models = {0.0: full.without(full.active)} | {one: replace(full, write_variation=one) for one in VARIATIONS}
    found = {}
    for variation, model in models.items():
        simulated = simulate(trial, model, Work("chips", directory, "chips"), layers=False).accuracies
        found[variation] = {"mean": round(simulated.top1_mean, 4), "std": round(simulated.top1_std or 0.0, 4)}
        print(directory.name, variation, found[variation])
    return found


if __name__ == "__main__":
    main()
