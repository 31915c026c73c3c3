"""Common code of trainable modules with C++ kernels on CPUs; values are [n, C, H, W] float32, channels last."""

import ctypes

import torch
from torch import Tensor

from neuronas.kernels.library import loaded_library, native
from neuronas.kernels.structures import accepted

FEWEST_CHANNELS = 8
"""Kernels need a multiple of this number of channels (``kFewestLanes`` of kernels/lanes.h)."""


def is_native(x: Tensor, *, any_channels: bool = False) -> bool:
    """Whether kernels on this machine support values [n, C, H, W]; kernels that read spikes support any channels."""
    fits = x.dim() == 4 and x.device.type == "cpu" and x.dtype == torch.float32
    return fits and (any_channels or x.shape[1] % FEWEST_CHANNELS == 0) and native().library is not None


def channels_last(x: Tensor) -> Tensor:
    """The values with channels last; their strides are unambiguous whatever the sizes are."""
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def empty(n: int, channels: int, height: int, width: int) -> Tensor:
    """Uninitialised values."""
    return torch.empty(n, height, width, channels).permute(0, 3, 1, 2)


def run(kernel: str, arguments: ctypes.Structure) -> None:
    """Run a kernel with as many threads as torch uses.

    Raises:
        MemoryError: the kernel could not allocate memory.
        ValueError: unsupported sizes or unknown codes.
    """
    accepted(getattr(loaded_library(), kernel)(ctypes.byref(arguments), ctypes.c_int32(torch.get_num_threads())))
