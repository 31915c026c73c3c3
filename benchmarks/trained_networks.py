"""Trains small networks of several spaces, precisions and numbers of time steps, as labels for fitness measures.

    python benchmarks/trained_networks.py --cifar10 imagefolder:DIR --fashion-mnist DIR [--minutes 30] [--processes 2]

Each row of ``benchmarks/trained/networks.csv`` is one complete training. Existing rows are not trained again, so the
command can be interrupted at any time and repeated. Test images are not used: networks are trained on one part of the
*training* images and evaluated on another (``N_HELD_OUT``), which is not used for any selection. See
``benchmarks/trained/README.md``.
"""

import argparse
import csv
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import monotonic, process_time
from typing import TypeVar

import numpy as np
import torch

from neuronas.api.training.learning import begin_training
from neuronas.api.training.train import plan_training
from neuronas.data.datasets import open_dataset
from neuronas.data.memory import InMemoryDataSet
from neuronas.experiments.structure import longest_path
from neuronas.machine import keep_freed_memory
from neuronas.runs.work import Work
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import NONE
from neuronas.space.notation import format_architecture
from neuronas.space.spaces import Space, load_space
from neuronas.training.distributed import Process
from neuronas.training.evaluation import accuracy_and_rates
from neuronas.training.images import Images, Split

TABLE = Path(__file__).parent / "trained" / "networks.csv"
N_HELD_OUT, N_VALIDATION = 10_000, 500
EPOCHS, BATCH, LEARNING_RATE = 15, 100, 0.04
SIDE, BITS, TIMESTEPS = 16, 8, 2
CROSSED_BITS, CROSSED_TIMESTEPS = (2, 3, 4, 5, 6, 8), (1, 2, 4, 8)
N_CROSSED, CROSSED_SHARE = 3, 3
"""Additional settings for every third network."""
KERNELS = Space(operations=("skip", "conv_3x3", "conv_5x5", "avg_pool_3x3"), cells=2)
SPACES: Mapping[str, Space] = {
    "neuronas": load_space("neuronas"),
    "snasnet-backward": load_space("snasnet-backward"),
    "kernels": KERNELS,
    "spikenas-bench": load_space("spikenas-bench"),
}


@dataclass(frozen=True)
class Task:
    """A data set, its number of training images, the width, and the number of networks drawn from each space."""

    name: str
    channels: int
    n_training: int
    n_networks: Mapping[str, int]


TASKS = {
    task.name: task
    for task in (
        Task("cifar10", 8, 4_000, {"neuronas": 30, "snasnet-backward": 20, "kernels": 25, "spikenas-bench": 20}),
        Task("fashion-mnist", 8, 4_000, {"neuronas": 20, "snasnet-backward": 15, "kernels": 15, "spikenas-bench": 10}),
    )
}


@dataclass(frozen=True)
class Training:
    """One training, see ``benchmarks/trained/README.md``."""

    id: str
    dataset: str
    space: str
    architecture: str
    depth: int
    channels: int
    image_side: int
    n_training: int
    epochs: int
    weight_bits: int
    timesteps: int
    seed: int


@dataclass(frozen=True)
class Trained(Training):
    """The result of a training."""

    parameters: int
    test_accuracy: float
    training_accuracy: float
    firing_rate_mean: float
    seconds: float


_T = TypeVar("_T")
COLUMNS = [field.name for field in fields(Trained)]


def networks(task: Task) -> Iterator[tuple[str, str, int]]:
    """Space, architecture and depth of the networks of a task, evenly spread over depths, with spaces in turn."""
    drawn = {name: list(_drawn(name, n)) for name, n in task.n_networks.items()}
    for place in range(max(map(len, drawn.values()))):
        for name, found in drawn.items():
            if place < len(found):
                yield name, *found[place]


def _drawn(name: str, n: int) -> Iterator[tuple[str, int]]:
    """Distinct functions: for each depth in turn, the next one from a fixed random sequence."""
    space, random = SPACES[name], Random(f"trained {name}")
    by_depth: dict[int, dict[str, str]] = {}
    for _ in range(600):
        architecture = space.random_architecture(random).cleaned
        if all(any(edge != NONE for edge in cell.edges) for cell in architecture.cells):
            own = by_depth.setdefault(longest_path(architecture, space.cells), {})
            own.setdefault(architecture_key(architecture), format_architecture(architecture))
    queues = {d: list(own.values()) for d, own in sorted(by_depth.items())}
    while n and any(queues.values()):
        for d, queue in queues.items():
            if queue and n:
                yield queue.pop(0), d
                n -= 1


def plan() -> list[Training]:
    """All rows in training order: one seed of each network with other settings in between, then the second seed."""
    base, crossed = [], []
    for task in TASKS.values():
        for number, (space, architecture, d) in enumerate(networks(task)):
            facts = (task.name, space, architecture, d, task.channels, SIDE, task.n_training, EPOCHS)
            name = f"{task.name}-{number:03}"
            base.append(
                [Training(f"{name}-b{BITS}-t{TIMESTEPS}-s{seed}", *facts, BITS, TIMESTEPS, seed) for seed in (0, 1)]
            )
            if number % CROSSED_SHARE == 0:
                every = [(b, t) for b in CROSSED_BITS for t in CROSSED_TIMESTEPS if (b, t) != (BITS, TIMESTEPS)]
                every = [
                    one for one in every if one[1] > 1 or not SPACES[space].backward
                ]  # feedback needs at least two time steps
                for b, t in Random(f"settings {name}").sample(every, N_CROSSED):
                    crossed.append(Training(f"{name}-b{b}-t{t}-s0", *facts, b, t, 0))
    return [*_mixed([*(pair[0] for pair in base), *crossed]), *(pair[1] for pair in _mixed(base))]


def _mixed(items: list[_T]) -> list[_T]:
    return Random("order").sample(items, len(items))


@cache
def data(task_name: str, where: str, side: int) -> InMemoryDataSet:
    """Training images followed by ``N_HELD_OUT`` images for evaluation, all from the data set's training images."""
    task = TASKS[task_name]
    opened = open_dataset(where) if where.startswith("imagefolder:") else open_dataset(task_name, where)
    source = opened.load("train", (side, side))
    chosen = np.random.default_rng(0).permutation(len(source.labels))[: task.n_training + N_HELD_OUT]
    images = torch.stack([source.read(int(index)) for index in chosen]).numpy()
    return InMemoryDataSet((images, source.labels[chosen]), mean=opened.mean, std=opened.std)


def train(row: Training, where: str) -> Trained:
    """Train and evaluate one network."""
    torch.set_num_threads(1)
    keep_freed_memory()
    started, images_of = process_time(), data(row.dataset, where, row.image_side)
    augment = {"cifar10": "flip", "fashion-mnist": "shift"}[row.dataset]
    options = {
        "dataset": images_of, "channels": row.channels, "epochs": row.epochs, "batch_size": BATCH, "seed": row.seed,
        "timesteps": row.timesteps, "weight_bits": row.weight_bits, "scale": "lsq", "augment": augment,
        "precision": "float32", "optimiser": "muon", "learning_rate": LEARNING_RATE,
    }  # fmt: skip
    planned = plan_training(row.architecture, options)
    images = Images(images_of.load("train", row.image_side), images_of.mean, images_of.std)
    training = np.arange(row.n_training)
    held_out = np.arange(row.n_training, row.n_training + N_HELD_OUT)
    process = Process(0, 1, torch.device("cpu"))
    with tempfile.TemporaryDirectory(prefix="trained-") as folder:
        split = Split(training, held_out[:N_VALIDATION])
        trainer = begin_training(
            planned.plan, planned.given.architecture, images, split, Path(folder), row.id, process, None, resume=False
        )
        trainer.run(Work("train", Path(folder), "images", logs=False))
        last = trainer.state.evaluated
        found, on_training = (accuracy_and_rates(last, images, part, process) for part in (held_out, training[:2_000]))
    rates = [rate for rate in found.rates.values() if rate]
    return Trained(
        **asdict(row),
        parameters=sum(layer.weight.numel() for layer in trainer.state.network.weighted_layers().values()),
        test_accuracy=round(100 * found.top1, 2),
        training_accuracy=round(100 * on_training.top1, 2),
        firing_rate_mean=round(sum(rates) / max(1, len(rates)), 5),
        seconds=round(process_time() - started, 1),
    )


def read() -> set[str]:
    """The ids in the table."""
    if not TABLE.is_file():
        return set()
    with TABLE.open(newline="", encoding="utf-8") as file:
        return {row["id"] for row in csv.DictReader(file)}


def main() -> None:
    """Train missing networks until the time limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar10", required=True, help="imagefolder:DIR")
    parser.add_argument("--fashion-mnist", required=True, help="folder that holds fashion-mnist/*.gz")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=int, help="maximum number of trainings")
    given = parser.parse_args()
    deadline = monotonic() + 60 * given.minutes
    where = {"cifar10": given.cifar10, "fashion-mnist": given.fashion_mnist}
    missing = [row for row in plan() if row.id not in read()][: given.limit]
    TABLE.parent.mkdir(exist_ok=True)
    is_new = not TABLE.is_file()
    with TABLE.open("a", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            table.writeheader()
        with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
            rows = iter(missing)
            running = {pool.submit(train, row, where[row.dataset]) for row in islice(rows, given.processes)}
            while running:
                finished = next(as_completed(running))
                running.remove(finished)
                table.writerow(asdict(finished.result()))
                file.flush()
                print(finished.result().id, finished.result().test_accuracy, finished.result().seconds, flush=True)
                if monotonic() < deadline and (row := next(rows, None)) is not None:
                    running.add(pool.submit(train, row, where[row.dataset]))


if __name__ == "__main__":
    main()
