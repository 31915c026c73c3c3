"""Random search as SNASNet does it (arXiv 2201.10355): the fittest of a number of random architectures."""

from random import Random

from neuronas.config import SearchConfig
from neuronas.search.algorithms.base import Proposals
from neuronas.space.spaces import Space

_BATCH = 1000  # proposals at a time: bounds memory, and gives the evaluator enough to share work


def random_draws(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """Propose ``settings.n_draws`` architectures, drawn uniformly; twins are drawn like any other."""
    remaining = settings.n_draws
    while remaining:
        size = min(_BATCH, remaining)
        remaining -= size
        yield [space.random_architecture(random) for _ in range(size)]
