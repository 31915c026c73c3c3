"""Compiles the C++ kernels once per machine and loads them. If that is not possible, it reports the reason."""

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
from enum import IntEnum
from functools import cache
from pathlib import Path

_SOURCES = Path(__file__).parent
_FLAGS = (
    "-O3", "-march=native", "-std=c++17", "-shared", "-fPIC", "-pthread",
    # A fused multiply-add would round differently from the reference.
    "-ffp-contract=off", "-fno-math-errno",
)  # fmt: skip
_COMPILE_S, _DIGEST_BYTES, _UNFINISHED = 300, 16, "building-"
DISABLE = "NEURONAS_NATIVE"
"""Environment variable; 0 disables the native kernels."""

CACHE = "NEURONAS_CACHE"
"""Environment variable: the folder of compiled kernels. Where none can be written, a temporary one is set, so that
processes that are started here do not compile again."""

MAX_SLICES = 4
"""``kMaxSlices`` of kernels/convolutions.cpp. The largest 24-bit codes need four signed 8-bit slices."""

_pointer, _int32, _int64, _float = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_float


class StepOperation(IntEnum):
    """``enum StepOperation`` of kernels/nodes.cpp."""

    ADD = 0
    MEAN = 1
    MAXIMUM = 2


class CLeaf(ctypes.Structure):
    """``struct Leaf`` of kernels/nodes.cpp."""

    _fields_ = (("kind", _int32), ("constant", _int32), ("data", _pointer), ("scale", _pointer), ("shift", _pointer))


class CTerm(ctypes.Structure):
    """``struct Term`` of kernels/nodes.cpp."""

    _fields_ = (("buffer", _int32), ("index", _int32))


class CStep(ctypes.Structure):
    """``struct Step`` of kernels/nodes.cpp."""

    _fields_ = tuple((name, _int32) for name in ("operation", "kernel", "target", "first_term", "n_terms", "constant"))


class CProgram(ctypes.Structure):
    """``struct Program`` of kernels/nodes.cpp."""

    _fields_ = (
        ("leaves", _pointer), ("terms", _pointer), ("steps", _pointer),
        ("n_steps", _int32), ("n_buffers", _int32), ("first_term", _int32), ("n_terms", _int32),
    )  # fmt: skip


class CShape(ctypes.Structure):
    """``struct Shape`` of kernels/lanes.h."""

    _fields_ = tuple((name, _int64) for name in ("timesteps", "batch", "height", "width", "channels"))


class CFire(ctypes.Structure):
    """``struct Fire`` of kernels/nodes.cpp."""

    _fields_ = (
        ("tau", _float), ("threshold", _float), ("reset", _float), ("pad", _int32), ("spike_channels", _int64),
        ("depth", _int64), ("scale", _pointer), ("shift", _pointer), ("state", _pointer), ("spikes", _pointer),
        ("bits", _pointer), ("rows", _int64), ("row_bytes", _int64),
    )  # fmt: skip


class CCollection(ctypes.Structure):
    """``struct Collection`` of kernels/convolutions.cpp."""

    _fields_ = (
        ("slices", _pointer * MAX_SLICES), ("out", _pointer), ("sums", _pointer), ("squares", _pointer),
        ("n_images", _int64), ("pixels", _int64), ("out_channels", _int64), ("n_slices", _int32), ("format", _int32),
    )  # fmt: skip


class CConvolution(ctypes.Structure):
    """``struct Convolution`` of kernels/convolutions.cpp."""

    _fields_ = (
        ("spikes", _pointer), ("weights", _pointer), ("out", _pointer), ("sums", _pointer), ("squares", _pointer),
        ("timesteps", _int64), ("batch", _int64), ("height", _int64), ("width", _int64), ("padded_channels", _int64),
        ("out_channels", _int64), ("pad", _int32), ("kernel", _int32), ("slices", _int32), ("format", _int32),
        ("instructions", _int32),
    )  # fmt: skip


class CLif(ctypes.Structure):
    """``struct Lif`` of kernels/training.cpp."""

    _fields_ = (
        ("input", _pointer), ("gradient", _pointer), ("output", _pointer), ("timesteps", _int64), ("n", _int64),
        ("tau", _float), ("threshold", _float), ("reset", _float),
        ("constant", _int32), ("surrogate", _int32), ("is_bfloat16", _int32),
    )  # fmt: skip


class Instructions(IntEnum):
    """Instruction sets of the convolution kernel (``enum Instructions`` of kernels/convolutions.cpp), fastest first."""

    AMX = 1
    VNNI = 2

    @property
    def label(self) -> str:
        """Name for messages and reports."""
        return {Instructions.AMX: "AMX", Instructions.VNNI: "AVX-512 VNNI"}[self]


@dataclass(frozen=True)
class Native:
    """The loaded kernels, or the reason why they are not available.

    Attributes:
        library: the loaded library; None if it is not available.
        reason: why ``library`` is None; otherwise empty.
        instructions: instruction sets of this machine that the convolution kernel supports, fastest first.
    """

    library: ctypes.CDLL | None
    reason: str = ""
    instructions: tuple[Instructions, ...] = ()


@cache
def native() -> Native:
    """Load the kernels; compile them first if this machine has not done so yet."""
    if os.environ.get(DISABLE) == "0":
        return Native(None, f"disabled by {DISABLE}=0")
    if platform.system() != "Linux":
        return Native(None, f"supported on Linux only; this system is {platform.system()}")
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
    if compiler is None:
        return Native(None, "C++ compiler not found; install g++ for a faster search")
    try:
        library = ctypes.CDLL(str(_compiled(compiler)))
    except (OSError, subprocess.SubprocessError) as error:
        details = getattr(error, "stderr", None) or str(error)
        return Native(None, f"{compiler} failed: {' '.join(str(details).split())[:200]}")
    return Native(library, instructions=tuple(one for one in Instructions if _has(library, one)))


def accepted(answer: int) -> int:
    """Check and return the return value of a kernel.

    Raises:
        ValueError: the value is negative: the kernel was given an unknown code.
    """
    if answer < 0:
        raise ValueError("unknown code given to a kernel; expected a value of the kernel's enumerations")
    return answer


def _has(library: ctypes.CDLL, instructions: Instructions) -> bool:
    return bool(library.neuronas_has(ctypes.c_int32(instructions)))


def cache_folder() -> Path:
    """Folder of the compiled kernels."""
    if own := os.environ.get(CACHE):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "neuronas"  # noqa: PTH111


def _compiled(compiler: str) -> Path:
    machine = _processor()
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - a compiler from PATH
    sources = [path.read_text(encoding="utf-8") for path in sorted((*_SOURCES.glob("*.cpp"), *_SOURCES.glob("*.h")))]
    identity = "\0".join([*sources, *_FLAGS, compiler, version, machine])
    folder = cache_folder()
    target = folder / f"kernels-{hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()}.so"
    if not _is_whole(target):
        handle, made = _new_file(folder)
        target = Path(made).with_name(target.name)
        os.close(handle)
        command = [compiler, *_FLAGS, "-o", made, *map(str, sorted(_SOURCES.glob("*.cpp")))]
        try:
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=_COMPILE_S)  # noqa: S603
            with Path(made).open("ab") as file:
                file.write(_digest(Path(made).read_bytes()))
            Path(made).replace(target)  # atomic: another process may be building the same
        finally:
            Path(made).unlink(missing_ok=True)
    return target


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


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = ("model name", "flags", "Features", "CPU part")
    return "\n".join(next((line for line in lines if line.startswith(name)), "") for name in names)
