"""Images of an experiment's size: seeded, stratified draws from a data set."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.data.source import ImageSource
from neuronas.errors import DataError
from neuronas.training.images import Indices, stratified_split


@dataclass(frozen=True)
class Subset:
    """Some images of another source, in the order of ``indices``."""

    source: ImageSource
    indices: Indices

    @property
    def labels(self) -> NDArray[np.int64]:
        """See ``ImageSource``."""
        return self.source.labels[self.indices]

    def read(self, index: int) -> Tensor:
        """See ``ImageSource``."""
        return self.source.read(int(self.indices[index]))


def drawn(source: ImageSource, n: int | None, seed: int) -> ImageSource:
    """Draw about n images, the same share of each class; all of them if n is None or as many as there are.

    Raises:
        DataError: the source holds no image.
    """
    there = len(source.labels)
    if not there:
        raise DataError("the data set holds no images")
    if n is None or n >= there:
        return source
    split = stratified_split(torch.from_numpy(source.labels), n / there, seed)
    return Subset(source, split.validation)
