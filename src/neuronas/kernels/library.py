"""Finds, compiles and loads the C++ kernels, or reports why they are not available."""

import ctypes
import logging
import os
import platform
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from neuronas.kernels.compiler import PREBUILT, compile_libraries, find_compiler, functions, is_whole, library_name
from neuronas.kernels.folders import build_folder, cache_folder
from neuronas.kernels.structures import Method
from neuronas.kernels.targets import TARGETS, InstructionSet
from neuronas.machine import n_cores

_log = logging.getLogger(__name__)

DISABLE = "NEURONAS_NATIVE"
"""Environment variable; 0 disables the native kernels."""

TARGET = "NEURONAS_TARGET"
"""Environment variable: name of the instruction set to use instead of the best one that the processor supports."""


class LibraryOrigin(StrEnum):
    """Origin of a library."""

    PREBUILT = "prebuilt"
    CACHED = "from the cache"
    COMPILED = "compiled now"


@dataclass(frozen=True)
class Native:
    """The loaded kernels, or the reason why they are not available.

    Attributes:
        library: the loaded library; None if it is not available.
        reason: why ``library`` is None; otherwise empty.
        target: instruction set for which the library is compiled.
        has_tiles: whether it can use Intel AMX tiles.
        origin: origin of the library.
    """

    library: ctypes.CDLL | None
    reason: str = ""
    target: InstructionSet | None = None
    has_tiles: bool = False
    origin: LibraryOrigin | None = None

    @property
    def label(self) -> str:
        """The instruction set, for messages and reports."""
        return f"{self.target.label if self.target else 'none'}{' and AMX' if self.has_tiles else ''}"


@cache
def native() -> Native:
    """Load the kernels; compile them first if this has not been done on this machine."""
    if os.environ.get(DISABLE) == "0":
        return Native(None, f"disabled by {DISABLE}=0")
    if platform.system() != "Linux":
        return Native(None, f"supported on Linux only; this system is {platform.system()}")
    supported = {target.name: target for target in TARGETS if target.is_supported}
    chosen = os.environ.get(TARGET) or next(iter(supported), "")
    if chosen not in supported:
        found = f"{TARGET}={chosen} given" if chosen else f"processor '{platform.machine()}' found"
        return Native(None, f"{found}; expected one of {', '.join(supported) or 'x86_64, aarch64'}")
    loaded = load(supported[chosen])
    if loaded.library is None:
        _log.warning("slower with the same result, because there are no compiled kernels: %s", loaded.reason)
    return loaded


def loaded_library() -> ctypes.CDLL:
    """The library of ``native``, for code that has already checked that it is available.

    Raises:
        LookupError: it is not available.
    """
    library = native().library
    if library is None:
        raise LookupError("native kernels are not available")
    return library


@cache
def load(target: InstructionSet) -> Native:
    """Load the kernels for an instruction set that this processor supports.

    A library in the wheel, compiled from the same sources, is tried first, then the cache; otherwise the kernels are
    compiled.
    """
    c_library = _c_library()
    name = library_name(target, c_library)
    failures = []
    kind = c_library.partition(" ")[0]  # a wheel's library works with many versions
    places = {
        LibraryOrigin.PREBUILT: PREBUILT / library_name(target, kind),
        LibraryOrigin.CACHED: cache_folder() / name,
    }
    for origin, path in places.items():
        if is_whole(path):
            try:
                return _opened(path, target, origin)
            except OSError as error:
                failures.append(str(error))
    try:
        return _compiled(target, name)
    except (OSError, subprocess.SubprocessError) as error:
        failures.append(str(error))
    return Native(None, " ".join("; ".join(failures).split())[:300])


def _compiled(target: InstructionSet, name: str) -> Native:
    """Compile the library and store it in the cache.

    Raises:
        OSError: no compiler or no usable folder, or the compiler reported an error.
        subprocess.SubprocessError: the compiler exceeded the time limit.
    """
    compiler = find_compiler("C++")
    with build_folder() as (building, folder):
        made = compile_libraries(compiler, (target,), building, n_cores())[target]
        # Checked before renaming: a file of this name may be loaded and lack a function.
        opened = _opened(made, target, LibraryOrigin.COMPILED)
        made.replace(folder / name)  # atomic: another process may have compiled the same library
    return opened


def _opened(path: Path, target: InstructionSet, origin: LibraryOrigin) -> Native:
    """Load a library.

    Raises:
        OSError: it cannot be loaded, or a function is missing.
    """
    library = ctypes.CDLL(str(path))
    if missing := [name for name in functions() if not hasattr(library, name)]:
        raise OSError(f"{path} lacks {', '.join(missing)}")
    library.neuronas_count.restype = ctypes.c_int64
    has_tiles = bool(library.neuronas_has(ctypes.c_int32(Method.TILES)))
    return Native(library, target=target, has_tiles=has_tiles, origin=origin)


def _c_library() -> str:
    """Name and version of the C library; a library compiled for another one may not load (cache in a shared home)."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except ValueError:
        return "not GNU"
