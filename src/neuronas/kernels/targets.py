"""Instruction sets for which the kernels are compiled, and which of them this processor supports."""

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class InstructionSet:
    """An instruction set.

    Attributes:
        name: part of the file name of the compiled library.
        label: name for messages and reports.
        machine: value of ``platform.machine()``.
        features: flags that ``/proc/cpuinfo`` must list.
        options: compiler options.
    """

    name: str
    label: str
    machine: str
    features: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()

    @property
    def is_supported(self) -> bool:
        """Whether this processor and its operating system support the instruction set."""
        return platform.machine() == self.machine and self.features <= _features()


_AVX2 = frozenset({"avx2", "bmi1", "bmi2", "f16c", "fma", "popcnt"})
_AVX2_OPTIONS = ("-mavx2", "-mbmi", "-mbmi2", "-mf16c", "-mfma", "-mpopcnt")

TARGETS = (
    InstructionSet(
        "avx512", "AVX-512", "x86_64",
        _AVX2 | {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
        (*_AVX2_OPTIONS, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"),
    ),
    InstructionSet("avx2", "AVX2", "x86_64", _AVX2, _AVX2_OPTIONS),
    InstructionSet("sse2", "SSE2", "x86_64"),
    InstructionSet("neon", "NEON", "aarch64"),
)  # fmt: skip
"""All targets, fastest first. Every machine of a kind supports the last one of that kind."""


@cache
def _features() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())
