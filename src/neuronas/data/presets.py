"""Built-in data sets by name, and the embedded digits. Does not need torch until images are read."""

import zlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.data.cifar import Cifar10, Cifar100
from neuronas.data.dataset import DataSet, per_class
from neuronas.data.events.folder import EventFolder
from neuronas.data.events.published import Cifar10Dvs, Dvs128Gesture, NMnist
from neuronas.data.folders import ImageFolder
from neuronas.data.mnist import FashionMnist, Mnist
from neuronas.data.parquet import ParquetFolder
from neuronas.data.tiny_imagenet import TinyImageNet
from neuronas.errors import DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuronas.data.source import ArraySource

_TEST_SHARE = 0.2
_SPLIT_SEED = 20240700  # fixed: the split must not change with a run's seed


class Digits(DataSet):
    """1,797 handwritten digits included in scikit-learn, 8x8 pixels; a fifth is the test set."""

    name = "digits"
    image_channels, image_size, n_classes = 1, (8, 8), 10
    mean, std = (0.3058,), (0.3759,)
    channels, head_width, batch_size, augment = 16, 128, 64, "none"

    def load(self, split: str, size: Side) -> "ArraySource":
        """See ``DataSet``."""
        import torch

        from neuronas.data.pixels import resized
        from neuronas.data.source import ArraySource

        pixels, labels = self.arrays(split)
        return ArraySource(resized(torch.from_numpy(pixels).unsqueeze(1), size), labels)

    def images_per_class(self, split: str) -> tuple[int, ...]:
        """See ``DataSet``."""
        return per_class(self.arrays(split)[1], self.n_classes)

    def arrays(self, split: str) -> "tuple[NDArray[np.uint8], NDArray[np.int64]]":
        """Pixels [N, 8, 8] from 0 to 255, and classes [N], of ``train`` or ``test``. Does not need torch."""
        import numpy as np

        levels, labels = scikit_learns_digits()
        order = np.random.default_rng(_SPLIT_SEED).permutation(len(levels))
        n_test = round(_TEST_SHARE * len(levels))
        chosen = np.sort(order[:n_test] if split == "test" else order[n_test:])
        return np.rint(levels[chosen] * (255 / 16)).astype(np.uint8), labels[chosen].astype(np.int64)


def scikit_learns_digits() -> "tuple[NDArray[np.uint8], NDArray[np.uint8]]":
    """Levels [N, 8, 8] from 0 to 16, and classes [N], as returned by ``sklearn.datasets.load_digits``.

    The file is read directly, since importing ``sklearn.datasets`` takes longer than all other imports except torch.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
        DataError: its file is missing or damaged.
    """
    import numpy as np

    package = find_spec("sklearn")  # located without importing it
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
    file = Path(package.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    try:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(
            f"{file}: {error}; expected the digits included in scikit-learn; run: pip install --force-reinstall "
            "scikit-learn"
        ) from error
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1]


BUILTIN: Mapping[str, DataSet | Callable[..., DataSet]] = {
    "digits": Digits,
    "cifar10": Cifar10,
    "cifar100": Cifar100,
    "tiny-imagenet-200": TinyImageNet,
    "mnist": Mnist,
    "fashion-mnist": FashionMnist,
    "imagefolder:DIR": ImageFolder,
    "parquet:DIR": ParquetFolder,
    "events:DIR": EventFolder,
    "nmnist": NMnist,
    "dvs128-gesture": Dvs128Gesture,
    "cifar10-dvs": Cifar10Dvs,
}
"""Data sets, or functions that create one; for ``KIND:WHAT`` the function is called with WHAT."""
