"""Random search of SNASNet (arXiv 2201.10355): the fittest of a number of random architectures."""

from random import Random

from neuronas.config import SearchConfig
from neuronas.search.algorithms.base import Proposals
from neuronas.space.spaces import Space

BATCH = 1000  # limits memory, and is large enough for the evaluator to share computations


def random_draws(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """Propose ``settings.n_draws`` architectures, drawn uniformly; several may compute the same function."""
    remaining = settings.n_draws
    while remaining:
        size = min(BATCH, remaining)
        remaining -= size
        yield [space.random_architecture(random) for _ in range(size)]
