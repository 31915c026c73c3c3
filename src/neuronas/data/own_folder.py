"""Base class of data sets in the user's own folders."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Self, TypeVar

from neuronas.data.dataset import DataSet
from neuronas.errors import ConfigurationError

TEST_NAMES = ("test", "val", "valid", "validation")
"""Names of the test split; the first one that exists is used."""
_TEST_SHARE = 0.2
_SPLIT_SEED = 20240700  # fixed: the split must not change with a run's seed, or test images would leak
Item = TypeVar("Item")


class OwnFolder(DataSet):
    """Pictures in a folder: ``KIND:DIR``.

    Attributes:
        kind: KIND.

    Args:
        folder: DIR.
    """

    image_channels, image_size = 3, (32, 32)
    # Approximate mean and standard deviation of photographs; batch normalisation corrects the rest.
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.25, 0.25, 0.25)

    kind: str

    def __init__(self, folder: str):
        self.name, self._folder = f"{self.kind}:{folder}", Path(folder).expanduser()

    def with_channels(self, n: int) -> Self:
        """See ``DataSet``: 1 (grey) or 3 (RGB), whatever the files contain."""
        if n not in (1, 3):
            raise ConfigurationError(f"image_channels {n} given with {self.name}; expected 1 (grey) or 3 (RGB)")
        return self._having(image_channels=n, mean=self.mean[:1] * n, std=self.std[:1] * n)

    def seen_from(self, folder: Path) -> Self:
        """See ``DataSet``."""
        if self._folder.is_absolute() or self._folder.exists() or not (folder / self._folder).is_dir():
            return self
        return self._having(_folder=folder / self._folder)

    def digest_of(self, paths: Iterable[Path]) -> str:
        """Digest of names and sizes of files, independent of the location of the folder."""
        found = blake2b(digest_size=8)
        for path in paths:
            found.update(f"{path.relative_to(self._folder)} {path.stat().st_size}\n".encode(errors="surrogateescape"))
        return found.hexdigest()


def share_of(items: Sequence[Item], split: str) -> list[Item]:
    """The part of a class in a split: a fifth, drawn with a fixed seed, is the test set, the rest the training set."""
    import numpy as np

    order = np.random.default_rng(_SPLIT_SEED).permutation(len(items))
    n_test = max(1, round(_TEST_SHARE * len(items))) if len(items) > 1 else 0
    chosen = order[:n_test] if split == "test" else order[n_test:]
    return [items[index] for index in sorted(chosen)]
