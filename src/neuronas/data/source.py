"""Sources of images: arrays in memory, or files that are decoded on demand."""

import io
import logging
import struct
import warnings
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from neuronas.config import read_bytes
from neuronas.data.pixels import as_tensor, resized_picture, to_mode
from neuronas.errors import DataError
from neuronas.space.shape import Side

MAX_PIXELS = 50_000_000
"""Larger images are rejected before decoding (decompression bombs)."""
_MAX_BYTES = 500_000_000
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "TIFF", "GIF")
"""Accepted formats, by content. Others need external programs (EPS) or little-reviewed decoders."""
_DAMAGED = (
    OSError, EOFError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError, AttributeError, RuntimeError,
    MemoryError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
"""Exceptions raised by decoders on damaged content."""

_ORIENTATION, _TURN = 0x0112, Image.Transpose
_TURNS: dict[Any, Image.Transpose] = {
    2: _TURN.FLIP_LEFT_RIGHT, 3: _TURN.ROTATE_180, 4: _TURN.FLIP_TOP_BOTTOM, 5: _TURN.TRANSPOSE, 6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE, 8: _TURN.ROTATE_90,
}  # fmt: skip
"""Transposition that turns a picture upright, by its EXIF tag Orientation."""

# An image is decoded or rejected; Pillow's warnings would not help the user.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


class ImageSource(Protocol):
    """Labelled images of one size."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N] class of each image."""
        ...

    def read(self, index: int) -> Tensor:
        """Return image ``index`` as uint8 [C, H, W], or a sequence [T, C, H, W] with one image per time step.

        Raises:
            DataError: the image cannot be read; the message names it.
        """
        ...


@runtime_checkable
class DrawingSource(ImageSource, Protocol):
    """A source that can augment samples while reading, as for event recordings."""

    @property
    def augments(self) -> bool:
        """Whether it augments; otherwise use ``read``."""
        ...

    def read_augmented(self, index: int, seed: list[int]) -> Tensor:
        """Return an augmented version of image ``index``; the same seed gives the same version.

        Raises:
            DataError: the image cannot be read; the message names it.
        """
        ...


@dataclass(frozen=True)
class ArraySource:
    """Images in memory: uint8 [N, C, H, W], or sequences [N, T, C, H, W]."""

    images: Tensor
    labels: NDArray[np.int64]

    def read(self, index: int) -> Tensor:
        """See ``ImageSource``."""
        return self.images[index]


class PictureSource(ABC):
    """Pictures in a file format, decoded on demand, converted to ``channels`` (1 grey, 3 RGB) and resized to ``size``.

    Photographs are first turned upright according to their EXIF tag Orientation.
    """

    labels: NDArray[np.int64]
    channels: int
    size: Side

    @abstractmethod
    def encoded(self, index: int) -> tuple[str, Callable[[], bytes]]:
        """Name of image ``index`` for messages, and a function that returns the content of its file."""

    def read(self, index: int) -> Tensor:
        """See ``ImageSource``."""
        picture = decoded(*self.encoded(index), lambda image: to_mode(upright(image), self.mode))
        return as_tensor(resized_picture(picture, self.size))

    def check(self, index: int) -> None:
        """Check that image ``index`` can be read; JPEG files are decoded at reduced size, which is fast.

        Raises:
            DataError: as ``read``.
        """

        def small(image: Image.Image) -> Image.Image:
            image.draft(None, (1, 1))
            return to_mode(upright(image), self.mode)

        decoded(*self.encoded(index), small)

    @property
    def mode(self) -> str:
        """Pillow's name of the pixels that are read."""
        return "L" if self.channels == 1 else "RGB"


@dataclass(frozen=True)
class FileSource(PictureSource):
    """Image files."""

    paths: Sequence[Path]
    labels: NDArray[np.int64]
    channels: int
    size: Side

    def encoded(self, index: int) -> tuple[str, Callable[[], bytes]]:
        """See ``PictureSource``."""
        path = self.paths[index]
        return str(path), lambda: read_bytes(path, _MAX_BYTES)


def decoded(name: str, raw: Callable[[], bytes], work: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Open a picture and apply a function to it.

    Args:
        name: name of the image in messages.
        raw: returns the content of its file.
        work: function of the picture; its decoding errors are raised as ``DataError``.

    Raises:
        DataError: the image cannot be read; the message names it.
    """
    try:
        with Image.open(io.BytesIO(raw()), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"image {name}: {image.width}x{image.height} pixels; expected at most {MAX_PIXELS:,}")
            return work(image)
    except FileNotFoundError as error:
        raise DataError(
            f"image {name}: not found", "check the path, or skip such images with --skip-corrupt"
        ) from error
    except _DAMAGED as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = f"expected {', '.join(_FORMATS)}"
        raise DataError(
            f"image {name}: cannot be decoded ({' '.join(reason.split())})",
            "remove it, or skip such images with --skip-corrupt",
        ) from error


def upright(image: Image.Image) -> Image.Image:
    """Turn a picture by its EXIF tag. Pillow's own function also rewrites the tags, and fails on unusual ones."""
    image.load()
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    except _DAMAGED:  # the tags are damaged, not the picture, which is read as stored
        turn = None
    return image if turn is None else image.transpose(turn)
