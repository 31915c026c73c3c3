"""Structures and codes exchanged between Python and the kernels, as declared in the C++ sources."""

import ctypes
from enum import IntEnum

MAX_SLICES = 4
"""``kMaxSlices`` of kernels/convolutions.cpp. The largest 24-bit codes need four signed 8-bit slices."""

_NO_MEMORY = -2
"""``kNoMemory`` of kernels/lanes.h."""

_pointer, _int32, _int64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64
_float, _double = ctypes.c_float, ctypes.c_double


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
        ("tau", _float), ("threshold", _float), ("reset", _float), ("scale", _pointer),
        ("shift", _pointer), ("state", _pointer), ("bits", _pointer), ("rows", _int64), ("row_bytes", _int64),
    )  # fmt: skip


class Method(IntEnum):
    """Method of convolving spikes (``enum Method`` of kernels/convolutions.cpp)."""

    EVENTS = 1
    TILES = 2


class CConvolution(ctypes.Structure):
    """``struct Convolution`` of kernels/convolutions.cpp."""

    _fields_ = (
        ("shape", CShape), ("bits", _pointer), ("weights", _pointer), ("out", _pointer), ("sums", _pointer),
        ("squares", _pointer), ("rows", _int64), ("row_bytes", _int64), ("out_channels", _int64),
        ("kernel", _int32), ("slices", _int32), ("format", _int32), ("method", _int32),
        ("block", _int32), ("limit", _int32),
    )  # fmt: skip


class CLif(ctypes.Structure):
    """``struct Lif`` of kernels/training.cpp."""

    _fields_ = (
        ("input", _pointer), ("gradient", _pointer), ("output", _pointer), ("timesteps", _int64), ("n", _int64),
        ("tau", _float), ("threshold", _float), ("reset", _float),
        ("constant", _int32), ("surrogate", _int32), ("is_bfloat16", _int32),
    )  # fmt: skip


class CSpikeConvolution(ctypes.Structure):
    """``struct SpikeConvolution`` of kernels/spike_convolutions.cpp."""

    _fields_ = (
        *((name, _pointer) for name in (
            "spikes", "weights", "codes", "scale", "gradient", "values", "weight_gradient", "totals"
        )),
        *((name, _int64) for name in ("n", "height", "width", "inputs", "outputs", "kernel", "limit")),
    )  # fmt: skip


class CInputGradient(ctypes.Structure):
    """``struct InputGradient`` of kernels/winograd.cpp."""

    _fields_ = (
        *((name, _pointer) for name in ("gradient", "weights", "found")),
        *((name, _int64) for name in ("n", "height", "width", "inputs", "outputs")),
    )


class CNormalisation(ctypes.Structure):
    """``struct Normalisation`` of kernels/normalisation.cpp."""

    _fields_ = (
        *((name, _pointer) for name in (
            "x", "gradient", "out", "totals", "gain", "bias", "mean", "deviation", "running_mean", "running_variance"
        )),
        *((name, _int64) for name in ("pixels", "channels", "n")), ("epsilon", _double), ("momentum", _double),
    )  # fmt: skip


class CPooling(ctypes.Structure):
    """``struct Pooling`` of kernels/pooling.cpp."""

    _fields_ = (
        ("from", _pointer), ("to", _pointer),
        *((name, _int64) for name in (
            "n", "height", "width", "out_height", "out_width", "channels",
            "rows", "columns", "row_stride", "column_stride", "padding",
        )),
    )  # fmt: skip


def accepted(answer: int) -> int:
    """Check and return the result of a kernel.

    Raises:
        MemoryError: the kernel could not allocate memory.
        ValueError: the kernel was given an unknown code.
    """
    if answer == _NO_MEMORY:
        raise MemoryError("memory for a kernel not available; use a smaller batch size or fewer threads")
    if answer < 0:
        raise ValueError("unknown code given to a kernel; expected a value of the kernel's enumerations")
    return answer
