"""A plug-in: a fitness and an operation for the command line, workers and Ray: neuronas search --plugin my_plugin.py

``neuronas search --plugin my_plugin.py --fitness spike-entropy --space FILE.yaml``, where the space names ``conv_9x9``.
A run remembers its plug-ins, and refuses to resume when the fitness has changed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import neuronas
from neuronas.space.genotype import Architecture
from neuronas.space.operations import Convolution

if TYPE_CHECKING:
    from torch import Tensor

    from neuronas.fitness.measure import Reading
    from neuronas.fitness.patterns import Patterns


class SpikeEntropy:
    """Mean entropy of a spike over all layers, bits (see ``neuronas.fitness.measure.Measure``)."""

    def read(self, patterns: "Patterns") -> "Tensor":
        """Read one LIF layer: one number per time step."""
        rates = patterns.rates.mean(dim=1).clamp(1e-9, 1 - 1e-9)
        return -(rates * rates.log2() + (1 - rates) * (1 - rates).log2())

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence["Reading"]) -> float:
        """Turn the readings of all layers into fitness; higher is better."""
        return sum(float(layer.total) / layer.count for layer in layers) / len(layers)


plugin = neuronas.Plugin(
    fitness={"spike-entropy": SpikeEntropy()},
    operations={"conv_9x9": Convolution("conv_9x9", kernel=9)},
)
