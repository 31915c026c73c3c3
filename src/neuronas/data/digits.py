"""The embedded data set: 1,797 real handwritten digits, 8x8 pixels, inside scikit-learn."""

import numpy as np
import torch

from neuronas.data.source import ArraySource, resized

_TEST_SHARE = 0.2
_SPLIT_SEED = 20240700  # fixed: the split must not change with a run's seed


def digits(split: str, side: int) -> ArraySource:
    """Return the digits of a split (four fifths ``train``, one fifth ``test``) at a side in pixels."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - two seconds of imports, which other data sets spare

    raw = load_digits()
    images = torch.from_numpy(np.rint(raw.images * (255 / 16)).astype(np.uint8)).unsqueeze(1)
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(images))
    n_test = round(_TEST_SHARE * len(images))
    chosen = np.sort(order[:n_test] if split == "test" else order[n_test:])
    return ArraySource(resized(images[torch.from_numpy(chosen)], side), raw.target[chosen].astype(np.int64))
