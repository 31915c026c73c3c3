"""A search with a fitness of your own: python own_fitness.py [RUN]

A fitness is a *measure*: it reads the spikes of each LIF layer at each time step and turns them into one number.
This one is the entropy of a spike, averaged over all layers: 1 where half of the neurons fire, 0 where all or none do.
Whether a fitness ranks networks by accuracy is another question: see ``neuronas reproduce proxy-benchmark``.
"""

import sys
from collections.abc import Sequence

from torch import Tensor

import neuronas
from neuronas.fitness.measure import Reading
from neuronas.fitness.patterns import Patterns
from neuronas.space.genotype import Architecture


class SpikeEntropy:
    """Mean entropy of a spike, bits. See ``neuronas.fitness.measure.Measure``."""

    def read(self, patterns: Patterns) -> Tensor:
        """Read one LIF layer: one number per time step. ``patterns.hamming`` gives Hamming distances."""
        rates = patterns.rates.mean(dim=1).clamp(1e-9, 1 - 1e-9)
        return -(rates * rates.log2() + (1 - rates) * (1 - rates).log2())

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        """Turn the readings of all layers into fitness; higher is better."""
        return sum(float(layer.total) / layer.count for layer in layers) / len(layers)


def main(run: str = "runs/own-fitness") -> None:
    """Search with this fitness on digits."""
    found = neuronas.search(
        fitness=SpikeEntropy(), algorithm="snasnet", n_draws=50, channels=4, batch_size=32, max_energy_uj=20, out=run
    )
    print(found.text)
    print(f"a spike carries {found.fitness:.3f} bits; energy {found.cost.energy_uj:.2f} µJ of at most 20")


if __name__ == "__main__":
    main(*sys.argv[1:])
