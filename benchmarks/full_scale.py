"""Runs Algorithm 1 at full scale, and compares its time with a lower bound.

Full scale: images 3x32x32, 128/256 channels, T = 5, batch 256, 8 bits, the paper's budgets.

    python benchmarks/full_scale.py imagefolder:DIR [--seed 0] [--exact] [--memory-limit 6] [--fitness sahd]

The lower bound is the time that the same kernels need for these candidates at their best, in calls with all data in the
cache: for each distinct convolution, the additions of its spikes or, where faster, its multiply-accumulates on tiles;
for each distinct LIF layer, the neurons and their packing, the statistics if it is normalised, its sums and its pools.
In addition: the time to copy the bytes that must pass through memory (sums are written once, and read once for each
distinct LIF layer).
"""

import argparse
import ctypes
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from common import images, synchronise, write
from neuronas.config import ALGORITHMS, FITNESS, SearchConfig
from neuronas.fitness.engine.backend import Array, Backend, Fired, Geometry
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.native.backend import NativeBackend
from neuronas.fitness.engine.native.program import compile_value
from neuronas.fitness.engine.select import select_backend
from neuronas.fitness.engine.values import Added, Leaf, Pooled, Value
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.budget import PAPER_BUDGET
from neuronas.hardware.paper import PaperCostModel
from neuronas.kernels.library import native
from neuronas.kernels.structures import Method
from neuronas.runs.history import History
from neuronas.search.loop import search
from neuronas.search.problem import Problem
from neuronas.search.screening import Evaluators
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.node_operations import Pool
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

TIMESTEPS, BITS, CHANNELS, BATCH, SIDE = 5, 8, 128, 256, 32
IMAGES, SPIKES, POOL = 4, 0.1, Pool((3, 3), (1, 1), 1)
"""Number of images, share of neurons that spike, and pooling, for measuring speeds."""


class Accounting:
    """A backend that counts operations, bytes and seconds of another backend."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self.macs = self.bytes = self.spikes = self.neurons = 0
        self.convolution_seconds = self.node_seconds = 0.0
        self.rates = Rates.of(backend)
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
        connections = weights.codes.shape[0] * weights.codes.shape[2] ** 2
        n_spikes = count_spikes(self.backend, spikes)
        self.macs += geometry.n_values * connections
        self.spikes, self.neurons = self.spikes + n_spikes, self.neurons + geometry.n_values
        self.convolution_seconds += self.rates.convolution(n_spikes * connections, geometry.n_values * connections)
        self.bytes += geometry.n_values // 8 + array.n_bytes
        return array

    def fire(self, value: Any, leaves: dict[Any, Array], geometry: Geometry, *rest: Any, **options: Any) -> Fired:
        fired: Fired = self._timed("fire", value, leaves, geometry, *rest, **options)
        self.bytes += sum(array.n_bytes for array in leaves.values())
        self.bytes += geometry.n_values // 8
        self.node_seconds += geometry.n_values * self.rates.node(value, leaves, normalised=options["normalised"])
        return fired

    def reduce(self, convolved: Array, geometry: Geometry) -> Array:
        array: Array = self._timed("reduce", convolved, geometry)
        self.bytes += convolved.n_bytes + array.n_bytes
        return array


@dataclass(frozen=True)
class Rates:
    """Best speeds of the kernels.

    Attributes:
        additions: additions of a weight for a spike, per second; 0: not counted.
        macs: multiply-accumulates per second of a dense convolution; 0: not available.
        value: seconds per value of a LIF layer on one edge.
        normalised: the same with batch normalisation and its statistics.
        edge: seconds per value for another edge.
        pool: seconds per value for pooling.
    """

    additions: float
    macs: float
    value: float
    normalised: float
    edge: float
    pool: float

    @classmethod
    def of(cls, backend: Backend) -> "Rates":
        """Measure a backend: the fastest of several convolutions and LIF layers similar to those of the network."""
        additions = macs = 0.0
        value = normalised = edge = pool = float("inf")
        for channels, side in ((CHANNELS, SIDE), (2 * CHANNELS, SIDE // 2)):
            geometry, leaf = Geometry(TIMESTEPS, IMAGES, channels, side, side), Leaf((channels, side, side))
            uniform = torch.rand(1, IMAGES, channels, side, side, generator=torch.Generator().manual_seed(0))
            drive = 2.0 * (uniform < SPIKES).to(getattr(backend, "device", "cpu"))
            leaves = {leaf: backend.dense(drive.expand(TIMESTEPS, -1, -1, -1, -1), constant=False)}
            pooled, added = Pooled((leaf,), leaf, POOL), Added((leaf,), (leaf, leaf))

            def fire(value: Value, *, normalised: bool = False) -> Fired:
                return backend.fire(value, leaves, geometry, 1.0, normalised=normalised, with_spikes=True)  # noqa: B023

            spikes = fire(leaf).spikes
            assert spikes is not None
            weights = WeightSource(0, BITS).convolution("rate", channels, channels, 3)
            connections, n_spikes = 9 * channels, count_spikes(backend, spikes)
            for some, is_dense in methods(backend):
                seconds = fastest(lambda: some.convolve(spikes, weights, geometry))  # noqa: B023
                if is_dense:
                    macs = max(macs, geometry.n_values * connections / seconds)
                else:
                    additions = max(additions, n_spikes * connections / seconds)
            value = min(value, fastest(lambda: fire(leaf)) / geometry.n_values)  # noqa: B023
            normalised = min(normalised, fastest(lambda: fire(leaf, normalised=True)) / geometry.n_values)  # noqa: B023
            edge = min(edge, fastest(lambda: fire(added)) / geometry.n_values)  # noqa: B023
            pool = min(pool, fastest(lambda: fire(pooled)) / geometry.n_values)  # noqa: B023
        return cls(additions, macs, value, normalised, max(0.0, edge - value), max(0.0, pool - value))

    def convolution(self, additions: int, macs: int) -> float:
        """Lower bound for a convolution, in seconds."""
        seconds = [n / rate for n, rate in ((additions, self.additions), (macs, self.macs)) if rate]
        return min(seconds)

    def node(self, value: Value, leaves: Mapping[Leaf, Array], *, normalised: bool) -> float:
        """Lower bound in seconds per value; with batch normalisation, sums and pools are computed twice."""
        program = compile_value(value, frozenset(leaf for leaf in value.leaves if leaves[leaf].constant))
        share = [1 / TIMESTEPS if step.constant else 1 for step in program.steps]
        pools = sum(part for part, step in zip(share, program.steps, strict=True) if step.pool)
        edges = sum(part * (len(step.terms) - 1) for part, step in zip(share, program.steps, strict=True))
        rest = pools * self.pool + (edges + len(program.terms) - 1) * self.edge
        return self.normalised + 2 * rest if normalised else self.value + rest


def methods(backend: Backend) -> list[tuple[Backend, bool]]:
    """The convolution methods of a backend, each separately, and whether it multiplies all values."""
    if not isinstance(backend, NativeBackend):
        return [(backend, True)]
    some = [Method.EVENTS, Method.TILES][: 1 + native().has_tiles]
    return [
        (NativeBackend(native(), backend.neuron, backend.threads, 2**30, method), method is Method.TILES)
        for method in some
    ]


def count_spikes(backend: Backend, spikes: torch.Tensor) -> int:
    """Number of neurons that spike."""
    if not isinstance(backend, NativeBackend):
        return int(spikes.sum())
    return int(backend.library.neuronas_count(ctypes.c_void_p(spikes.data_ptr()), ctypes.c_int64(spikes.numel())))


def fastest(call: Callable[[], object]) -> float:
    """Seconds of the fastest of several calls."""
    seconds = []
    for _ in range(8):
        synchronise()
        started = time.perf_counter()
        call()
        synchronise()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def copy_bandwidth(device: torch.device) -> float:
    """GB/s (bytes read plus bytes written) of the fastest of several copies in a device's memory."""
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
    bandwidth, rates = copy_bandwidth(device), backend.rates
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
    floor, memory = backend.convolution_seconds + backend.node_seconds, backend.bytes / bandwidth / 1e9
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
            "share_of_spikes": round(backend.spikes / backend.neurons, 4),
            "giga_additions_per_s": round(rates.additions / 1e9, 1),
            "dense_gmacs_per_s": round(rates.macs / 1e9),
            "ns_per_value": round(rates.value * 1e9, 3),
            "ns_per_normalised_value": round(rates.normalised * 1e9, 3),
            "ns_per_edge": round(rates.edge * 1e9, 3),
            "ns_per_pool": round(rates.pool * 1e9, 3),
            "convolution_seconds": round(backend.convolution_seconds, 1),
            "node_seconds": round(backend.node_seconds, 1),
            "gigabytes": round(backend.bytes / 1e9, 1),
            "copy_gb_per_s": round(bandwidth, 1),
            "memory_seconds": round(memory, 1),
            "ratio": round(seconds / floor, 2),
        },
        "seconds_by_call": {name: round(value, 1) for name, value in backend.seconds.items()},
        "calls": dict(backend.calls),
    }
    for key, value in result.items():
        print(f"{key}: {value}")
    suffix = "" if device.type == "cpu" else f"-{device.type}"
    target = native().target
    suffix = f"-{target.name}" if target and device.type == "cpu" else suffix
    kind = "exact" if options.exact else "screened"
    write(f"full_scale-{kind}-seed{options.seed}{suffix}-{options.fitness}", result)


if __name__ == "__main__":
    main()
