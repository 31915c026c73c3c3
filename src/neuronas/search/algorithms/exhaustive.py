"""Exhaustive search: every architecture of a space that differs from all others in function or work, once.

Cells are grouped by their function and by the work that they make; one cell of each group stands for it. A batch
holds all architectures that begin with the same cells, so the evaluator shares what precedes the last cell, and the
memory in use does not grow with the space.
"""

from itertools import product
from random import Random

from neuronas.config import SearchConfig
from neuronas.errors import ConfigurationError
from neuronas.search.algorithms.base import Proposals
from neuronas.search.algorithms.cellwise import all_cells
from neuronas.space.canonical import genotype_key
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.spaces import Space
from neuronas.space.workload import cell_occupancy

MAX_ARCHITECTURES = 1_000_000
_BATCH = 1000


def exhaustive(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """Propose every distinct architecture. Nothing is random.

    Raises:
        ConfigurationError: the space has too many.
    """
    cells = distinct_cells(all_cells(space))
    n_places = 1 if space.shared_cell else space.cells
    n_architectures = len(cells) ** n_places
    if n_architectures > MAX_ARCHITECTURES:
        raise ConfigurationError(
            f"this space has {n_architectures:,} distinct architectures; an exhaustive search takes at most "
            f"{MAX_ARCHITECTURES:,}; choose --algorithm evolution, or a --space with fewer operations"
        )
    for first in product(cells, repeat=n_places - 1):
        for start in range(0, len(cells), _BATCH):
            yield [Architecture((*first, cell)) for cell in cells[start : start + _BATCH]]


def distinct_cells(cells: list[Genotype]) -> list[Genotype]:
    """The first of the cells that share a function and, in whatever order, the work of their edges and nodes."""
    groups: dict[object, Genotype] = {}
    for cell, row in zip(cells, cell_occupancy(cells, cells[0].n_nodes).tolist(), strict=True):
        edges, nodes = row[: len(cell.edges)], row[len(cell.edges) :]
        groups.setdefault((genotype_key(cell), tuple(sorted(edges)), tuple(sorted(nodes))), cell.cleaned)
    return list(groups.values())
