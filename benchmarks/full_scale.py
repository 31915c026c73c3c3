"""Algorithm 1 at full scale, and how far it is from the floor.

Full scale: images 3x32x32, 128/256 channels, T = 5, batch 256, 8 bits, the paper's budgets.

    python benchmarks/full_scale.py imagefolder:DIR [--seed 0] [--exact] [--memory-limit 6] [--fitness sahd]

The floor is what any exact evaluation of these candidates needs: the multiply-accumulates of the distinct
convolutions at the integer convolution rate of this machine, and the bytes that must pass through memory
(convolution sums and spikes written once; sums read once for each distinct LIF layer) at its copy bandwidth.
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch

from common import images, synchronise, write
from neuronas.config import ALGORITHMS, FITNESS, SearchConfig
from neuronas.fitness.engine.backend import Array, Backend, Fired, Geometry
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.fitness.engine.values import Leaf
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.budget import PAPER_BUDGET
from neuronas.hardware.paper import PaperCostModel
from neuronas.runs.history import History
from neuronas.search.loop import search
from neuronas.search.problem import Problem
from neuronas.search.screening import Evaluators
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

TIMESTEPS, BITS, CHANNELS, BATCH, SIDE = 5, 8, 128, 256, 32


class Accounting:
    """A backend that counts operations, bytes and seconds of another."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self.macs = self.bytes = 0
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def _timed(self, name: str, *arguments: Any, **options: Any) -> Any:
        synchronise()
        started = time.perf_counter()
        result = getattr(self.backend, name)(*arguments, **options)
        synchronise()
        self.seconds[name] += time.perf_counter() - started
        self.calls[name] += 1
        return result

    def convolve(self, spikes: torch.Tensor, weights: Any, geometry: Geometry) -> Array:
        array: Array = self._timed("convolve", spikes, weights, geometry)
        self.macs += geometry.n_values * weights.codes.shape[0] * weights.codes.shape[2] ** 2
        self.bytes += geometry.n_values + array.n_bytes
        return array

    def fire(self, value: Any, leaves: dict[Any, Array], geometry: Geometry, *rest: Any, **options: Any) -> Fired:
        fired: Fired = self._timed("fire", value, leaves, geometry, *rest, **options)
        self.bytes += sum(array.n_bytes for array in leaves.values())
        self.bytes += geometry.n_values if options["with_spikes"] else 0
        return fired

    def reduce(self, convolved: Array, geometry: Geometry) -> Array:
        array: Array = self._timed("reduce", convolved, geometry)
        self.bytes += convolved.n_bytes + array.n_bytes
        return array


def convolution_rate(backend: Backend) -> float:
    """GMAC/s of the fastest of some convolutions like the network's."""
    best = 0.0
    for channels, side in ((CHANNELS, SIDE), (2 * CHANNELS, SIDE // 2)):
        geometry = Geometry(TIMESTEPS, 64, channels, side, side)
        noise = backend.dense(torch.randn(1, 64, channels, side, side), constant=True)
        leaf = Leaf((channels, side, side))
        spikes = backend.fire(leaf, {leaf: noise}, geometry, 1.0, normalised=False, with_spikes=True).spikes
        weights = WeightSource(0, BITS).convolution("rate", channels, channels, 3)
        for _ in range(8):
            synchronise()
            started = time.perf_counter()
            backend.convolve(spikes, weights, geometry)
            synchronise()
            best = max(best, geometry.n_values * channels * 9 / (time.perf_counter() - started) / 1e9)
    return best


def copy_bandwidth(device: torch.device) -> float:
    """GB/s, read and written bytes together, of the fastest of some copies in a device's memory."""
    source = torch.zeros(2**28, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    best = 0.0
    for _ in range(8):
        synchronise()
        started = time.perf_counter()
        target.copy_(source)
        synchronise()
        best = max(best, 2 * source.numel() / (time.perf_counter() - started) / 1e9)
    return best


def main() -> None:
    """Run the search and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--memory-limit", type=float, default=6.0)
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--fitness", default="sahd")
    options = parser.parse_args()
    limit = int(options.memory_limit * 2**30)
    neuron, device = NeuronParameters(), torch.device(options.device)
    backend = Accounting(select_backend(neuron, device, torch.get_num_threads(), limit))
    rate, bandwidth = convolution_rate(backend.backend), copy_bandwidth(device)
    started = time.perf_counter()
    batch = images(options.dataset, BATCH, options.seed, SIDE).to(device)
    shape = NetworkShape(3, SIDE, 10, options.channels)

    def evaluator(some: torch.Tensor) -> EngineEvaluator:
        return EngineEvaluator(
            some, shape, WeightSource(options.seed, BITS), TIMESTEPS, FITNESS[options.fitness], backend, limit
        )

    full = evaluator(batch)
    evaluators = Evaluators(full) if options.exact else Evaluators(full, evaluator(batch[:, :32]), 0.1)
    problem = Problem(
        load_space("neuronas"), shape, PaperCostModel(load_accelerator("spikeflow-rram"), BITS, TIMESTEPS), PAPER_BUDGET
    )
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "history.sqlite")
        found = search(problem, ALGORITHMS["neuronas"], SearchConfig(), options.seed, evaluators, history)
        history.close()
    seconds = time.perf_counter() - started
    peak = torch.cuda.max_memory_reserved() / 2**30 if device.type == "cuda" else None
    compute, memory = backend.macs / rate / 1e9, backend.bytes / bandwidth / 1e9
    result = {
        "what": f"Algorithm 1, {'exact' if options.exact else 'screened'}, {options.channels} channels",
        "seed": options.seed,
        "architecture": format_architecture(found.architecture),
        "fitness": found.fitness,
        "seconds": round(seconds, 1),
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        **({} if peak is None else {"peak_device_memory_gib": round(peak, 2)}),
        "n_evaluated": found.n_evaluated,
        "n_full": found.n_full,
        "floor": {
            "tera_macs": round(backend.macs / 1e12, 2),
            "gigabytes": round(backend.bytes / 1e9, 1),
            "convolution_gmacs_per_s": round(rate),
            "copy_gb_per_s": round(bandwidth, 1),
            "compute_seconds": round(compute, 1),
            "memory_seconds": round(memory, 1),
            "ratio_to_their_sum": round(seconds / (compute + memory), 2),
            "ratio_to_the_larger": round(seconds / max(compute, memory), 2),
        },
        "seconds_by_call": {name: round(value, 1) for name, value in backend.seconds.items()},
        "calls": dict(backend.calls),
    }
    for key, value in result.items():
        print(f"{key}: {value}")
    suffix = "" if device.type == "cpu" else f"-{device.type}"
    fitness = "" if options.fitness == "sahd" else f"-{options.fitness}"
    write(f"full_scale-{'exact' if options.exact else 'screened'}-seed{options.seed}{suffix}{fitness}", result)


if __name__ == "__main__":
    main()
