"""Reuse of large buffers: new memory costs a page fault and zeroing for every 4 KiB."""

import mmap
import weakref
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

_HUGE_PAGE = 2**21
_SLACK = 1.25
"""A free buffer is reused if its size is at most this factor above the requested size."""


def huge_bytes(n_bytes: int) -> int:
    """Size of whole huge pages that hold ``n_bytes``."""
    return -(-n_bytes // _HUGE_PAGE) * _HUGE_PAGE


def huge_memory(n_bytes: int) -> mmap.mmap:
    """Allocate at least ``n_bytes`` of memory, on huge pages if the system supports them."""
    # Private, since the system gives no huge pages to shared memory.
    memory = mmap.mmap(-1, huge_bytes(n_bytes), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError, AttributeError):  # without huge pages it is only slower
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


class BufferPool:
    """A pool of memory buffers. Memory returns to the pool when no tensor uses it any more.

    ``empty`` is called by one thread, the one that evaluates: kernels start their own threads, and take no buffers. A
    buffer may come back in any thread; it is appended in one step, which needs no lock.

    Args:
        limit_bytes: unused buffers are freed if all buffers together would exceed this size.

    Attributes:
        n_bytes: size of all buffers, used and unused.
    """

    def __init__(self, limit_bytes: int):
        self.limit_bytes = limit_bytes
        self.n_bytes = 0
        self._free: list[mmap.mmap] = []

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """An uninitialised tensor."""
        n_bytes = max(1, int(np.prod(shape)) * dtype.itemsize)
        memory = self._take(n_bytes)
        array = np.frombuffer(memory, dtype=np.uint8, count=n_bytes)
        # The tensor's storage references the array: the memory is free when the array is finalised.
        weakref.finalize(array, self._free.append, memory).atexit = False
        return torch.from_numpy(array).view(dtype).view(shape)

    def _take(self, n_bytes: int) -> mmap.mmap:
        size = huge_bytes(n_bytes)
        fitting = [memory for memory in self._free if size <= len(memory) <= size * _SLACK]
        if fitting:
            best = min(fitting, key=len)
            self._free.remove(best)
            return best
        self.make_room(size)
        self.n_bytes += size
        return huge_memory(size)

    def make_room(self, n_bytes: int) -> None:
        """Free unused buffers until ``n_bytes`` more would be within the limit."""
        while self._free and self.n_bytes + n_bytes > self.limit_bytes:
            self.n_bytes -= len(self._free.pop(0))
