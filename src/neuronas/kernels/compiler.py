"""Compiles the C++ kernels, for this machine's cache and for wheels.

Imports only the standard library, since wheels are built without neuronas's dependencies.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Literal

from neuronas.kernels.targets import InstructionSet

FLAGS = (
    "-O3", "-std=c++17", "-fPIC", "-pthread",
    # A fused multiply-add would round differently from the reference.
    "-ffp-contract=off", "-fno-math-errno", "-Wno-psabi",
)  # fmt: skip
"""Compiler options besides those of the target."""

_PORTABLE = ("-static-libstdc++", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-s")
"""Options for libraries that run on other machines: they depend only on the C library and libgcc_s, and hide the
symbols of the libraries linked into them. A static libgcc of GCC 12 or later would need glibc 2.35."""

_COMPILERS = {"C": ("CC", "cc", "gcc", "clang"), "C++": ("CXX", "c++", "g++", "clang++")}
"""By language: the environment variable of the compiler, then the default names."""
_INSTALL = {"C": "install gcc or clang", "C++": "install g++ for a faster search"}

COMPILE_S = 300
"""Time limit of a compiler run in seconds."""

SOURCES = Path(__file__).parent
"""Folder of the C++ files."""

PREBUILT = SOURCES / "prebuilt"
"""Folder of the libraries in a wheel."""

_DIGEST_BYTES = 16


@cache
def _sources() -> dict[str, str]:
    """Relative path and text of every source file."""
    paths = sorted((*SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")))
    return {str(path): path.read_text(encoding="utf-8") for path in paths}


@cache
def functions() -> tuple[str, ...]:
    """Names of the functions that the sources export for Python."""
    return tuple(re.findall(r"^\w+ (neuronas_\w+)\(", "\n".join(_sources().values()), re.MULTILINE))


def library_name(target: InstructionSet, c_library: str) -> str:
    """File name of a compiled library; it depends on the sources, the compiler options and the C library.

    Args:
        target: the instruction set.
        c_library: C libraries with which the compiled library can be loaded.
    """
    identity = "\0".join((*_sources().values(), *FLAGS, *target.options, target.machine, c_library))
    return f"kernels-{target.name}-{hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()}.so"


def find_compiler(language: Literal["C", "C++"]) -> str:
    """Path of a compiler: that of ``$CC`` or ``$CXX``, otherwise the system's.

    Raises:
        FileNotFoundError: no compiler was found.
    """
    variable, usual, *others = _COMPILERS[language]
    for name in (os.environ.get(variable, usual), *others):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError(f"{language} compiler not found; {_INSTALL[language]}")


def compile_libraries(
    compiler: str, targets: Sequence[InstructionSet], folder: Path, n_processes: int, *, portable: bool = False
) -> dict[InstructionSet, Path]:
    """Compile the kernels for some instruction sets.

    Args:
        compiler: C++ compiler that supports the options of GCC.
        targets: the instruction sets.
        folder: empty folder for the libraries and temporary files.
        n_processes: number of compilers that run in parallel.
        portable: the libraries are for other machines, which may have another C++ library or none.

    Raises:
        OSError: the compiler cannot be run, or reports an error.
        subprocess.TimeoutExpired: the compiler took more than ``COMPILE_S``.
    """
    files = sorted(SOURCES.glob("*.cpp"), key=lambda path: -path.stat().st_size)  # longest compile time first
    objects = {(target, file): folder / f"{target.name}-{file.stem}.o" for file in files for target in targets}
    with ThreadPoolExecutor(n_processes) as pool:
        started = [
            pool.submit(_run, compiler, [*FLAGS, *target.options, "-c", "-o", str(made), str(file)], folder)
            for (target, file), made in objects.items()
        ]
        try:
            for one in started:
                one.result()
        finally:
            pool.shutdown(cancel_futures=True)
    made = {target: folder / f"{target.name}.so" for target in targets}
    for target, library in made.items():
        parts = [str(objects[target, file]) for file in files]
        extra = _PORTABLE if portable else ()
        _run(compiler, ["-shared", "-pthread", *extra, "-o", str(library), *parts], folder)
        with library.open("ab") as end:
            end.write(_digest(library.read_bytes()))
    return made


def is_whole(library: Path) -> bool:
    """Whether a compiled library exists and ends with its own digest; loading a damaged one could crash the process."""
    try:
        content = library.read_bytes()
    except OSError:
        return False
    return content[-_DIGEST_BYTES:] == _digest(content[:-_DIGEST_BYTES])


def _run(compiler: str, options: Sequence[str], folder: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(folder)}  # temporary files are removed with the folder; /tmp may be full
    command = [compiler, *options]
    found = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S, env=environment, check=False)  # noqa: S603
    if found.returncode:
        raise OSError(f"{compiler} failed: {found.stderr.strip() or f'exit code {found.returncode}'}")


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
