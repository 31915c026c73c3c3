"""Exhaustive search: one architecture of each distinct combination of function and hardware cost.

Cells are grouped by their function and by their work on the chip; one cell of each group is used. The architectures of
a batch differ in their last cell only, so that the evaluator computes the earlier cells once, and memory use does not
grow with the size of the space.
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

MAX_ARCHITECTURES = 1_000_000
_BATCH = 1000


def exhaustive(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """Propose every distinct architecture. ``random`` is not used.

    Raises:
        ConfigurationError: the space has more than ``MAX_ARCHITECTURES`` distinct architectures.
    """
    cells = distinct_cells(all_cells(space))
    n_places = 1 if space.shared_cell else space.cells
    n_architectures = len(cells) ** n_places
    if n_architectures > MAX_ARCHITECTURES:
        raise ConfigurationError(
            f"space with {n_architectures:,} distinct architectures given; expected at most {MAX_ARCHITECTURES:,} "
            "for an exhaustive search; use --algorithm evolution, or a --space with fewer operations"
        )
    for first in product(cells, repeat=n_places - 1):
        for start in range(0, len(cells), _BATCH):
            yield [Architecture((*first, cell)) for cell in cells[start : start + _BATCH]]


def distinct_cells(cells: list[Genotype]) -> list[Genotype]:
    """The first cell of each group with the same function and the same work of edges and nodes, in any order."""
    from neuronas.space.workload import cell_occupancy

    groups: dict[object, Genotype] = {}
    for cell, row in zip(cells, cell_occupancy(cells, cells[0].n_nodes).tolist(), strict=True):
        edges, nodes = row[: len(cell.edges)], row[len(cell.edges) :]
        groups.setdefault((genotype_key(cell), tuple(sorted(edges)), tuple(sorted(nodes))), cell.cleaned)
    return list(groups.values())
