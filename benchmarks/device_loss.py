"""Simulates the networks of ``narrow_networks.py`` on chips with measured devices, to measure the accuracy loss.

    python benchmarks/device_loss.py RUNS [--networks 50] [--chips 5]

``RUNS`` is the folder of ``narrow_networks.py``. Each row of ``benchmarks/trained/devices.csv`` is one network on one
kind of chip, some time after programming. Existing rows are not simulated again, so the command can be interrupted at
any time and repeated. The columns are explained in ``benchmarks/trained/README.md``; ``benchmarks/fit_chip_loss.py``
fits a model to the table.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random

import torch

from chip_loss import BASE, chip_with, random_arrays
from neuronas.api.evaluating.chip import make_trial
from neuronas.api.setup.trained import read_trained
from neuronas.chip.chip_model import chip_model
from neuronas.chip.monte_carlo import simulate
from neuronas.config import SECONDS
from neuronas.hardware.device_model import load_device_model
from neuronas.runs.work import Work
from neuronas.training.evaluation import accuracy

TABLE = Path(__file__).parent / "trained" / "devices.csv"
DAY = float(SECONDS["d"])
TIMES = {"rram-wan-2022": (1.0, 3_600.0, DAY, 2 * DAY), "pcm-nandakumar-2019": (20.0, 3_600.0, DAY)}
DEVICES = ("rram-wan-2022", "rram-wan-2022", "pcm-nandakumar-2019")
ARRAYS = ((32, 64), (4, 8, 16, 32, 64), (1, 2, 4), (3, 4, 6), (1, 2))
"""Choices of ``random_arrays``."""
N_SIMULATED = 4


@dataclass(frozen=True)
class Pair:
    """A row of the table."""

    network: int
    channels: int
    weight_bits: int
    crossbar_size: int
    rows_per_read: int
    bits_per_cell: int
    adc_bits: int
    n_sign_columns: int
    device_model: str
    after_s: float
    accuracy: float
    chip_accuracy: float
    n_chips: int
    n_images: int


def kinds(random: Random, weight_bits: int, n: int) -> Iterator[tuple[tuple[int, ...], str, float]]:
    """Random kinds of chips that support this weight precision: arrays, device model, time after programming."""
    for _ in range(n):
        chosen, device = random_arrays(random, ARRAYS, weight_bits), random.choice(DEVICES)
        yield chosen, device, random.choice(TIMES[device])


def pairs(number: int, directory: Path, n: int) -> Iterator[Pair]:
    """The rows of one network."""
    given = read_trained(directory, {"chips": N_SIMULATED})
    network = given.plan.config.network
    weight_bits = int(network.weight_bits)  # type: ignore[arg-type]
    trial = make_trial(given)
    ideal = accuracy(trial.network, trial.images, trial.indices, trial.device).top1
    for chosen, device, after_s in kinds(Random(2000 + number), weight_bits, n):
        model = chip_model(chip_with(chosen), BASE, weight_bits, device_model=load_device_model(device)).after(after_s)
        found = simulate(trial, model, Work("chips", directory, "chips"), layers=False).accuracies
        yield Pair(
            number, network.channels, weight_bits, *chosen, device, after_s,
            round(ideal, 4), round(found.top1_mean, 4), N_SIMULATED, len(trial.images),
        )  # fmt: skip


def main() -> None:
    """Simulate and write the missing rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--networks", type=int, default=50)
    parser.add_argument("--chips", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())) if TABLE.exists() else []
    with TABLE.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Pair)], lineterminator="\n")
        if not file.tell():
            writer.writeheader()
        for number in range(given.networks):
            if sum(row["network"] == str(number) for row in rows) == given.chips:
                continue
            writer.writerows(map(asdict, pairs(number, given.runs / str(number), given.chips)))
            file.flush()
            print(number, flush=True)


if __name__ == "__main__":
    main()
