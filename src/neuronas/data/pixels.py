"""Converts decoded pictures to bytes: pixel formats, transparency, resizing.

Values are scaled by the range of their type, not by the range of an image's values: a dark image stays dark.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms
from torch import Tensor

from neuronas.space.shape import Side, size_of

BACKGROUND = 255
"""Colour behind transparent pixels: white, as in browsers and viewers."""
GREY_MODES = ("1", "L", "LA", "La", "I", "F")
"""Modes without colour (``I`` includes ``I;16`` and similar modes)."""
_WHITE_IS_ZERO, _BITS, _PHOTOMETRIC, _SAMPLE_FORMAT, _UNSIGNED = 0, 258, 262, 339, 1
"""Tags of TIFF 6.0 and their values used here."""
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


def to_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert a picture of any mode supported by Pillow to ``L`` (grey) or ``RGB`` with 8 bits per channel.

    Raises:
        ValueError: pixels without a known range (signed integers, floats outside 0 to 1).
    """
    if image.mode.startswith("I"):
        image = _of_integers(image)
    elif image.mode == "F":
        image = _of_floats(image)
    elif image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
        if converted is None:
            raise ValueError("LAB colours cannot be converted")
        image = converted
    elif image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    if image.has_transparency_data:
        image = image.convert("RGBA")
        below = Image.new("RGBA", image.size, (BACKGROUND,) * 4)
        image = Image.alpha_composite(below, image).convert("RGB")
    return image.convert(mode)


def _of_integers(image: Image.Image) -> Image.Image:
    """Convert grey values of more than 8 bits, by the range declared in the file."""
    tags: Any = getattr(image, "tag_v2", {})
    values = np.asarray(image)
    if image.mode != "I":
        top = 2 ** int(tags.get(_BITS, (16,))[0]) - 1  # TIFF also has 12 bits
    elif image.format in ("PNG", "PPM"):
        top = 65_535  # 16 bits in both formats as opened by Pillow
    elif tags and tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0] == _UNSIGNED:
        values, top = values.view(np.uint32), 2**32 - 1
    else:
        raise ValueError("has signed pixels, whose black and white levels are unknown; save it with unsigned ones")
    scaled = np.rint(values.astype(np.float64) * (255 / top)).clip(0, 255).astype(np.uint8)
    inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    return Image.fromarray(255 - scaled if inverted else scaled)


def _of_floats(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("holds numbers that are not finite")
    low, high = values.min(initial=0), values.max(initial=0)
    if low < 0 or high > 1:
        raise ValueError(f"has floating-point pixels from {low:g} to {high:g}; expected 0 (black) to 1 (white)")
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def as_tensor(image: Image.Image) -> Tensor:
    """A picture of mode ``L`` or ``RGB`` as uint8 [C, H, W]."""
    pixels = np.array(image, dtype=np.uint8).reshape(image.height, image.width, -1)
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def resized_picture(image: Image.Image, size: Side) -> Image.Image:
    """Resize with Pillow's ``BILINEAR``, which averages when reducing; no change if the size is the same."""
    height, width = size_of(size)
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BILINEAR)


def resized(images: Tensor, size: Side) -> Tensor:
    """Resize uint8 [..., H, W], bit-identical to ``resized_picture``; no change if the size is the same."""
    height, width = size_of(size)
    if images.shape[-2:] == (height, width):
        return images
    planes = images.flatten(0, -3).numpy()
    found: NDArray[np.uint8] = np.empty((len(planes), height, width), np.uint8)
    for number, plane in enumerate(planes):
        found[number] = np.asarray(resized_picture(Image.fromarray(plane), size))
    return torch.from_numpy(found).reshape(*images.shape[:-2], height, width)
