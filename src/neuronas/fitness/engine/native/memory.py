"""Large buffers that are used again: fresh memory costs a page fault and a zeroing every 4 KiB."""

import mmap
import weakref
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

_HUGE_PAGE = 2**21
_SLACK = 1.25
"""A free buffer serves a request that is at most this much smaller."""


def huge_memory(n_bytes: int) -> mmap.mmap:
    """At least ``n_bytes`` of memory, on huge pages where the system has them."""
    # Private: the system gives no huge pages to shared memory.
    memory = mmap.mmap(-1, -(-n_bytes // _HUGE_PAGE) * _HUGE_PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError, AttributeError):  # systems without huge pages are slower, no more
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


class BufferPool:
    """Hands out memory as tensors and takes it back when the last tensor on it is gone.

    Args:
        limit_bytes: memory that is not in use is let go when all of it together would exceed this.
    """

    def __init__(self, limit_bytes: int):
        self.limit_bytes = limit_bytes
        self._total = 0
        self._free: list[mmap.mmap] = []

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A tensor with undefined content."""
        n_bytes = max(1, int(np.prod(shape)) * dtype.itemsize)
        memory = self._take(n_bytes)
        array = np.frombuffer(memory, dtype=np.uint8, count=n_bytes)
        # The tensor's storage holds the array, so the memory comes back when no tensor needs it any more.
        weakref.finalize(array, self._free.append, memory).atexit = False
        return torch.from_numpy(array).view(dtype).view(shape)

    def _take(self, n_bytes: int) -> mmap.mmap:
        size = -(-n_bytes // _HUGE_PAGE) * _HUGE_PAGE
        fitting = [memory for memory in self._free if size <= len(memory) <= size * _SLACK]
        if fitting:
            best = min(fitting, key=len)
            self._free.remove(best)
            return best
        while self._free and self._total + size > self.limit_bytes:
            self._total -= len(self._free.pop(0))
        self._total += size
        return huge_memory(size)
