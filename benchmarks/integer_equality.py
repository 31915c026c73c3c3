"""Checks that exported programs equal the interpreter bit for bit: random networks, many images, several targets.

    python benchmarks/integer_equality.py [--networks 20] [--images 1000] [--sequences]

Networks with random architectures of all spaces (``tests/support/random_networks.py``) are exported as C, compiled for
each target whose compiler (and emulator) is installed, and run on random images. A digest covers all scores, and the
spikes of every layer and time step. Exit code 1: a digest differs from the interpreter's. With ``--sequences``, the
networks read one image per time step.
"""

import argparse
import shutil
import sys
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.nn.functional import interpolate

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from neuronas.export.c_format import compiled, computed, write_c
from neuronas.export.verification import IntegerResult, integer_result
from random_networks import Case, cases

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror")
TARGETS = {
    "gcc -O0": (("gcc", "-O0"), ()),
    "gcc -O3": (("gcc", "-O3"), ()),
    "clang -O2": (("clang", "-O2"), ()),
    "gcc, sanitised": (("gcc", "-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover"), ()),
    "AArch64": (("aarch64-linux-gnu-gcc", "-O2", "-static"), ("qemu-aarch64",)),
    "RISC-V": (("riscv64-linux-gnu-gcc", "-O2", "-static"), ("qemu-riscv64",)),
}
"""By name: the compiler, and the command that runs its programs."""


def digest(found: IntegerResult) -> str:
    """Digest of all scores and spike digests."""
    return sha256(found.scores.numpy().astype("<i4").tobytes() + found.spikes.astype("<u4").tobytes()).hexdigest()[:16]


def random_images(case: Case, n: int) -> torch.Tensor:
    """Half of them noise, half smooth."""
    network, generator = case.content.integers, torch.Generator().manual_seed(case.number)
    shape = network.graph.nodes[0].shape
    noise = torch.rand(network.n_frames, n, *shape, generator=generator)
    smooth = noise[:, n // 2 :]
    smooth[:] = torch.stack([interpolate(one[:, :, :2, :2], size=shape[1:], mode="bilinear") for one in smooth])
    pixels = (noise * 255).round().byte()
    return pixels if network.graph.is_sequence else pixels[0]


def main() -> int:
    """Compare all programs; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--sequences", action="store_true")
    given = parser.parse_args()
    targets = {
        name: (compiler, emulator)
        for name, (compiler, emulator) in TARGETS.items()
        if all(shutil.which(one) for one in (compiler[0], *emulator))
    }
    print("not installed:", ", ".join(TARGETS.keys() - targets.keys()) or "nothing")
    n_wrong, n_compared, started = 0, 0, time.perf_counter()
    for case in cases(given.networks, sequence=given.sequences):
        images = random_images(case, given.images)
        expected = integer_result(case.content.integers, images)
        rate = (expected.spikes != expected.spikes[0]).any(axis=0).mean() if expected.spikes.size else 0
        print(f"{case}: {case.content.architecture}\n  interpreter     {digest(expected)}, spikes of {rate:.0%} of "
              f"{expected.spikes.shape[1]} layers differ between images")  # fmt: skip
        with TemporaryDirectory() as folder:
            write_c(case.content, Path(folder))
            for name, (compiler, emulator) in targets.items():
                program = compiled((*compiler, *STRICT), Path(folder), Path(folder), "run.c")
                found = digest(computed((*emulator, str(program)), images, Path(folder)))
                n_compared += 1
                n_wrong += found != digest(expected)
                print(f"  {name:<15} {found} {'equal' if found == digest(expected) else 'DIFFERENT'}", flush=True)
    seconds = time.perf_counter() - started
    print(f"{n_compared} programs, {n_wrong} different; {given.images} images each; {seconds:.0f} s")
    return n_wrong > 0


if __name__ == "__main__":
    raise SystemExit(main())
