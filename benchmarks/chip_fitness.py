"""Measures the effect of a chip's non-idealities on the fitness of untrained networks and on their ranking.

    python benchmarks/chip_fitness.py [--n 60] [--chips 5] [--seed 0] [--fitness sahd]

Random architectures on the digits (16/32 channels, T = 3, batch 64, 8 bits): fitness of the ideal network compared with
the mean over simulated chips (``--chip-fitness``), at the write variation of Table I and above. Results: Kendall's tau
of the two rankings, spread over chips compared with the spread over architectures, and the best architecture.
"""

import argparse
import random
from dataclasses import replace

import numpy as np
import torch
from scipy.stats import kendalltau

from common import write
from neuronas.chip.chip_model import chip_model
from neuronas.chip.chip_weights import WITHOUT, ChipWeights
from neuronas.config import FITNESS
from neuronas.data.batches import search_batches
from neuronas.data.presets import Digits
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.hardware.accelerator import load_accelerator
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

HARDWARE, BITS, TIMESTEPS, MEMORY = "spikeflow-rram", 8, 3, 2**31
VARIATIONS = (0.1, 0.2, 0.4)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--chips", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fitness", default="sahd")
    options = parser.parse_args()
    digits, space, rng = Digits(), load_space("neuronas"), random.Random(options.seed)
    candidates = [space.random_architecture(rng) for _ in range(options.n)]
    source = digits.load("train", 8)
    batches = search_batches(source, 64, 1, options.seed, digits.mean, digits.std, skip_corrupt=False)
    shape = NetworkShape(digits.image_channels, 8, digits.n_classes, 16)
    backend = select_backend(NeuronParameters(), torch.device("cpu"), torch.get_num_threads(), MEMORY)

    def fitness(weights: WeightSource) -> np.ndarray:
        engine = EngineEvaluator(batches, shape, weights, TIMESTEPS, FITNESS[options.fitness], backend, MEMORY)
        return np.array([value for _, value in sorted(engine.evaluate(candidates))])

    ideal = fitness(WeightSource(options.seed, BITS))
    usable = np.isfinite(ideal)
    model = chip_model(load_accelerator(HARDWARE), HARDWARE, BITS).without(WITHOUT)
    rows = []
    for variation in VARIATIONS:
        kind = replace(model, write_variation=variation)
        each = np.stack(
            [fitness(ChipWeights(options.seed, BITS, model=kind, chip=chip)) for chip in range(options.chips)]
        )
        chosen = usable & np.isfinite(each).all(axis=0)
        mean = each[:, chosen].mean(axis=0)
        rows.append(
            {
                "write_variation": variation,
                "n": int(chosen.sum()),
                "tau": round(float(kendalltau(ideal[chosen], mean).statistic), 3),
                "spread_over_chips": round(float(each[:, chosen].std(axis=0, ddof=1).mean()), 3),
                "spread_over_architectures": round(float(mean.std(ddof=1)), 3),
                "mean_change": round(float((mean - ideal[chosen]).mean()), 3),
                "same_first": bool(ideal[chosen].argmax() == mean.argmax()),
            }
        )
        print(rows[-1])
    write(f"chip_fitness-{options.fitness}", {**vars(options), "hardware": HARDWARE, "rows": rows})


if __name__ == "__main__":
    main()
