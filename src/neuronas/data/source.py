"""Where images come from: arrays in memory, or files that are decoded when asked for."""

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
"""Larger images are refused before they are decoded (decompression bombs)."""
_MAX_BYTES = 500_000_000
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "TIFF", "GIF")
"""Whatever a file is called: others are decoded by programs (EPS), or by code that few have looked at."""
_DAMAGED = (
    OSError, EOFError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError, AttributeError, RuntimeError,
    MemoryError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
"""What decoders may raise at damaged content."""

_ORIENTATION, _TURN = 0x0112, Image.Transpose
_TURNS: dict[Any, Image.Transpose] = {
    2: _TURN.FLIP_LEFT_RIGHT, 3: _TURN.ROTATE_180, 4: _TURN.FLIP_TOP_BOTTOM, 5: _TURN.TRANSPOSE, 6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE, 8: _TURN.ROTATE_90,
}  # fmt: skip
"""How a picture is turned upright, by its EXIF tag Orientation."""

# An image is decoded or refused; what Pillow remarks on the way helps nobody.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


class ImageSource(Protocol):
    """Labelled images of one size."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each image."""
        ...

    def read(self, index: int) -> Tensor:
        """Return image ``index`` as uint8 [C, H, W]; of a sequence data set [T, C, H, W], one image a time step.

        Raises:
            DataError: the image cannot be read; the message names it.
        """
        ...


@runtime_checkable
class DrawingSource(ImageSource, Protocol):
    """A source that can draw other versions of an image while it reads it, as of recordings, event by event."""

    @property
    def augments(self) -> bool:
        """Whether it does; otherwise ``read`` is meant."""
        ...

    def read_augmented(self, index: int, seed: list[int]) -> Tensor:
        """Return another version of image ``index``; the same seed gives the same.

        Raises:
            DataError: the image cannot be read; the message names it.
        """
        ...


@dataclass(frozen=True)
class ArraySource:
    """Images in memory: uint8 [N, C, H, W], or of sequences [N, T, C, H, W]."""

    images: Tensor
    labels: NDArray[np.int64]

    def read(self, index: int) -> Tensor:
        """See ``ImageSource``."""
        return self.images[index]


class PictureSource(ABC):
    """Pictures in a file format, decoded on demand, converted to ``channels`` (1 grey, 3 RGB) and resized to ``size``.

    A photograph that notes how the camera was held (EXIF) is turned upright first.
    """

    labels: NDArray[np.int64]
    channels: int
    size: Side

    @abstractmethod
    def encoded(self, index: int) -> tuple[str, Callable[[], bytes]]:
        """What to call image ``index`` in messages, and what gives the bytes of its file."""

    def read(self, index: int) -> Tensor:
        """See ``ImageSource``."""
        picture = decoded(*self.encoded(index), lambda image: to_mode(upright(image), self.mode))
        return as_tensor(resized_picture(picture, self.size))

    def check(self, index: int) -> None:
        """Find out whether image ``index`` can be read; of a photograph (JPEG) a small copy is decoded, which is fast.

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
    """Open a picture and do something with it.

    Args:
        name: what to call it in messages.
        raw: gives the content of its file.
        work: what to do; whatever it raises at damaged content means that the file cannot be decoded.

    Raises:
        DataError: the image cannot be read; the message names it.
    """
    try:
        with Image.open(io.BytesIO(raw()), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"image {name}: {image.width}x{image.height} pixels; expected at most {MAX_PIXELS:,}")
            return work(image)
    except _DAMAGED as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = f"expected {', '.join(_FORMATS)}"
        raise DataError(
            f"image {name}: cannot be decoded ({' '.join(reason.split())})",
            "remove it, or skip such images with --skip-corrupt",
        ) from error


def upright(image: Image.Image) -> Image.Image:
    """Turn a picture as it notes. Pillow's own function also writes the notes anew, and fails where they are odd."""
    image.load()
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    except _DAMAGED:  # the notes, not the picture, which is read as it is stored
        turn = None
    return image if turn is None else image.transpose(turn)
