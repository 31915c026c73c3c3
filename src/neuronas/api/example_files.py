"""Example files for the commands in the documentation: images, recordings and an accelerator."""

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
"""Names of the image folders; the index is the digit shown."""
N_IMAGES = {"train": 100, "test": 20}
"""Images per class."""
MOVES = ("down", "left", "right", "up")
"""Names of the recording folders."""
N_RECORDINGS = {"train": 40, "test": 10}
"""Recordings per class."""
_HEIGHT, _WIDTH, _DURATION_US = 24, 32, 100_000
_BAR, _SEEN, _NOISE = 0.15, 0.5, 40
"""Width of the bar as a fraction of its path; fraction of the pixels that detect an edge; number of noise events."""
_PHOTOS, _RECORDINGS, _ACCELERATOR = "photos", "recordings", "mine.yaml"


class ExampleFiles(Document):
    """The files that were written.

    Attributes:
        images: image folder, for ``--dataset imagefolder:DIR``.
        n_images: number of images in that folder.
        class_names: classes of the images.
        recordings: folder of recordings, for ``--dataset events:DIR``.
        n_recordings: number of recordings in that folder.
        moves: classes of the recordings.
        hardware: accelerator, for ``--hardware FILE``.
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

    Existing files with the same content are kept, so that the call can be repeated.

    Raises:
        ConfigurationError: a file exists with other content, or a folder holds other files; nothing is written.
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
    """Path and content of each recording of a moving bar: ``.bin`` files of N-MNIST, five bytes per event.

    The bar crosses every pixel once in each direction of movement: the classes differ only in the order of the events.
    """
    for number, split in enumerate(N_RECORDINGS):
        for move in MOVES:
            for index in range(N_RECORDINGS[split]):
                seed = [number, MOVES.index(move), index]
                yield folder / split / move / f"{index}.bin", _moving_bar(move, seed)


def _moving_bar(move: str, seed: list[int]) -> bytes:
    """One recording; the bar starts at a random position and wraps around at the edge of the sensor.

    Args:
        move: one of ``MOVES``.
        seed: random seed.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    y, x, p = (axis.ravel() for axis in np.indices((_HEIGHT, _WIDTH, 2)))
    way = x / _WIDTH if move in ("left", "right") else y / _HEIGHT
    way = 1 - way if move in ("left", "up") else way
    # The front of the bar makes a pixel brighter (ON), and its rear makes it darker again.
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
