"""Kernels give identical results on every instruction set and with every compiler (``kernels/agreement.cpp``).

ARM64 runs in QEMU's emulator: apt-get install g++-aarch64-linux-gnu qemu-user.
"""

import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from neuronas.kernels.compiler import FLAGS, SOURCES
from neuronas.kernels.targets import TARGETS, InstructionSet

DRIVER = Path(__file__).parent / "kernels" / "agreement.cpp"
CROSS = "aarch64-linux-gnu-g++"
EMULATOR = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu")
QUICK = ("-O1",)  # compiles in half of the time
SANITIZED = (*QUICK, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
STRICT = ("-Wall", "-Wextra", "-Werror")
GCC = ("-Wno-uninitialized", "-Wno-maybe-uninitialized")  # which GCC 12 reports in its own AVX-512 header
OURS = tuple(target for target in TARGETS if target.machine == platform.machine())

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not OURS, reason=f"no kernels for {platform.machine()}")]


@cache
def digests(folder: Path, compiler: str, target: InstructionSet, *options: str) -> dict[str, str]:
    """The output of the driver: digest by kernel and input."""
    runner: tuple[str, ...] = ()
    if target.machine != platform.machine():
        compiler, runner = CROSS, EMULATOR
    elif not target.is_supported:
        pytest.skip(f"this processor has no {target.label}")
    for program in (compiler, *runner[:1]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    made = str(folder / f"{Path(compiler).name}-{target.name}-{len(options)}")
    command = [compiler, *FLAGS, *target.options, *STRICT, *options, f"-I{SOURCES}", str(DRIVER), "-o", made]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    done = subprocess.run([*runner, made], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr
    lines = [line.rpartition(" ") for line in done.stdout.splitlines()]
    return {name: digest for name, _, digest in lines}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("agreement")


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, str]:
    """The digests of the instruction set that every processor of this kind supports."""
    return digests(folder, "g++", OURS[-1], *GCC, *QUICK)


def test_every_kernel_is_run(expected: dict[str, str]) -> None:
    kinds = {name.split()[0] for name in expected}
    assert kinds == {
        "convolve", "statistics", "materialise", "fire", "common", "reduce", "lif_forward", "lif_backward",
        "spike_convolution", "weight_gradient", "normalise", "normalise_gradient", "mean_pool", "mean_pool_gradient",
    }  # fmt: skip


@pytest.mark.parametrize("target", [target for target in TARGETS if target != OURS[-1]], ids=lambda target: target.name)
def test_instruction_sets_agree(target: InstructionSet, folder: Path, expected: dict[str, str]) -> None:
    assert digests(folder, "g++", target, *GCC, *QUICK) == expected


@pytest.mark.nightly
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_all_optimisations_change_nothing(target: InstructionSet, folder: Path, expected: dict[str, str]) -> None:
    """Compiled like the library, which other tests compare with NumPy and PyTorch."""
    assert digests(folder, "g++", target, *GCC) == expected


@pytest.mark.nightly
@pytest.mark.parametrize("target", dict.fromkeys((OURS[0], OURS[-1])), ids=lambda target: target.name)
def test_clang_agrees(target: InstructionSet, folder: Path, expected: dict[str, str]) -> None:
    assert digests(folder, "clang++", target, *QUICK) == expected


@pytest.mark.nightly
def test_sanitizers_find_nothing(folder: Path, expected: dict[str, str]) -> None:
    """Addresses outside arrays, alignment, integer overflow, with the widest registers of this machine."""
    best = next(target for target in OURS if target.is_supported)
    assert digests(folder, "g++", best, *GCC, *SANITIZED) == expected
