"""Recordings to try the commands of the documentation with: a bar that moves, as an event camera sees it.

The bar crosses every pixel once, whichever way it goes: what tells the classes apart is the order of the events alone.
"""

from collections.abc import Iterator
from pathlib import Path

MOVES = ("down", "left", "right", "up")
"""Names of the folders of recordings."""
N_RECORDINGS = {"train": 40, "test": 10}
"""Recordings of each class."""
_HEIGHT, _WIDTH, _DURATION_US = 24, 32, 100_000
_BAR, _SEEN, _NOISE = 0.15, 0.5, 40
"""Width of the bar, as a share of its way; share of the pixels that notice an edge; events of noise."""


def recordings(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Path and content of each: files ``.bin`` of N-MNIST, five bytes an event."""
    for number, split in enumerate(N_RECORDINGS):
        for move in MOVES:
            for index in range(N_RECORDINGS[split]):
                seed = [number, MOVES.index(move), index]
                yield folder / split / move / f"{index}.bin", moving_bar(move, seed)


def moving_bar(move: str, seed: list[int]) -> bytes:
    """One recording; the bar begins anywhere, and at the edge of the sensor it goes on at the other one.

    Args:
        move: one of ``MOVES``.
        seed: random seed.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    y, x, p = (axis.ravel() for axis in np.indices((_HEIGHT, _WIDTH, 2)))
    way = x / _WIDTH if move in ("left", "right") else y / _HEIGHT
    way = 1 - way if move in ("left", "up") else way
    # The front of the bar makes a pixel brighter (ON), and its end darker again.
    share = (way + rng.random() + np.where(p, 0, _BAR)) % 1
    t_us = share * _DURATION_US + rng.normal(0, 1000, share.shape)
    seen = (rng.random(share.shape) < _SEEN) & (t_us >= 0) & (t_us < _DURATION_US)
    noise = [rng.integers(0, limit, _NOISE) for limit in (_DURATION_US, _WIDTH, _HEIGHT, 2)]
    t, x, y, p = (
        np.concatenate([one[seen], more]) for one, more in zip((t_us.astype(np.int64), x, y, p), noise, strict=True)
    )
    order = np.argsort(t, kind="stable")
    columns = (x, y, p << 7 | t >> 16, t >> 8 & 0xFF, t & 0xFF)
    return np.stack([column[order] for column in columns], axis=1).astype(np.uint8).tobytes()
