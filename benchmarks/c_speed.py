"""Compares images per second of the exported C program and of onnxruntime for the same network, one thread each.

    python benchmarks/c_speed.py RUN [--images 2000]

RUN is a trained run. The C program is compiled with ``-O3 -march=native``; onnxruntime runs the exported ONNX file with
batches of 1 and of 64 images. Images are random pixels. Times are CPU times of the processes, which are hardly affected
by other work on the machine; compare the ratios.
"""

import argparse
import platform
import resource
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime as ort
import torch

from neuronas import export
from neuronas.kernels.compiler import find_compiler

MODES = {"gcc -O3": ("-O3", "-march=native"), "gcc -Os": ("-Os",)}


def of_program(command: list[str], images: Path) -> float:
    """CPU seconds of a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, str(images)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def of_onnx(session: ort.InferenceSession, images: np.ndarray, batch: int) -> float:
    """CPU seconds of onnxruntime."""
    session.run(None, {"images": images[:batch]})
    started = time.process_time()
    for first in range(0, len(images), batch):
        session.run(None, {"images": images[first : first + batch]})
    return time.process_time() - started


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    given = parser.parse_args()
    with TemporaryDirectory() as made:
        folder = Path(made)
        export(given.run, "c", out=folder / "c")
        export(given.run, "onnx", out=folder / "network.onnx")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = ort.InferenceSession(str(folder / "network.onnx"), options, providers=["CPUExecutionProvider"])
        shape = session.get_inputs()[0].shape[1:]
        pixels = torch.randint(0, 256, (given.images, *shape), generator=torch.Generator().manual_seed(0)).byte()
        (folder / "images.bin").write_bytes(pixels.permute(0, 2, 3, 1).contiguous().numpy().tobytes())
        images = (pixels.float() / 255 - 0.5).numpy() * 4
        found = {}
        for name, flags in MODES.items():
            program = folder / "program"
            sources = [str(folder / "c" / file) for file in ("run.c", "neuronas.c")]
            subprocess.run([find_compiler("C"), "-std=c99", *flags, "-o", str(program), *sources], check=True)
            found[f"C, {name}"] = min(of_program([str(program)], folder / "images.bin") for _ in range(3))
        for batch in (1, 64):
            found[f"onnxruntime, batch {batch}"] = min(of_onnx(session, images, batch) for _ in range(3))
    print(f"{given.run}, {given.images} images of {list(shape)}, one thread, {platform.machine()}")
    slowest = max(found.values())
    for name, seconds in found.items():
        print(f"{name:<24}{given.images / seconds:>12,.0f} images/s{slowest / seconds:>8.1f} x")


if __name__ == "__main__":
    main()
