"""Compares dense and event-driven convolutions of spikes on one core (see convolution_variants.cpp).

python benchmarks/convolution_variants.py
"""

import json
import subprocess
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import torch

from common import write
from neuronas.fitness.engine.backend import Geometry
from neuronas.fitness.engine.native.backend import NativeBackend
from neuronas.fitness.engine.values import Leaf
from neuronas.kernels.library import load
from neuronas.kernels.structures import Method
from neuronas.kernels.targets import TARGETS
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource

SOURCE = Path(__file__).with_suffix(".cpp")
IMAGES, SIDE = 16, 32


def main() -> None:
    """Compile and run; print and write the results."""
    has_avxvnni = " avx_vnni " in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "variants"
        options = ["-O3", "-std=c++17", "-Wno-psabi", f"-DHAS_AVXVNNI={int(has_avxvnni)}"]
        subprocess.run(["c++", *options, "-o", program, SOURCE], check=True)
        lines = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    rows += engine_rows()
    for row in rows:
        print(f"{row['channels']:4} channels, {row['spikes']:4.0%} spikes: {row['gmacs_per_s']:6} GMAC/s  {row['way']}")
    what = "3x3 convolutions of images of 32x32 (engine: with lists of spikes and statistics), one core, processor time"
    write("convolution_variants", {"what": what, "rows": rows})


def engine_rows() -> list[dict[str, Any]]:
    """Speed of the engine's convolution for each instruction set of this machine."""
    torch.set_num_threads(1)
    rows = []
    for channels, share, target in product((16, 32, 64, 128, 256), (0.05, 0.1, 0.25, 0.5), TARGETS):
        if not target.is_supported:
            continue
        kernels = load(target)
        for method in [Method.EVENTS, Method.TILES][: 1 + kernels.has_tiles]:
            backend = NativeBackend(kernels, NeuronParameters(), 1, 2**30, method)
            way = f"engine, {target.label} {method.name}"
            rate = round(_rate(backend, channels, share))
            rows.append({"way": way, "channels": channels, "spikes": share, "gmacs_per_s": rate})
    return rows


def _rate(backend: NativeBackend, channels: int, share: float) -> float:
    geometry, leaf = Geometry(1, IMAGES, channels, SIDE, SIDE), Leaf((channels, SIDE, SIDE))
    drive = torch.rand(1, IMAGES, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) < share
    leaves = {leaf: backend.dense(drive * 2.0, constant=True)}
    spikes = backend.fire(leaf, leaves, geometry, 1.0, normalised=False, with_spikes=True).spikes
    assert spikes is not None
    weights, seconds = WeightSource(0, 8).convolution("rate", channels, channels, 3), []
    for _ in range(15):
        started = time.process_time()
        backend.convolve(spikes, weights, geometry)
        seconds.append(time.process_time() - started)
    return geometry.n_values * channels * 9 / min(seconds) / 1e9


if __name__ == "__main__":
    main()
