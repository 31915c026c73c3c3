"""Weights in groups on crossbars: the blocks of a block-diagonal matrix.

An output of a grouped convolution reads the inputs of its own group alone, so that at each kernel position the weights
are a block-diagonal matrix with one block of r rows and c columns for each group. As many blocks as fit lie on the
diagonal of one crossbar of X rows and columns, min(floor(X / r), floor(X / c)); what lies beside the diagonal holds no
weight. A block larger than a crossbar is cut into pieces of X rows and X columns, like the one block of a layer without
groups.
"""

from dataclasses import dataclass

import numpy as np

from neuronas.hardware.cost import Array


@dataclass(frozen=True)
class Diagonal:
    """The parts into which layers are cut at each kernel position, [n] each.

    Attributes:
        n_together: number of groups per part; the last part may have fewer.
        n_parts: number of parts of the layer.
        n_rows: number of crossbars that a part spans along its rows.
        n_columns: number of crossbars that a part spans along its columns.
    """

    n_together: Array
    n_parts: Array
    n_rows: Array
    n_columns: Array

    @classmethod
    def of(cls, rows: Array, columns: Array, groups: Array, size: float) -> "Diagonal":
        """Cut layers.

        Args:
            rows: wordlines of the whole layer.
            columns: bitlines of the whole layer; 0 if it has none.
            groups: number of groups.
            size: rows and columns of a crossbar, X.
        """
        r, c = np.maximum(1.0, rows / groups), np.maximum(1.0, columns / groups)
        fitting = np.minimum(np.floor(size / r), np.floor(size / c))
        together = np.clip(fitting, 1.0, groups)
        return cls(together, np.ceil(groups / together), np.ceil(together * r / size), np.ceil(together * c / size))

    @property
    def n_crossbars(self) -> Array:
        """Crossbars of the layer at each kernel position."""
        count: Array = self.n_parts * self.n_rows * self.n_columns
        return count
