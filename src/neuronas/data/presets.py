"""The data sets that come with neuronas, by name, and the embedded one. Nothing here needs torch before it is read."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from neuronas.data.cifar import Cifar10, Cifar100
from neuronas.data.dataset import DataSet
from neuronas.data.folders import ImageFolder
from neuronas.data.mnist import FashionMnist, Mnist
from neuronas.data.tiny_imagenet import TinyImageNet
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.source import ArraySource

_TEST_SHARE = 0.2
_SPLIT_SEED = 20240700  # fixed: the split must not change with a run's seed


class Digits(DataSet):
    """1,797 real handwritten digits inside scikit-learn, 8x8 pixels; four fifths train, one fifth is the test set."""

    name = "digits"
    image_channels, image_size, n_classes = 1, (8, 8), 10
    mean, std = (0.3058,), (0.3759,)
    channels, head_width, batch_size, augment = 16, 128, 64, "none"

    def load(self, split: str, size: Side) -> "ArraySource":
        """See ``DataSet``."""
        import torch
        from sklearn.datasets import load_digits

        from neuronas.data.pixels import resized
        from neuronas.data.source import ArraySource

        raw = load_digits()
        images = torch.from_numpy(np.rint(raw.images * (255 / 16)).astype(np.uint8)).unsqueeze(1)
        order = np.random.default_rng(_SPLIT_SEED).permutation(len(images))
        n_test = round(_TEST_SHARE * len(images))
        chosen = np.sort(order[:n_test] if split == "test" else order[n_test:])
        return ArraySource(resized(images[torch.from_numpy(chosen)], size), raw.target[chosen].astype(np.int64))


BUILTIN: Mapping[str, DataSet | Callable[..., DataSet]] = {
    "digits": Digits,
    "cifar10": Cifar10,
    "cifar100": Cifar100,
    "tiny-imagenet-200": TinyImageNet,
    "mnist": Mnist,
    "fashion-mnist": FashionMnist,
    "imagefolder:DIR": ImageFolder,
}
"""A data set, or what makes it; of ``KIND:WHAT`` it is called with what follows the colon."""
