"""Images that the weights of a run were not fitted to: where something is chosen or compared, without test images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from neuronas.api.compose import Plan
from neuronas.runs.integers import SplitName

if TYPE_CHECKING:
    from torch import Tensor

    from neuronas.training.images import Images, Indices


@dataclass(frozen=True)
class Draw:
    """Which of the images are drawn for a purpose.

    Attributes:
        at_most: how many.
        number: tells the random numbers of the purposes apart.
    """

    at_most: int
    number: int


DIAGNOSIS, EARLY_EXIT, PRECISION = Draw(256, 6), Draw(1000, 7), Draw(1000, 8)
"""Causes of what simulated chips lose; the confidence at which a network decides early; what rounding costs."""


class HasImages(Protocol):
    """A trained run, or a network of one's own."""

    @property
    def plan(self) -> Plan: ...  # noqa: D102 - settings, with the split of the training images

    def images(self, split: str) -> "Images":
        """Images of the data set, ``train`` or ``test``."""
        ...


@dataclass(frozen=True)
class Sample:
    """Some images of a data set.

    Attributes:
        split: which of the data set's.
        images: that hold them.
        indices: of them.
    """

    split: SplitName
    images: "Images"
    indices: "Indices"

    @property
    def labels(self) -> "Tensor":
        """[n] classes."""
        import torch

        return self.images.labels[torch.from_numpy(self.indices)]


def held_out(given: HasImages, draw: Draw, seed: int | None = None) -> Sample:
    """Draw validation images of a run, or training images where it has none.

    Args:
        given: the run.
        draw: for what.
        seed: of the draw; None: that of the training.

    Raises:
        DataError: they are not there.
    """
    import numpy as np

    from neuronas.training.images import stratified_split

    images, train = given.images("train"), given.plan.config.train
    split, those = stratified_split(images.labels, train.validation_share, train.seed).held_out
    random = np.random.default_rng([train.seed if seed is None else seed, draw.number])
    return Sample(split, images, np.sort(random.permutation(those)[: draw.at_most]))
