"""Algorithm 1 of NeuroNAS (arXiv 2407.00641): the cells of the network are chosen one after the other.

In the first pass, each candidate uses one cell at all positions of the network, and all cells of the space are tried;
the best one is kept at the first position. Each further pass keeps the cells chosen so far and tries all cells at the
remaining positions.

The published algorithm (``as_printed``) checks only memory in its first pass. The network of that pass is the answer
unless the second one exceeds its fitness, so the answer may break the limits on area, latency and energy. In
``cellwise`` a candidate that breaks any limit is never chosen.
"""

from collections.abc import Sequence
from random import Random

from neuronas.config import SearchConfig
from neuronas.errors import ConfigurationError
from neuronas.hardware.units import BUDGETED
from neuronas.search.algorithms.base import Batch, Proposals, best
from neuronas.space.genotype import Architecture, Genotype, node_pairs
from neuronas.space.spaces import Space

MAX_CELLS = 1_000_000
PRINTED_START = -1000.0
"""Initial best fitness of Algorithm 1; a candidate is chosen if its fitness exceeds the best so far."""


def cellwise(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """Propose all cells at all positions, then all cells at the later positions. ``random`` is not used.

    Raises:
        ConfigurationError: the space has more than ``MAX_CELLS`` cells.
    """
    return _passes(space, all_cells(space), BUDGETED, None)


def as_printed(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """The passes exactly as printed: the first checks only memory, and edge 01 is the outermost loop.

    Raises:
        ConfigurationError: see ``cellwise``.
    """
    return _passes(space, _in_printed_order(space), ("parameters",), PRINTED_START)


def _passes(space: Space, cells: Sequence[Genotype], checked_first: tuple[str, ...], above: float | None) -> Proposals:
    chosen: tuple[Genotype, ...] = ()
    checked = checked_first
    for place in range(1 if space.shared_cell else space.cells):
        outcomes = yield Batch([Architecture(chosen + (cell,) * (space.cells - place)) for cell in cells], checked)
        winner = best(outcomes, above)
        if winner is None:
            return
        chosen, checked = winner.architecture.expanded(space.cells)[: place + 1], BUDGETED


def _in_printed_order(space: Space) -> list[Genotype]:
    """All cells in the order of nested loops over edges 01 (outermost), 02, 03, 12, 13, 23."""
    pairs, ranks = node_pairs(space.nodes), {edge: rank for rank, edge in enumerate(space.edge_choices)}
    places = sorted(range(len(pairs)), key=pairs.__getitem__)
    return sorted(all_cells(space), key=lambda cell: [ranks[cell.edges[place]] for place in places])


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
