"""Algorithm 1 of NeuroNAS (arXiv 2407.00641): the cells of the network are chosen one after the other.

In the first pass, each candidate uses one cell at all positions of the network, and all cells of the space are tried;
the best feasible cell is kept at the first position. Each further pass keeps the cells chosen so far and tries all
cells at the remaining positions. The published algorithm checks only memory in its first pass, so its result may
violate the other budgets; here a candidate that violates any budget is never chosen.
"""

from random import Random

from neuronas.config import SearchConfig
from neuronas.errors import ConfigurationError
from neuronas.search.algorithms.base import Proposals, best
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.spaces import Space

MAX_CELLS = 1_000_000


def cellwise(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """Propose all cells at all positions, then all cells at the later positions. ``random`` is not used.

    Raises:
        ConfigurationError: the space has more than ``MAX_CELLS`` cells.
    """
    cells = all_cells(space)
    chosen: tuple[Genotype, ...] = ()
    for place in range(1 if space.shared_cell else space.cells):
        outcomes = yield [Architecture(chosen + (cell,) * (space.cells - place)) for cell in cells]
        winner = best(outcomes)
        if winner is None:
            return
        chosen = winner.architecture.expanded(space.cells)[: place + 1]


def all_cells(space: Space) -> list[Genotype]:
    """All cells of a space, including cells that compute the same function.

    Raises:
        ConfigurationError: the space has more than ``MAX_CELLS`` cells.
    """
    if space.n_genotypes > MAX_CELLS:
        raise ConfigurationError(
            f"space with {space.n_genotypes:,} cells given; expected at most {MAX_CELLS:,} for an algorithm that tries "
            "all cells; use --algorithm evolution or snasnet"
        )
    return list(space.genotypes())
