"""What modules for training share that run C++ kernels on CPUs: values [n, C, H, W] float32 with channels innermost."""

import ctypes

import torch
from torch import Tensor

from neuronas.kernels.library import loaded_library, native
from neuronas.kernels.structures import accepted

FEWEST_CHANNELS = 8
"""Kernels take multiples of it (``kFewestLanes`` of kernels/lanes.h)."""


def is_native(x: Tensor, *, any_channels: bool = False) -> bool:
    """Whether kernels can read values [n, C, H, W] on this machine; those that read spikes take any channels."""
    fits = x.dim() == 4 and x.device.type == "cpu" and x.dtype == torch.float32
    return fits and (any_channels or x.shape[1] % FEWEST_CHANNELS == 0) and native().library is not None


def channels_last(x: Tensor) -> Tensor:
    """The values with channels innermost; their strides say so whatever the sizes are."""
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def empty(n: int, channels: int, height: int, width: int) -> Tensor:
    """Uninitialised values."""
    return torch.empty(n, height, width, channels).permute(0, 3, 1, 2)


def run(kernel: str, arguments: ctypes.Structure) -> None:
    """Run a kernel in as many threads as torch uses.

    Raises:
        MemoryError: the kernel could not get memory.
        ValueError: it was given sizes or codes that it does not know.
    """
    accepted(getattr(loaded_library(), kernel)(ctypes.byref(arguments), ctypes.c_int32(torch.get_num_threads())))
