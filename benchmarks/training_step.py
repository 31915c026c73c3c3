"""Compares one training step with that of the same network written plainly with SpikingJelly's multi-step neurons.

    python benchmarks/training_step.py [--rounds 3]

Four convolutions per cell, 32x32 images, head ``gap``, forward, backward and AdamW, for several widths and numbers of
time steps T. Variants alternate, each in its own process (for its peak memory), so that noise of the machine affects
them equally. ``ours, bfloat16`` is measured if ``--precision auto`` chooses it: on processors with bfloat16 matrix
multiplication.

``floor``: seconds for the multiplications of dense convolutions (forward, weight gradients, input gradients) at the
speed of a product of two large float32 matrices, measured in the same process. A variant can be faster, since it skips
multiplications by 0, and Winograd's filtering needs fewer.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from math import prod

import torch
from spikingjelly.activation_based import functional
from torch import nn
from torch.nn import functional as F  # noqa: N812

from common import write
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.space.lowering import lower
from neuronas.space.node_operations import Weights
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from plain_network import PlainNetwork

ARCHITECTURE = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|conv_3x3~0|skip~1|conv_3x3~2|"
STEPS = 5
BATCHES = {16: 64, 32: 64, 128: 16}
SIZES = {(channels, t): batch // t for channels, batch in BATCHES.items() for t in (1, 2, 4)}
"""Batch size by channels before the reduction and T, such that a step takes seconds at most."""
PLAIN = "plain"
VARIANTS = (PLAIN, "ours, float32, not quantised", "ours, float32", "ours, bfloat16")
Found = dict[str, float]


def shape_of(channels: int) -> NetworkShape:
    """The shape for CIFAR-10."""
    return NetworkShape(3, 32, 10, channels, head="gap")


def network(variant: str, channels: int, timesteps: int) -> nn.Module:
    """Build a variant."""
    architecture, shape = parse_architecture(ARCHITECTURE), shape_of(channels)
    if variant == PLAIN:
        return PlainNetwork(architecture, shape, timesteps)
    settings = ClassifierSettings(
        WeightFormat(32 if "not" in variant else 8), NeuronParameters(), timesteps, low_precision="bfloat16" in variant
    )
    return Classifier(architecture, shape, settings)


def n_multiplications(channels: int, timesteps: int) -> int:
    """Multiplications for one image, dense, in the forward pass."""
    graph = lower(parse_architecture(ARCHITECTURE), shape_of(channels))
    nodes = [node for node in graph.nodes if isinstance(node.operation, Weights)]
    of_one = {node.name: prod(graph.weight_shape(node)) * prod(node.shape[1:]) for node in nodes}
    return sum(n * (1 if name in graph.static else timesteps) for name, n in of_one.items())


def multiplications_per_second() -> float:
    """Speed of a product of two large float32 matrices."""
    a = torch.randn(1024, 1024)
    best = min(_seconds(lambda: a @ a) for _ in range(10))
    return 1024**3 / best


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def measure(variant: str, channels: int, timesteps: int) -> Found:
    """Seconds of the fastest step and of its floor, and peak memory."""
    torch.manual_seed(0)
    model, batch = network(variant, channels, timesteps), SIZES[channels, timesteps]
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
    images, labels = torch.randn(batch, 3, 32, 32), torch.randint(10, (batch,))

    def step() -> None:
        functional.reset_net(model)
        F.cross_entropy(model(images).mean(dim=0), labels).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    seconds = min(_seconds(step) for _ in range(STEPS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    floor = 3 * batch * n_multiplications(channels, timesteps) / multiplications_per_second()
    return {"seconds": seconds, "peak_gib": peak, "floor_seconds": floor}


def variants() -> tuple[str, ...]:
    """Variants supported by this processor."""
    has_bfloat16 = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return VARIANTS if has_bfloat16 else VARIANTS[:-1]


def rows(channels: int, timesteps: int, n_rounds: int) -> dict[str, Found]:
    """All variants at one size."""
    found: dict[str, list[Found]] = {variant: [] for variant in variants()}
    for _ in range(n_rounds):
        for variant, runs in found.items():
            one = [sys.executable, __file__, "--one", variant, str(channels), str(timesteps)]
            runs.append(json.loads(subprocess.run(one, capture_output=True, text=True, check=True).stdout))
    best = {variant: {name: min(run[name] for run in runs) for name in runs[0]} for variant, runs in found.items()}
    batch, plain = SIZES[channels, timesteps], best[PLAIN]["seconds"]
    return {
        variant: {
            "images_per_s": round(batch / one["seconds"], 2),
            "times_plain": round(plain / one["seconds"], 2),
            "times_floor": round(one["seconds"] / one["floor_seconds"], 2),
            "peak_gib": round(one["peak_gib"], 2),
        }
        for variant, one in best.items()
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, help="measure this variant, channels and T in this process, and print JSON")
    options = parser.parse_args()
    if options.one:
        variant, channels, timesteps = options.one
        print(json.dumps(measure(variant, int(channels), int(timesteps))))
        return
    sizes = []
    for (channels, timesteps), batch in SIZES.items():
        found = rows(channels, timesteps, options.rounds)
        for variant, row in found.items():
            print(f"{channels}/{2 * channels} channels, T = {timesteps}, {variant}: {row}", flush=True)
        sizes.append({"channels": channels, "timesteps": timesteps, "batch": batch, "rows": found})
    write("training_step", {"sizes": sizes})


if __name__ == "__main__":
    main()
