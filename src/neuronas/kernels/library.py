"""Finds, compiles and loads the C++ kernels. If that is not possible, it reports the reason."""

import atexit
import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from neuronas.kernels.structures import Method
from neuronas.kernels.targets import TARGETS, Target

_SOURCES = Path(__file__).parent
_FLAGS = (
    "-O3", "-std=c++17", "-shared", "-fPIC", "-pthread",
    # A fused multiply-add would round differently from the reference.
    "-ffp-contract=off", "-fno-math-errno", "-Wno-psabi",
)  # fmt: skip
_COMPILE_S, _DIGEST_BYTES, _UNFINISHED = 300, 16, "building-"
DISABLE = "NEURONAS_NATIVE"
"""Environment variable; 0 disables the native kernels."""

CACHE = "NEURONAS_CACHE"
"""Environment variable: the folder of compiled kernels. Where none can be written, a temporary one is set, so that
processes that are started here do not compile again."""

TARGET = "NEURONAS_TARGET"
"""Environment variable: name of the instruction set to use instead of the processor's best one."""


@dataclass(frozen=True)
class Native:
    """The loaded kernels, or the reason why they are not available.

    Attributes:
        library: the loaded library; None if it is not available.
        reason: why ``library`` is None; otherwise empty.
        target: the instruction set that the library is compiled for.
        has_tiles: whether it can use the tiles of Intel AMX.
    """

    library: ctypes.CDLL | None
    reason: str = ""
    target: Target | None = None
    has_tiles: bool = False

    @property
    def label(self) -> str:
        """The instruction set, for messages and reports."""
        return f"{self.target.label if self.target else 'none'}{' and AMX' if self.has_tiles else ''}"


@cache
def native() -> Native:
    """Load the kernels; compile them first if this machine has not done so yet."""
    if os.environ.get(DISABLE) == "0":
        return Native(None, f"disabled by {DISABLE}=0")
    if platform.system() != "Linux":
        return Native(None, f"supported on Linux only; this system is {platform.system()}")
    supported = {target.name: target for target in TARGETS if target.is_supported}
    chosen = os.environ.get(TARGET) or next(iter(supported), "")
    if chosen not in supported:
        found = f"{TARGET}={chosen} given" if chosen else f"processor '{platform.machine()}' found"
        return Native(None, f"{found}; expected one of {', '.join(supported) or 'x86_64, aarch64'}")
    return load(supported[chosen])


@cache
def load(target: Target) -> Native:
    """Load the kernels for an instruction set that this processor supports; compile them if need be."""
    try:
        library = ctypes.CDLL(str(_compiled(target)))
    except (OSError, subprocess.SubprocessError) as error:
        details = getattr(error, "stderr", None) or str(error)
        return Native(None, " ".join(str(details).split())[:200])
    library.neuronas_count.restype = ctypes.c_int64
    return Native(library, target=target, has_tiles=bool(library.neuronas_has(ctypes.c_int32(Method.TILES))))


def cache_folder() -> Path:
    """Folder of the compiled kernels."""
    if own := os.environ.get(CACHE):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "neuronas"  # noqa: PTH111


def _compiled(target: Target) -> Path:
    """The library, compiled if it is not in the cache.

    Raises:
        OSError: there is no compiler.
        subprocess.SubprocessError: the compiler failed.
    """
    sources = [path.read_text(encoding="utf-8") for path in sorted((*_SOURCES.glob("*.cpp"), *_SOURCES.glob("*.h")))]
    identity = "\0".join([*sources, *_FLAGS, *target.options, platform.machine(), _c_library()])
    folder = cache_folder()
    name = f"kernels-{target.name}-{hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()}.so"
    if _is_whole(folder / name):
        return folder / name
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
    if compiler is None:
        raise OSError("C++ compiler not found; install g++ for a faster search")
    handle, made = _new_file(folder)
    os.close(handle)
    command = [compiler, *_FLAGS, *target.options, "-o", made, *map(str, sorted(_SOURCES.glob("*.cpp")))]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=_COMPILE_S)  # noqa: S603
        with Path(made).open("ab") as file:
            file.write(_digest(Path(made).read_bytes()))
        # Atomic: another process may be building the same.
        return Path(made).replace(Path(made).with_name(name))
    except subprocess.CalledProcessError as error:
        raise OSError(f"{compiler} failed: {error.stderr}") from error
    finally:
        Path(made).unlink(missing_ok=True)


def _c_library() -> str:
    """Name and version of the C library: a library compiled for another one may not load (cache on a network home)."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except ValueError:
        return "not GNU"


def _is_whole(library: Path) -> bool:
    """Whether a compiled library is there and ends with its own digest: to load a damaged one may end the process."""
    try:
        content = library.read_bytes()
    except OSError:
        return False
    return content[-_DIGEST_BYTES:] == _digest(content[:-_DIGEST_BYTES])


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _new_file(folder: Path) -> tuple[int, str]:
    """A file to compile into; where the cache cannot be written, in a folder that is removed with this process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{_UNFINISHED}*"):  # of a process that was killed
            if time.time() - left.stat().st_mtime > 2 * _COMPILE_S:
                left.unlink(missing_ok=True)
        return tempfile.mkstemp(prefix=_UNFINISHED, suffix=".so", dir=folder)
    except OSError:
        private = tempfile.mkdtemp(prefix="neuronas-")
        atexit.register(_remove, private, os.getpid())
        os.environ[CACHE] = private
        return tempfile.mkstemp(prefix=_UNFINISHED, suffix=".so", dir=private)


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # and not in a process that was forked
        shutil.rmtree(folder, ignore_errors=True)
