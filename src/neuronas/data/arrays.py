"""Converts images (or sequences of images) and labels in memory to uint8 [N, (T,) C, H, W] and integers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import index as whole
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from neuronas.data.pixels import GREY_MODES, resized, to_mode
from neuronas.data.source import ArraySource, upright
from neuronas.errors import DataError, counted
from neuronas.space.shape import Side

_IMAGE_KEYS, _LABEL_KEYS = ("image", "img"), ("label", "labels")
_AT_A_TIME = 1024
"""Number of images converted at a time; the result is stored as bytes."""


class MapStyle(Protocol):
    """A map-style data set (``len`` and ``[]``), such as ``torch.utils.data.Dataset``, with samples (image, label)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


Split = tuple[Any, Any] | MapStyle
"""Images and labels, or a map-style data set."""


@dataclass(frozen=True)
class Labelled:
    """A converted split; ``class_names`` if the data set provides them."""

    source: ArraySource
    class_names: tuple[str, ...] | None = None


def labelled(given: Split, what: str, size: Side | None = None) -> Labelled:
    """Convert a split.

    Args:
        given: images and labels, see ``neuronas.InMemoryDataSet``.
        what: name of its images in messages, such as ``training image``.
        size: height and width to which images are resized; None: not resized, all must have the same size.

    Raises:
        DataError: other shapes, types or ranges than expected.
    """
    if isinstance(given, tuple) and len(given) == 2:
        return Labelled(_from_arrays(*given, what, size))
    if isinstance(given, Mapping) or not (hasattr(given, "__len__") and hasattr(given, "__getitem__")):
        raise DataError(
            f"{what}s: {type(given).__name__} given; expected (images, labels), or a data set of one split with len() "
            "and []"
        )
    return Labelled(_from_samples(given, what, size), _class_names(given))


def _from_arrays(images: Any, labels: Any, what: str, size: Side | None) -> ArraySource:
    pixels, classes = _numpy(images), _numpy(labels)
    if pixels.ndim not in (3, 4, 5) or not pixels.size:
        raise DataError(
            f"{what}s: shape {list(pixels.shape)} given; expected [N, H, W], [N, C, H, W] or [N, H, W, C] with at "
            "least one image, or sequences of T images: [N, T, C, H, W] or [N, T, H, W, C]"
        )
    if classes.dtype.kind not in "iub" or classes.shape != pixels.shape[:1]:
        raise DataError(
            f"labels of {what}s: {classes.dtype} of shape {list(classes.shape)} given for {len(pixels):,} images; "
            "expected one integer for each"
        )
    pixels = pixels[:, None] if pixels.ndim == 3 else _channels_first(pixels, what)
    found = torch.from_numpy(_as_bytes(pixels, f"{what}s"))
    _check_levels(found, pixels.dtype, what)
    return ArraySource(found if size is None else resized(found, size), classes.astype(np.int64))


def _from_samples(data: MapStyle, what: str, size: Side | None) -> ArraySource:
    images: list[Tensor] = []
    labels: list[int] = []
    for number, (image, label) in enumerate(_samples(data, what)):
        place = f"{what} {number}"
        pixels = _sample_pixels(image, place)
        found = torch.from_numpy(_as_bytes(pixels, place))
        images.append(found if size is None else resized(found[None], size)[0])
        if images[-1].shape != images[0].shape:
            *steps, channels, height, width = images[-1].shape
            of_steps = f"{counted(steps[0], 'time step')} of " if steps else ""
            raise DataError(
                f"{place}: {of_steps}{counted(channels, 'channel')} of {height}x{width} pixels given, unlike the first "
                "image; resize all with size=(height, width), or convert them to one mode in the data set's transform"
            )
        try:
            labels.append(whole(label))
        except TypeError:
            raise DataError(f"{place}: label {label!r} given; expected an integer") from None
    if not images:
        raise DataError(f"{what}s: the data set is empty; expected at least one image")
    stacked = torch.stack(images)
    _check_levels(stacked, pixels.dtype, what)
    return ArraySource(stacked, np.array(labels, dtype=np.int64))


def _samples(data: MapStyle, what: str) -> Iterator[tuple[Any, Any]]:
    for number in range(len(data)):
        sample = data[number]
        if isinstance(sample, Mapping):
            keys = [next((key for key in names if key in sample), None) for names in (_IMAGE_KEYS, _LABEL_KEYS)]
            if None in keys:
                raise DataError(
                    f"{what} {number}: keys {', '.join(map(str, sample))} given; expected 'image' and 'label' (rename "
                    "the columns)"
                )
            yield sample[keys[0]], sample[keys[1]]
        elif isinstance(sample, Sequence) and len(sample) == 2:
            yield sample[0], sample[1]
        else:
            raise DataError(
                f"{what} {number}: {type(sample).__name__} given; expected (image, label), or a dict with 'image' and "
                "'label'"
            )


def _class_names(data: Any) -> tuple[str, ...] | None:
    """Names from torchvision's ``classes`` or Hugging Face's ``features``; looks through ``Subset`` wrappers."""
    while data is not None:
        features = getattr(data, "features", None)
        label = next((features[key] for key in _LABEL_KEYS if key in features), None) if features else None
        names = getattr(label, "names", None) or getattr(data, "classes", None)
        if names:
            return tuple(map(str, names))
        data = getattr(data, "dataset", None)
    return None


def _sample_pixels(image: Any, place: str) -> NDArray[Any]:
    """One image as [C, H, W], or a sequence of images as [T, C, H, W], with its original type."""
    if isinstance(image, Image.Image):
        is_grey = image.mode.partition(";")[0] in GREY_MODES
        try:
            image = to_mode(upright(image), "L" if is_grey else "RGB")
        except ValueError as error:
            raise DataError(f"{place}: {error}") from None
    pixels = _numpy(image)
    if pixels.ndim not in (2, 3, 4) or not pixels.size:
        raise DataError(
            f"{place}: {type(image).__name__} of shape {list(pixels.shape)} given; expected a PIL image, [H, W], "
            "[C, H, W] or [H, W, C], or a sequence of T images: [T, C, H, W] or [T, H, W, C]"
        )
    return pixels[None] if pixels.ndim == 2 else _channels_first(pixels, place)


def _numpy(values: Any) -> NDArray[Any]:
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return np.asarray(values.float() if values.dtype is torch.bfloat16 else values)
    return np.asarray(values)


def _channels_first(pixels: NDArray[Any], what: str) -> NDArray[Any]:
    """Move channels before height and width. If two axes are possible, the one of size 1 or 3 is used."""
    ranks = {1: 0, 3: 0, 2: 1, 4: 1}
    first, last = (ranks.get(pixels.shape[axis], 2) for axis in (-3, -1))
    if first == last == 2:
        raise DataError(
            f"{what}: shape {list(pixels.shape)} given; expected 1 to 4 channels, either before or after height and "
            "width"
        )
    return np.moveaxis(pixels, -1, -3) if last < first else pixels


def _as_bytes(pixels: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """Convert integers from 0 to 255, booleans, or floats from 0 to 1 to bytes, some images at a time (first axis)."""
    kind = pixels.dtype.kind
    if kind not in "biuf":
        raise DataError(f"{what}: pixels of type {pixels.dtype} given; expected uint8, or floats from 0 to 1")
    low, high, highest = pixels.min(), pixels.max(), 1 if kind in "bf" else 255
    if not 0 <= low <= high <= highest:
        raise DataError(
            f"{what}: {pixels.dtype} pixels from {low:g} to {high:g} given; expected uint8 (0 to 255) or floats from 0 "
            "to 1, before normalisation (mean and std are applied later)"
        )
    found = np.empty(pixels.shape, dtype=np.uint8)
    for first in range(0, len(pixels), _AT_A_TIME):
        part = slice(first, first + _AT_A_TIME)
        found[part] = np.rint(pixels[part].astype(np.float32) * (255 // highest))
    return found


def _check_levels(images: Tensor, given: np.dtype[Any], what: str) -> None:
    """Reject pixels that were probably scaled twice or not at all: as bytes, nearly all images would be black.

    Sequences may hold counts of events, which are small numbers.
    """
    if images.dim() == 4 and given not in (np.uint8, np.bool_) and int(images.max()) <= 1:
        raise DataError(
            f"{what}s: {given} pixels that are 0 or 1 of 255 given, so that all images are black; expected uint8 (0 to "
            "255), booleans, or floats from 0 to 1"
        )
