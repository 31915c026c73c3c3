"""Algorithm 1 of NeuroNAS (arXiv 2407.00641): one cell after the other, each chosen from all cells.

First pass: every cell stands at all places; the best feasible one is kept. Each further pass keeps the places
chosen so far and tries every cell at the rest. The published algorithm checks only memory in its first pass,
so its answer may break the other budgets; here a candidate that breaks any budget is never chosen.
"""

from random import Random

from neuronas.config import SearchConfig
from neuronas.errors import ConfigurationError
from neuronas.search.algorithms.base import Proposals, best
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.spaces import Space

MAX_CELLS = 1_000_000


def cellwise(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """Propose all cells at all places, then refine the later places. Nothing is random.

    Raises:
        ConfigurationError: the space has too many cells to go through.
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
    """Every cell of a space, twins included.

    Raises:
        ConfigurationError: there are too many to go through.
    """
    if space.n_genotypes > MAX_CELLS:
        raise ConfigurationError(
            f"this space has {space.n_genotypes:,} cells; an algorithm that goes through all of them takes at most "
            f"{MAX_CELLS:,}; choose --algorithm evolution or snasnet"
        )
    return list(space.genotypes())
