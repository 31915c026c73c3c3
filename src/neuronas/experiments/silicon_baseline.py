"""What the laws of an array have to be better than: a regression on kind, node and bits alone."""

import numpy as np

from neuronas.hardware.silicon.fit import MeasuredChips
from neuronas.hardware.silicon.macro import KINDS, Array, Macros

_RIDGE = 1e-6  # a kind that no row has is 0


class Baseline:
    """Least squares of the logarithm on the kind of array and on the logarithms of node, input bits and weight bits.

    Each paper weighs the same. The kind, which is neither node nor bits, makes it harder to beat.
    """

    def __init__(self, measured: MeasuredChips):
        features, weights = _features(measured.macros), measured.weights
        square = features.T @ (features * weights[:, None]) + _RIDGE * np.eye(features.shape[1])
        self._coefficients = np.linalg.solve(square, features.T @ (weights * measured.logarithm))

    def logarithm(self, macros: Macros) -> Array:
        """Of the quantity, [n]."""
        found: Array = _features(macros) @ self._coefficients
        return found


def _features(macros: Macros) -> Array:
    kinds = [macros.kind == kind for kind in KINDS]
    bits = [np.nan_to_num(np.log(one), nan=0.0) for one in (macros.input_bits, macros.weight_bits)]
    return np.stack([*kinds, np.log(macros.node_nm), *bits], axis=1, dtype=np.float64)
