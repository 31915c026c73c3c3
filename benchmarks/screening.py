"""Measures what screening loses: for several seeds, the rank of the screened winner in the exact search.

    python benchmarks/screening.py imagefolder:DIR [--channels 32] [--seeds 5] [--fitness sahd]

Both passes of Algorithm 1: all distinct cells in both places, then all distinct second cells after the exact winner of
the first pass. For each screen size and share kept: the worst rank, over seeds and passes, of the best survivor by
full-batch fitness (1 = the exact result), and the cost of the screen.
"""

import argparse
import time
from math import ceil

import torch

from common import images, write
from full_scale import BATCH, BITS, SIDE, TIMESTEPS
from neuronas.config import FITNESS
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.search.screening import MIN_SURVIVORS
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.canonical import genotype_key
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

SIZES = (16, 32)
KEEP = (0.04, 0.1)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--fitness", default="sahd")
    parser.add_argument("--memory-limit", type=float, default=6.0)
    options = parser.parse_args()
    limit = int(options.memory_limit * 2**30)
    shape = NetworkShape(3, SIDE, 10, options.channels)
    backend = select_backend(NeuronParameters(), torch.device("cpu"), torch.get_num_threads(), limit)
    cells = list({genotype_key(cell): cell for cell in load_space("neuronas").genotypes()}.values())
    rows = []
    for seed in range(options.seeds):
        batch = images(options.dataset, BATCH, seed, SIDE)

        def fitness(some: list[Architecture], size: int, batch: torch.Tensor = batch, seed: int = seed) -> torch.Tensor:
            engine = EngineEvaluator(
                batch[:, :size], shape, WeightSource(seed, BITS), TIMESTEPS, FITNESS[options.fitness], backend, limit
            )
            found = dict(engine.evaluate(some))
            return torch.tensor([found[index] for index in range(len(some))], dtype=torch.float64)

        first: Architecture | None = None
        for name in ("first", "second"):
            candidates = [Architecture((cell,)) for cell in cells]
            if first is not None:
                candidates = [Architecture((first.cells[0], cell)) for cell in cells]
            started = time.perf_counter()
            exact = fitness(candidates, BATCH)
            exact_seconds = time.perf_counter() - started
            ranks = exact.argsort(descending=True).argsort() + 1
            first = candidates[int(exact.argmax())]
            for size in SIZES:
                started = time.perf_counter()
                small = fitness(candidates, size)
                seconds = time.perf_counter() - started
                order = small.argsort(descending=True, stable=True)
                for keep in KEEP:
                    kept = order[: max(MIN_SURVIVORS, ceil(keep * len(candidates)))]
                    rows.append(
                        {
                            "seed": seed,
                            "pass": name,
                            "screen_batch": size,
                            "keep": keep,
                            "rank_of_winner": int(ranks[kept].min()),
                            "rank_of_screen_best": int(ranks[order[0]]),
                            "screen_seconds": round(seconds, 1),
                            "exact_seconds": round(exact_seconds, 1),
                        }
                    )
            print(seed, name, f"exact {exact_seconds:.1f} s")
    summary = []
    for size in SIZES:
        for keep in KEEP:
            these = [row for row in rows if (row["screen_batch"], row["keep"]) == (size, keep)]
            summary.append(
                {
                    "screen_batch": size,
                    "keep": keep,
                    "worst_rank": max(row["rank_of_winner"] for row in these),
                    "worst_rank_needed": max(row["rank_of_screen_best"] for row in these),
                    "screen_share_of_time": round(
                        sum(row["screen_seconds"] for row in these) / sum(row["exact_seconds"] for row in these), 3
                    ),
                }
            )
            print(summary[-1])
    write(
        f"screening-{options.fitness}-{options.channels}",
        {"n_candidates": len(cells), "summary": summary, "rows": rows},
    )


if __name__ == "__main__":
    main()
