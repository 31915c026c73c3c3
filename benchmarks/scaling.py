"""How the cost of a search grows with batch, channels, time steps, image side and cells.

    python benchmarks/scaling.py imagefolder:DIR

The first pass of Algorithm 1 over a fixed sample of 60 cells, one setting changed at a time; seconds are the
best of two runs, the ratio is to the base.
"""

import argparse
import random
import time

import torch

from common import images, write
from neuronas.config import FITNESS
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

BASE = {"batch": 64, "channels": 64, "timesteps": 5, "side": 32, "cells": 2}
CHANGES = {
    "batch": (32, 128, 256),
    "channels": (16, 32, 128),
    "timesteps": (2, 10),
    "side": (16, 48),
    "cells": (1, 3),
}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    options = parser.parse_args()
    rng = random.Random(0)
    space = load_space("neuronas")
    candidates = [Architecture((space.random_genotype(rng),)) for _ in range(60)]
    backend = select_backend(NeuronParameters(), torch.device("cpu"), torch.get_num_threads(), 6 * 2**30)

    def seconds(batch: int, channels: int, timesteps: int, side: int, cells: int) -> float:
        shape = NetworkShape(3, side, 10, channels, n_cells=cells)
        engine = EngineEvaluator(
            images(options.dataset, batch, 0, side),
            shape,
            WeightSource(0, 8),
            timesteps,
            FITNESS["sahd"],
            backend,
            6 * 2**30,
        )
        times = []
        for _ in range(2):
            started = time.perf_counter()
            list(engine.evaluate(candidates))
            times.append(time.perf_counter() - started)
        return min(times)

    base = seconds(**BASE)
    rows = [{"changed": "base", **BASE, "seconds": round(base, 2), "ratio": 1.0}]
    for name, values in CHANGES.items():
        for value in values:
            setting = BASE | {name: value}
            found = seconds(**setting)
            rows.append({"changed": name, **setting, "seconds": round(found, 2), "ratio": round(found / base, 2)})
            print(rows[-1])
    write("scaling", {"n_candidates": len(candidates), "rows": rows})


if __name__ == "__main__":
    main()
