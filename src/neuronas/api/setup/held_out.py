"""Held-out images of a run, for choices and comparisons without test images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from neuronas.api.setup.plan import Plan
from neuronas.runs.integers import SplitName

if TYPE_CHECKING:
    from torch import Tensor

    from neuronas.training.images import Images, Indices


@dataclass(frozen=True)
class Draw:
    """Draw of images for a purpose.

    Attributes:
        at_most: maximum number of images.
        number: distinguishes the random streams of different purposes.
    """

    at_most: int
    number: int


DIAGNOSIS, EARLY_EXIT, PRECISION = Draw(256, 6), Draw(1000, 7), Draw(1000, 8)
"""Draws for the causes of losses on simulated chips, the confidence threshold of early exits, and the rounding loss."""


class HasImages(Protocol):
    """A trained run, or the user's own network."""

    @property
    def plan(self) -> Plan: ...  # noqa: D102 - settings, with the split of the training images

    def images(self, split: str) -> "Images":
        """Images of the data set, ``train`` or ``test``."""
        ...


@dataclass(frozen=True)
class Sample:
    """Some images of a data set.

    Attributes:
        split: split of the data set.
        images: images of that split.
        indices: indices of the drawn images.
    """

    split: SplitName
    images: "Images"
    indices: "Indices"

    @property
    def labels(self) -> "Tensor":
        """Classes, shape [n]."""
        return self.images.labels_of(self.indices)


def held_out(given: HasImages, draw: Draw, seed: int | None = None) -> Sample:
    """Draw validation images of a run, or training images if it has none.

    Args:
        given: run.
        draw: purpose of the draw.
        seed: random seed of the draw; None: that of the training.

    Raises:
        DataError: the images are missing.
    """
    import numpy as np

    from neuronas.training.images import stratified_split

    images, train = given.images("train"), given.plan.config.train
    split, those = stratified_split(images.labels, train.validation_share, train.seed).held_out
    random = np.random.default_rng([train.seed if seed is None else seed, draw.number])
    return Sample(split, images, np.sort(random.permutation(those)[: draw.at_most]))
