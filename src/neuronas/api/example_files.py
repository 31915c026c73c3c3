"""Files to try the commands of the documentation with: images, recordings and an accelerator."""

import io
from collections.abc import Iterator
from pathlib import Path

from neuronas.config import is_there, settings_for, write_bytes
from neuronas.config.files import read_beginning
from neuronas.data.presets import Digits
from neuronas.errors import ConfigurationError, writing
from neuronas.hardware.accelerator import BUILTIN
from neuronas.runs.document import Document, Location

CLASSES = ("zero", "one", "two", "three", "four")
"""Names of the folders of images; the index is the digit on them."""
N_IMAGES = {"train": 100, "test": 20}
"""Images per class."""
MOVES = ("down", "left", "right", "up")
"""Names of the folders of recordings."""
N_RECORDINGS = {"train": 40, "test": 10}
"""Recordings of each class."""
_HEIGHT, _WIDTH, _DURATION_US = 24, 32, 100_000
_BAR, _SEEN, _NOISE = 0.15, 0.5, 40
"""Width of the bar, as a share of its way; share of the pixels that notice an edge; events of noise."""
_PHOTOS, _RECORDINGS, _ACCELERATOR = "photos", "recordings", "mine.yaml"


class ExampleFiles(Document):
    """What was written.

    Attributes:
        images: the folder of images, as ``--dataset imagefolder:DIR`` takes it.
        n_images: in that folder.
        class_names: its classes.
        recordings: the folder of recordings, as ``--dataset events:DIR`` takes it.
        n_recordings: in that folder.
        moves: its classes.
        hardware: the accelerator, as ``--hardware FILE`` takes it.
    """

    images: Location
    n_images: int
    class_names: tuple[str, ...]
    recordings: Location
    n_recordings: int
    moves: tuple[str, ...]
    hardware: Location


def write_example_files(folder: Path) -> ExampleFiles:
    """Write images, recordings and ``mine.yaml``, a copy of the default chip.

    Images are ``photos/{train,test}/CLASS/*.png``, digits of 8x8 pixels; recordings are
    ``recordings/{train,test}/MOVE/*.bin``.

    Files that are there with the same content stay as they are, so it may be repeated.

    Raises:
        ConfigurationError: a file is there with other content, or a folder with other files, with which the new ones
            would mix; nothing is written.
        RunDirectoryError: a file cannot be written.
    """
    accelerator = BUILTIN[settings_for("search")["hardware"].default].read_bytes()
    images, recorded = dict(_images(folder / _PHOTOS)), dict(_recordings(folder / _RECORDINGS))
    contents = {folder / _ACCELERATOR: accelerator, **images, **recorded}
    for path, content in contents.items():
        if is_there(path) and read_beginning(path, len(content) + 1)[0] != content:
            raise ConfigurationError(f"{path}: exists with other content; expected an empty folder (--out DIR)")
    for own in (folder / _PHOTOS, folder / _RECORDINGS):
        if strange := sorted(path for path in own.rglob("*") if not path.is_dir() and path not in contents):
            raise ConfigurationError(f"{own}: holds other files ({strange[0]}); expected an empty folder (--out DIR)")
    for path, content in contents.items():
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        if not is_there(path):
            write_bytes(path, content)
    return ExampleFiles(
        images=folder / _PHOTOS,
        n_images=len(images),
        class_names=CLASSES,
        recordings=folder / _RECORDINGS,
        n_recordings=len(recorded),
        moves=MOVES,
        hardware=folder / _ACCELERATOR,
    )


def _images(folder: Path) -> Iterator[tuple[Path, bytes]]:
    from PIL import Image

    for split, count in N_IMAGES.items():
        pixels, labels = Digits().arrays(split)
        for digit, name in enumerate(CLASSES):
            for number, index in enumerate((labels == digit).nonzero()[0][:count]):
                file = io.BytesIO()
                Image.fromarray(pixels[index]).save(file, format="PNG")
                yield folder / split / name / f"{number}.png", file.getvalue()


def _recordings(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Path and content of each: files ``.bin`` of N-MNIST, five bytes an event, of a bar that moves.

    The bar crosses every pixel once, whichever way it goes: what tells the classes apart is the order of the events.
    """
    for number, split in enumerate(N_RECORDINGS):
        for move in MOVES:
            for index in range(N_RECORDINGS[split]):
                seed = [number, MOVES.index(move), index]
                yield folder / split / move / f"{index}.bin", _moving_bar(move, seed)


def _moving_bar(move: str, seed: list[int]) -> bytes:
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
