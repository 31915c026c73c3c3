"""One training step: ours against the same network written plainly with SpikingJelly's multi-step neurons.

    python benchmarks/training_step.py [--channels 128] [--batch 16] [--rounds 3]

Four convolutions a cell, 32x32 images, T = 5, forward, backward and AdamW. Variants take turns, each in its own
process (peak memory is that process'), so that a noisy machine treats them alike. ``ours, bfloat16`` convolves in it,
as ``--precision auto`` does where the processor multiplies matrices of it.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import torch
from spikingjelly.activation_based import functional
from torch import nn
from torch.nn import functional as F  # noqa: N812

from common import write
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from plain_network import PlainNetwork

ARCHITECTURE = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|conv_3x3~0|skip~1|conv_3x3~2|"
TIMESTEPS, STEPS = 5, 4
VARIANTS = ("plain", "ours, float32, not quantised", "ours, float32", "ours, bfloat16")


def network(variant: str, channels: int) -> nn.Module:
    """Build a variant."""
    architecture, shape = parse_architecture(ARCHITECTURE), NetworkShape(3, 32, 10, channels)
    if variant == "plain":
        return PlainNetwork(architecture, shape, TIMESTEPS)
    settings = ClassifierSettings(
        WeightFormat(32 if "not" in variant else 8),
        NeuronParameters(),
        TIMESTEPS,
        low_precision="bfloat16" in variant,
    )
    return Classifier(architecture, shape, settings)


def measure(variant: str, channels: int, batch: int) -> dict[str, float]:
    """Seconds of the fastest step, and peak memory."""
    torch.manual_seed(0)
    model = network(variant, channels)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
    images, labels = torch.randn(batch, 3, 32, 32), torch.randint(10, (batch,))
    best = float("inf")
    for _ in range(STEPS):
        started = time.perf_counter()
        functional.reset_net(model)
        F.cross_entropy(model(images).mean(dim=0), labels).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        best = min(best, time.perf_counter() - started)
    return {"seconds": best, "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help="measure this variant here and print JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.channels, options.batch)))
        return
    found: dict[str, list[dict[str, float]]] = {variant: [] for variant in VARIANTS}
    for _ in range(options.rounds):
        for variant in VARIANTS:
            size = ["--channels", str(options.channels), "--batch", str(options.batch)]
            done = subprocess.run(
                [sys.executable, __file__, "--one", variant, *size], capture_output=True, text=True, check=True
            )
            found[variant].append(json.loads(done.stdout))
    plain = min(one["seconds"] for one in found["plain"])
    rows = {
        variant: {
            "images_per_s": round(options.batch / min(one["seconds"] for one in runs), 2),
            "times_plain": round(plain / min(one["seconds"] for one in runs), 2),
            "peak_gib": round(min(one["peak_gib"] for one in runs), 2),
        }
        for variant, runs in found.items()
    }
    for variant, row in rows.items():
        print(variant, row)
    write("training_step", {"channels": options.channels, "batch": options.batch, "timesteps": TIMESTEPS, "rows": rows})


if __name__ == "__main__":
    main()
