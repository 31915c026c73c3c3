"""Measures how the ranking of a fitness depends on images, precision, time steps, width and the seed of the weights.

    python benchmarks/fitness_inputs.py --dataset imagefolder:DIR [--functions 200]

Random functions of SpikeNAS-Bench's space are ranked with photographs, 8 bits and T = 5; then one condition is changed
at a time. Spearman's rho with the first ranking measures the effect: a fitness with rho 1 for white noise does not
depend on the images. For each condition, the processor time per function is recorded as well.
"""

import argparse
from dataclasses import replace
from random import Random
from time import process_time
from typing import NamedTuple

import torch
from scipy.stats import spearmanr

from common import images, write
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.fitness.measures import BUILTIN
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import NONE, Architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

CHANNELS, BATCH, TIMESTEPS, BITS = 16, 64, 5, 8
MEASURES = ("path-information",)


def functions(n: int) -> list[Architecture]:
    """Distinct connected functions, drawn at random."""
    space, random = load_space("spikenas-bench"), Random(0)
    found: dict[str, Architecture] = {}
    while len(found) < n:
        architecture = space.random_architecture(random).cleaned
        if any(edge != NONE for edge in architecture.cells[0].edges):
            found.setdefault(architecture_key(architecture), architecture)
    return list(found.values())


class Condition(NamedTuple):
    """What a ranking is computed with."""

    images: torch.Tensor
    weights: WeightSource
    timesteps: int = TIMESTEPS
    channels: int = CHANNELS


def conditions_of(photographs: torch.Tensor, others: torch.Tensor) -> dict[str, Condition]:
    """The condition of each ranking; the first is the reference."""
    torch.manual_seed(0)
    weights = WeightSource(0, BITS)
    grey = photographs.mean(dim=(2, 3, 4), keepdim=True).expand_as(photographs).contiguous()
    return {
        "photographs, 8 bits, T = 5": Condition(photographs, weights),
        "other photographs": Condition(others, weights),
        "white noise": Condition(torch.randn_like(photographs), weights),
        "each image one grey": Condition(grey, weights),
        "other random weights": Condition(photographs, replace(weights, seed=1)),
        **{
            f"{'float' if bits == 32 else f'{bits} bits'}": Condition(photographs, replace(weights, weight_bits=bits))
            for bits in (32, 6, 4, 3, 2)
        },
        **{f"T = {t}": Condition(photographs, weights, timesteps=t) for t in (10, 2, 1)},
        **{f"{n} channels": Condition(photographs, weights, channels=n) for n in (4, 8, 32, 64, 128)},
    }


def main() -> None:
    """Rank with every measure under every condition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--functions", type=int, default=200)
    given = parser.parse_args()
    drawn = functions(given.functions)
    conditions = conditions_of(*(images(given.dataset, BATCH, seed) for seed in (0, 1)))
    backend = select_backend(NeuronParameters(), torch.device("cpu"), torch.get_num_threads(), 2**32)
    results: dict[str, dict[str, float]] = {}
    times: dict[str, dict[str, float]] = {}
    for name in MEASURES:
        first: list[float] = []
        for condition, given_to in conditions.items():
            shape = NetworkShape(3, 32, 10, given_to.channels)
            engine = EngineEvaluator(
                given_to.images, shape, given_to.weights, given_to.timesteps, BUILTIN[name], backend, 2**32
            )
            begun = process_time()
            found = [value for _, value in sorted(engine.evaluate(drawn))]
            times.setdefault(name, {})[condition] = round((process_time() - begun) / len(drawn), 4)
            first = first or found
            results.setdefault(name, {})[condition] = round(float(spearmanr(first, found).statistic), 4)
            print(name, condition, results[name][condition], times[name][condition], flush=True)
    facts = {"functions": given.functions, "channels": CHANNELS, "batch_size": BATCH}
    write("fitness_inputs", {**facts, "rho": results, "processor_seconds_per_function": times})


if __name__ == "__main__":
    main()
