"""Evolution with many objectives: NSGA-II on cells, with the budgets as constraints.

The first generation is drawn at random; each further one comes from the survivors of all before it by crossover and
mutation. A candidate that computes the same function as an earlier one is never proposed again.
"""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from neuronas.config import SearchConfig
from neuronas.errors import ConfigurationError
from neuronas.search.algorithms.base import Proposals
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.spaces import Space

if TYPE_CHECKING:
    from neuronas.search.algorithms.selection import Selection

_MAX_TRIES = 200


def evolution(space: Space, random: Random, settings: SearchConfig) -> Proposals:
    """Propose ``settings.n_draws`` distinct functions in generations of ``settings.population``.

    Ends earlier where new ones can no longer be found.

    Raises:
        ConfigurationError: Optuna is not installed.
    """
    selection = selection_type()(settings.population, random.getrandbits(32))
    draws = _Draws(space, random)
    alive: dict[int, Architecture] = {}  # by their number, as in the selection
    for first in range(0, settings.n_draws, settings.population):
        size = min(settings.population, settings.n_draws - first)
        generation = draws.generation(list(alive.values()), size)
        if not generation:
            return
        outcomes = yield generation
        if len(generation) < settings.population:
            return
        known = alive | dict(enumerate(generation, first))
        alive = {number: known[number] for number in selection.survivors(outcomes)}


def selection_type() -> "type[Selection]":
    """What selects the survivors.

    Raises:
        ConfigurationError: Optuna is not installed.
    """
    try:
        from neuronas.search.algorithms.selection import Selection  # noqa: PLC0415 - Optuna is an extra
    except ImportError as error:
        raise ConfigurationError(
            f"--algorithm evolution needs Optuna ({error}); install it with: pip install 'neuronas[evolution]'"
        ) from error
    return Selection


def crossover(first: Architecture, second: Architecture, n_places: int, random: Random) -> Architecture:
    """Take each edge from either parent with equal chance.

    Args:
        first: one parent.
        second: the other.
        n_places: places where a cell of its own may stand.
        random: decides.
    """
    pairs = zip(first.expanded(n_places), second.expanded(n_places), strict=True)
    return Architecture(
        tuple(
            Genotype(tuple(random.choice(edges) for edges in zip(one.edges, other.edges, strict=True)))
            for one, other in pairs
        )
    )


def mutate(architecture: Architecture, space: Space, n_places: int, random: Random) -> Architecture:
    """Draw at least one edge anew; of all edges one on average, beyond the first.

    Args:
        architecture: what to change.
        space: what an edge may hold.
        n_places: places where a cell of its own may stand.
        random: decides.
    """
    edges = [list(cell.edges) for cell in architecture.expanded(n_places)]
    numbers = [(place, number) for place, cell in enumerate(edges) for number in range(len(cell))]
    certain = random.choice(numbers)
    for place, number in numbers:
        if (place, number) == certain or random.random() < 1 / len(numbers):
            edges[place][number] = random.choice(space.edge_choices)
    return Architecture(tuple(Genotype(tuple(cell)) for cell in edges))


class _Draws:
    """Makes architectures of functions that were never made before."""

    def __init__(self, space: Space, random: Random):
        self._space, self._random = space, random
        self._n_places = 1 if space.shared_cell else space.cells
        self._seen: set[str] = set()

    def generation(self, parents: list[Architecture], size: int) -> list[Architecture]:
        """Up to ``size`` architectures; fewer where the space has no more to give."""
        found: list[Architecture] = []
        while len(found) < size:
            child = self._new(lambda: self._child(parents)) if parents else None
            child = child or self._new(lambda: self._space.random_architecture(self._random))
            if child is None:
                break
            found.append(child)
        return found

    def _child(self, parents: list[Architecture]) -> Architecture:
        first, second = self._random.choice(parents), self._random.choice(parents)
        return mutate(crossover(first, second, self._n_places, self._random), self._space, self._n_places, self._random)

    def _new(self, draw: Callable[[], Architecture]) -> Architecture | None:
        for _ in range(_MAX_TRIES):
            architecture = draw()
            key = architecture_key(architecture)
            if key not in self._seen and all(self._space.allows(cell) for cell in architecture.cells):
                self._seen.add(key)
                return architecture
        return None
