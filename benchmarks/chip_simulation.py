"""Measures the accuracy of a trained run on simulated chips, and the time of the simulation.

    neuronas train '|conv_3x3~0|+|skip~0|conv_3x3~1|+|conv_3x3~0|skip~1|conv_3x3~2|' --out RUN --head gap
    python benchmarks/chip_simulation.py RUN [--chips 20]

Times are the best of three passes over the test images, with the default number of threads of torch.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from common import write
from neuronas.api.evaluating.chip import make_trial, simulate_chips
from neuronas.api.setup.trained import read_trained
from neuronas.chip.chip_model import ChipModel, chip_model
from neuronas.chip.design import make_design
from neuronas.snn.classifier import Classifier
from neuronas.space.notation import format_architecture
from neuronas.training.passes import class_scores

REPEATS = 3


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--chips", type=int, default=20)
    options = parser.parse_args()
    chips = {"chips": options.chips}
    given = read_trained(options.run, chips)
    run = given.plan
    trial = make_trial(given)
    full = chip_model(run.accelerator, run.config.hardware.accelerator, run.config.network.weight_bits)

    def seconds(network: Classifier) -> float:
        return best(lambda: class_scores(network, trial.images, trial.indices, trial.device))

    def chip(model: ChipModel) -> Classifier:
        return make_design(trial.network, model, trial.pixels, trial.calibration).chip(0, 0)

    seconds(trial.network)  # warm-up
    plain = class_scores(trial.network, trial.images, trial.indices, trial.device)
    ideal_model = full.without(full.active)
    ideal = class_scores(chip(ideal_model), trial.images, trial.indices, trial.device)
    times = {"plain": seconds(trial.network)}
    times["ideal"] = seconds(chip(ideal_model))
    times["all but adc"] = seconds(chip(full.without(["adc"])))
    times["all"] = seconds(chip(full))
    times["ratio ideal"] = times["ideal"] / times["plain"]
    times["ratio all"] = times["all"] / times["plain"]
    started = time.perf_counter()
    once = simulate_chips(given)
    whole = time.perf_counter() - started
    evaluation = simulate_chips(read_trained(options.run, {**chips, "ablation": True}))
    content: dict[str, Any] = {
        "architecture": format_architecture(given.architecture),
        "largest_difference_of_the_ideal_chip": float((ideal - plain).abs().max()),
        "threads": torch.get_num_threads(),
        "seconds_of_one_pass": {name: round(value, 3) for name, value in times.items()},
        "seconds_of_all_chips": round(whole, 1),
        "reproduced": once.top1_per_chip == evaluation.top1_per_chip,
        **{key: value for key, value in evaluation.plain().items() if key not in ("run", "seconds")},
    }
    write(f"chip_simulation-{evaluation.dataset}-{evaluation.weight_bits}bits", content)


def best(work: Callable[[], object]) -> float:
    """Shortest time of several runs, in seconds."""
    found = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


if __name__ == "__main__":
    main()
