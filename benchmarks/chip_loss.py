"""Trains small networks on digits and simulates them on chips with other arrays, to measure the accuracy loss.

    python benchmarks/chip_loss.py RUNS [--networks 12] [--chips 12]

Each row of ``benchmarks/trained/chips.csv`` is one network on one kind of chip. Existing rows are not simulated again,
so the command can be interrupted at any time and repeated. ``RUNS`` keeps the trained networks. The columns are
explained in ``benchmarks/trained/README.md``; ``benchmarks/fit_chip_loss.py`` fits a model to the table.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random

import numpy as np
import torch

import neuronas
from neuronas.api.evaluating.chip import make_trial
from neuronas.api.setup.trained import read_trained
from neuronas.chip.chip_model import chip_model
from neuronas.chip.monte_carlo import simulate
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.scaling import ChipArrays, scaled_accelerator
from neuronas.hardware.sweep import vary
from neuronas.runs.architectures import read_architecture
from neuronas.runs.directory import TRAINING
from neuronas.runs.results import TrainingResult
from neuronas.runs.work import Work
from neuronas.space.notation import format_architecture
from neuronas.space.spaces import load_space
from neuronas.training.evaluation import accuracy

TABLE = Path(__file__).parent / "trained" / "chips.csv"
BASE = "spikeflow-rram"
ARRAYS = ((32, 64, 128), (8, 16, 32, 64, 128), (1, 2, 4), (3, 4, 5, 6, 8), (1, 2))
"""Choices of ``random_arrays``."""
VARIATIONS = (0.02, 0.1, 0.2)
CHANNELS, TIMESTEPS, WEIGHT_BITS = (6, 8, 12, 16), (2, 3, 4), (4, 6, 8)
N_SIMULATED = 2


@dataclass(frozen=True)
class Pair:
    """A row of the table."""

    network: str
    architecture: str
    channels: int
    timesteps: int
    weight_bits: int
    crossbar_size: int
    rows_per_read: int
    bits_per_cell: int
    adc_bits: int
    n_sign_columns: int
    write_variation: float
    accuracy: float
    chip_accuracy: float
    n_chips: int
    n_images: int


def chip_with(chosen: tuple[int, ...]) -> Accelerator:
    """The base chip with other arrays: size, rows, bits per cell, ADC bits, sign columns."""
    size, rows, cell_bits, adc_bits, signs = chosen
    values = (size, rows, cell_bits, adc_bits, size // 8, signs)
    arrays = ChipArrays(*(np.array([float(value)]) for value in values))
    return scaled_accelerator(load_accelerator(BASE), arrays, BASE)


def random_arrays(random: Random, choices: Sequence[Sequence[int]], weight_bits: int) -> tuple[int, ...]:
    """Random arrays (see ``chip_with``) that can hold weights of these bits."""
    while True:
        chosen = tuple(map(random.choice, choices))
        size, rows, cell_bits, _, signs = chosen
        if rows <= size and cell_bits <= weight_bits - (signs - 1):
            return chosen


def kinds(random: Random, weight_bits: int, n: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """Random kinds of chips that support this weight precision."""
    for _ in range(n):
        yield random_arrays(random, ARRAYS, weight_bits), random.choice(VARIATIONS)


def trained(number: int, runs: Path) -> Path:
    """The run of a network; trained if it is missing."""
    random, out = Random(number), runs / f"network-{number}"
    architecture = format_architecture(load_space("neuronas").random_architecture(random))
    channels, timesteps, bits = (random.choice(values) for values in (CHANNELS, TIMESTEPS, WEIGHT_BITS))
    if not TrainingResult.is_finished(out / TRAINING):
        neuronas.train(
            architecture, dataset="digits", channels=channels, timesteps=timesteps, weight_bits=bits, epochs=12,
            recipe="fast", out=out, seed=number, resume="auto",
        )  # fmt: skip
    return out


def pairs(number: int, runs: Path, n: int, known: set[tuple[object, ...]]) -> Iterator[Pair]:
    """The missing rows of one network."""
    directory = trained(number, runs)
    given = read_trained(directory, {"chips": N_SIMULATED})
    architecture = format_architecture(read_architecture(str(directory)).architecture)
    network = given.plan.config.network
    trial = make_trial(given)
    ideal = accuracy(trial.network, trial.images, trial.indices, trial.device).top1
    for chosen, variation in kinds(Random(1000 + number), network.weight_bits, n):
        size, rows, cell_bits, adc_bits, signs = chosen
        if (str(number), *map(str, chosen), str(variation)) in known:
            continue
        chip = vary(chip_with(chosen), "device.write_variation", variation)
        model = chip_model(chip, BASE, network.weight_bits)
        found = simulate(trial, model, Work("chips", directory, "chips"), layers=False).accuracies
        yield Pair(
            str(number), architecture, network.channels, network.timesteps,
            network.weight_bits, size, rows, cell_bits, adc_bits, signs, variation, round(ideal, 4),
            round(found.top1_mean, 4), N_SIMULATED, len(trial.images),
        )  # fmt: skip


def main() -> None:
    """Simulate and write the missing rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--networks", type=int, default=12)
    parser.add_argument("--chips", type=int, default=12)
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = [field.name for field in fields(Pair)]
    rows = list(csv.DictReader(TABLE.read_text().splitlines())) if TABLE.exists() else []
    keys = (
        "network",
        "crossbar_size",
        "rows_per_read",
        "bits_per_cell",
        "adc_bits",
        "n_sign_columns",
        "write_variation",
    )
    known = {tuple(row[key] for key in keys) for row in rows}
    with TABLE.open("a", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        if not file.tell():
            writer.writeheader()
        for number in range(options.networks):
            for pair in pairs(number, options.runs, options.chips, known):
                writer.writerow(asdict(pair))
                file.flush()
                print(pair)


if __name__ == "__main__":
    main()
