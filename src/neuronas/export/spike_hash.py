"""Digests of the spikes of each layer, which compare exported programs with the interpreter.

32-bit FNV-1a (Fowler, Noll and Vo) over bytes of eight spikes. Spikes are ordered by time step, row, column and
channel; the first is in the highest bit. The last byte of a time step is padded with zeros.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

_OFFSET, _PRIME = 2166136261, 16777619


class SpikeHashes:
    """Collects the digests of a batch; call it with each layer's spikes (see ``integer_interpreter.Seen``)."""

    def __init__(self) -> None:
        self.by_layer: dict[str, NDArray[np.uint32]] = {}
        """Digest of each image, by name of the LIF layer."""

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Add the spikes [B, C, H, W] or [B, n] of a time step."""
        last = spikes.movedim(1, -1) if spikes.dim() > 2 else spikes
        packed = np.packbits(last.reshape(len(last), -1).cpu().numpy() != 0, axis=1).astype(np.uint32)
        found = self.by_layer.setdefault(name, np.full(len(packed), _OFFSET, np.uint32))
        for column in packed.T:
            found ^= column
            found *= np.uint32(_PRIME)

    def table(self, layers: Sequence[str], n_images: int) -> NDArray[np.uint32]:
        """Digests [n_images, layers]."""
        without = np.full(n_images, _OFFSET, np.uint32)
        return np.stack([self.by_layer.get(layer, without) for layer in layers], axis=1)
