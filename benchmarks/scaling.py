"""Measures how search time grows with batch size, channels, T, pixels, cells, candidates and workers.

    python benchmarks/scaling.py imagefolder:DIR [--targets avx2 avx512] [--repeats 2]

Random cells, one setting changed at a time, one thread, each instruction set in turn. The measure is CPU time, the best
of ``--repeats`` interleaved rounds; other programs on the machine hardly affect it. Workers are simulated in this
process: the candidates are split as by the distributor, each piece is timed, and pieces are assigned to the next free
worker. Each measurement is a line of ``--points``; repeating the command measures what is missing there and writes
results, tables and picture again. Remove the file to measure everything again.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import torch

from common import images, machine, write
from neuronas.config import FITNESS
from neuronas.distribution.distributor import PIECES_PER_WORKER
from neuronas.distribution.subtrees import subtrees
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.native.backend import NativeBackend
from neuronas.kernels.library import load
from neuronas.kernels.targets import TARGETS
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from scaling_law import BASE, CHANGES, draw, fits, tabulate
from workers import makespan

MEMORY_BYTES = 6 * 2**30
POINTS = Path("build/scaling.jsonl")
Setting = dict[str, int]


def settings() -> Iterator[Setting]:
    """The base, then each axis with the others at their base value."""
    yield BASE
    for axis, values in CHANGES.items():
        yield from (BASE | {axis: value} for value in values if value != BASE[axis])


@cache
def backend(target: str) -> NativeBackend:
    """The kernels of an instruction set, on one thread."""
    supported = {one.name: one for one in TARGETS if one.is_supported}
    if target not in supported:
        raise SystemExit(f"--targets {target} given; expected some of {', '.join(supported)}, which this machine has")
    return NativeBackend(load(supported[target]), NeuronParameters(), 1, MEMORY_BYTES)


@cache
def warm(target: str) -> None:
    """Warm-up: use the kernels once and allocate memory."""
    measured(target, BASE, torch.randn(1, BASE["batch"], 3, BASE["side"], BASE["side"]))


@cache
def draws(n: int) -> tuple[Architecture, ...]:
    """Candidates with equal cells, as in the first pass of Algorithm 1."""
    rng, space = random.Random(0), load_space("neuronas")
    return tuple(Architecture((space.random_genotype(rng),)) for _ in range(n))


def measured(target: str, setting: Setting, batch: torch.Tensor) -> dict[str, float]:
    """CPU time, wall-clock time until the last worker has finished, and CPU time of all workers, in seconds."""
    engine = EngineEvaluator(
        batch,
        NetworkShape(3, setting["side"], 10, setting["channels"], n_cells=setting["cells"]),
        WeightSource(0, 8),
        setting["timesteps"],
        FITNESS["path-information"],
        backend(target),
        MEMORY_BYTES,
    )
    candidates, n_workers = draws(setting["candidates"]), setting["workers"]
    n_pieces = n_workers * PIECES_PER_WORKER if n_workers > 1 else 1
    times = []
    for piece in subtrees(candidates, setting["cells"], n_pieces):
        started = time.process_time(), time.perf_counter()
        if sum(1 for _ in engine.evaluate([candidates[index] for index in piece])) != len(piece):
            raise SystemExit("not every candidate was evaluated")
        times.append((time.process_time() - started[0], time.perf_counter() - started[1]))
    processor, wall = zip(*times, strict=True)
    return {
        "processor_s": makespan(processor, n_workers),
        "wall_s": makespan(wall, n_workers),
        "work_s": sum(processor),
    }


def complete(file: Path, dataset: str, targets: list[str], repeats: int) -> list[dict[str, Any]]:
    """The points of a file, after measuring and adding the missing ones."""
    file.parent.mkdir(parents=True, exist_ok=True)
    points = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    processor = machine()["processor"]
    if others := {one["processor"] for one in points} - {processor}:
        raise SystemExit(f"{file} is from another machine ({', '.join(others)}); remove it or give another --points")
    known = {(one["target"], one["round"], *one["setting"].values()) for one in points}
    with file.open("a", encoding="utf-8") as lines:
        for number in range(repeats):
            for setting in settings():
                todo = [target for target in targets if (target, number, *setting.values()) not in known]
                batch = images(dataset, setting["batch"], 0, setting["side"]) if todo else torch.empty(0)
                for target in todo:
                    warm(target)
                    about = {"processor": processor, "target": target, "round": number, "setting": setting}
                    points.append(about | measured(target, setting, batch))
                    lines.write(json.dumps(points[-1]) + "\n")
                    lines.flush()
                    print(points[-1], flush=True)
    return points


def main() -> None:
    """Measure what is missing, fit, and write results, tables and picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--targets", nargs="+", default=["avx2", "avx512"], help="as in NEURONAS_TARGET")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--points", type=Path, default=POINTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = {target: backend(target).name for target in options.targets}
    points = complete(options.points, options.dataset, options.targets, options.repeats)
    found = {target: fits(one for one in points if one["target"] == target) for target in options.targets}
    for target, axes in found.items():
        ratios = [row["wall_s"] / row["processor_s"] for one in axes.values() for row in one["rows"]]
        content = {
            "machine": machine() | {"kernels": names[target]},
            "base": BASE,
            "note": "one thread; processor time is fitted, best of the rounds of a row; wall time over processor time "
            "well above 1: other programs were running, and the processor time of a shared cache is longer than alone",
            "wall_over_processor": round(median(ratios), 2),
        }
        write(f"scaling-{target}", content | {"axes": axes})
    tabulate(found)
    draw(found)


if __name__ == "__main__":
    main()
