"""Measures how the ranking of a fitness depends on images, precision, time steps and the random seed of the weights.

    python benchmarks/fitness_inputs.py --dataset imagefolder:DIR [--functions 200]

Random functions of SpikeNAS-Bench's space are ranked with photographs, 8 bits and T = 5; then one condition is changed
at a time. Spearman's rho with the first ranking measures the effect: a fitness with rho 1 for white noise does not
depend on the images.
"""

import argparse
from dataclasses import replace
from random import Random

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


def variants(photographs: torch.Tensor, others: torch.Tensor) -> dict[str, tuple[torch.Tensor, WeightSource, int]]:
    """Images, weights and T of each ranking; the first is the reference."""
    torch.manual_seed(0)
    weights = WeightSource(0, BITS)
    grey = photographs.mean(dim=(2, 3, 4), keepdim=True).expand_as(photographs).contiguous()
    return {
        "photographs, 8 bits, T = 5": (photographs, weights, TIMESTEPS),
        "other photographs": (others, weights, TIMESTEPS),
        "white noise": (torch.randn_like(photographs), weights, TIMESTEPS),
        "each image one grey": (grey, weights, TIMESTEPS),
        "other random weights": (photographs, replace(weights, seed=1), TIMESTEPS),
        **{
            f"{'float' if bits == 32 else f'{bits} bits'}": (photographs, replace(weights, weight_bits=bits), TIMESTEPS)
            for bits in (32, 6, 4, 3, 2)
        },
        **{f"T = {t}": (photographs, weights, t) for t in (10, 2, 1)},
    }


def main() -> None:
    """Rank with every measure under every condition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--functions", type=int, default=200)
    given = parser.parse_args()
    drawn = functions(given.functions)
    conditions = variants(*(images(given.dataset, BATCH, seed) for seed in (0, 1)))
    shape = NetworkShape(3, 32, 10, CHANNELS)
    backend = select_backend(NeuronParameters(), torch.device("cpu"), torch.get_num_threads(), 2**32)
    results: dict[str, dict[str, float]] = {}
    for name in MEASURES:
        first: list[float] = []
        for condition, (batches, weights, timesteps) in conditions.items():
            engine = EngineEvaluator(batches, shape, weights, timesteps, BUILTIN[name], backend, 2**32)
            found = [value for _, value in sorted(engine.evaluate(drawn))]
            first = first or found
            results.setdefault(name, {})[condition] = round(float(spearmanr(first, found).statistic), 4)
            print(name, condition, results[name][condition], flush=True)
    write("fitness_inputs", {"functions": given.functions, "channels": CHANNELS, "batch_size": BATCH, "rho": results})


if __name__ == "__main__":
    main()
