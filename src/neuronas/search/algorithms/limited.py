"""An algorithm with a limited number of evaluations, for comparisons at equal effort."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from neuronas.config import SearchConfig
from neuronas.search.algorithms.base import Algorithm, Batch, Outcome, Proposals
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.spaces import Space

PIECE = 10
"""Number of candidates per batch; the limit is exceeded by fewer than this."""


def limited(algorithm: Algorithm, max_evaluated: int) -> Algorithm:
    """Return the algorithm, limited to about ``max_evaluated`` evaluations of distinct functions.

    Candidates that violate a budget are not evaluated and do not count.
    """

    def propose(space: Space, random: Random, settings: SearchConfig) -> Proposals:
        proposals = algorithm.propose(space, random, settings)
        seen: set[str] = set()
        proposed: Batch | Sequence[Architecture] | None = next(proposals, None)
        while proposed is not None:
            outcomes: list[Outcome] = []
            batch = Batch.of(proposed)
            for start in range(0, len(batch.architectures), PIECE):
                new = yield replace(batch, architectures=batch.architectures[start : start + PIECE])
                outcomes += new
                seen.update(architecture_key(one.architecture) for one in new if one.fitness is not None)
                if len(seen) >= max_evaluated:
                    return
            try:
                proposed = proposals.send(outcomes)
            except StopIteration:
                proposed = None

    return replace(algorithm, propose=propose, n_batches=None)
