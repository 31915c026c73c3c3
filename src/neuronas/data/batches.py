"""The images used by a search: a random sample of the training images with a fixed seed."""

import logging
from base64 import b64decode, b64encode
from collections.abc import Sequence

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from neuronas.data.counts import check_enough
from neuronas.data.source import ImageSource
from neuronas.errors import DataError

_log = logging.getLogger(__name__)


def search_batches(
    source: ImageSource,
    batch_size: int,
    n_batches: int,
    seed: int,
    mean: Sequence[float],
    std: Sequence[float],
    skip_corrupt: bool = False,
) -> Tensor:
    """Draw batches without replacement and normalise them.

    Args:
        source: training images.
        batch_size: number of images per batch.
        n_batches: number of batches.
        seed: random seed of the draw.
        mean: mean of each channel, for pixels in [0, 1].
        std: standard deviation of each channel, for pixels in [0, 1].
        skip_corrupt: skip images that cannot be decoded (each is logged) instead of failing.

    Returns:
        [n_batches, batch_size, C, H, W] float32; for sequences [n_batches, T, batch_size, C, H, W].

    Raises:
        DataError: too few (readable) images, or a corrupt image.
    """
    needed, n_images = batch_size * n_batches, len(source.labels)
    check_enough(n_images, batch_size, n_batches)
    images: list[Tensor] = []
    for index in np.random.default_rng(seed).permutation(n_images):
        try:
            images.append(source.read(int(index)))
        except DataError as error:
            if not skip_corrupt:
                raise
            _log.warning("skipped: %s", error.fact)
        if len(images) == needed:
            break
    else:
        check_enough(len(images), batch_size, n_batches)
    pixels = torch.stack(images).float() / 255
    normalised = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    batches = normalised.reshape(n_batches, batch_size, *normalised.shape[1:])
    return batches.movedim(2, 1) if batches.dim() == 6 else batches


def first_images(batches: Tensor, n: int) -> Tensor:
    """The first n images of the first batch of ``search_batches``, as a single batch."""
    return batches[:1].narrow(-4, 0, min(n, batches.shape[-4]))


def to_text(batches: Tensor) -> str:
    """Encode batches for processes that cannot read the data set."""
    return b64encode(save({"images": batches.contiguous()})).decode()


def from_text(text: str) -> Tensor:
    """Decode the result of ``to_text``."""
    return load(b64decode(text))["images"]
