"""Multi-objective evolution: NSGA-II (Deb et al., 2002, doi 10.1109/4235.996017) with the budgets as constraints.

The first generation is random. Each further generation is made by crossover and mutation from the survivors of all
earlier generations. A candidate that computes the same function as an earlier one is not proposed again.
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
    """Propose ``settings.n_draws`` architectures of distinct functions, in generations of ``settings.population``.

    The search ends earlier if no new functions can be found.

    Raises:
        ConfigurationError: Optuna is not installed.
    """
    selection = selection_type()(settings.population, random.getrandbits(32))
    draws = _Draws(space, random)
    alive: dict[int, Architecture] = {}  # by number in ``Selection``
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
    """The class that selects the survivors.

    Raises:
        ConfigurationError: Optuna is not installed.
    """
    try:
        from neuronas.search.algorithms.selection import Selection  # noqa: PLC0415 - Optuna is an extra
    except ImportError as error:
        raise ConfigurationError(
            f"--algorithm evolution given, which needs Optuna ({error}); run: pip install 'neuronas[evolution]'"
        ) from error
    return Selection


def crossover(first: Architecture, second: Architecture, n_places: int, random: Random) -> Architecture:
    """Uniform crossover: take each edge from either parent with equal probability.

    Args:
        first: one parent.
        second: the other parent.
        n_places: number of positions with a cell of their own.
        random: random numbers.
    """
    pairs = zip(first.expanded(n_places), second.expanded(n_places), strict=True)
    return Architecture(
        tuple(
            Genotype(tuple(random.choice(edges) for edges in zip(one.edges, other.edges, strict=True)))
            for one, other in pairs
        )
    )


def mutate(architecture: Architecture, space: Space, n_places: int, random: Random) -> Architecture:
    """Replace one random edge, and each other edge with probability 1 / number of edges, by a random choice.

    Args:
        architecture: the architecture to change.
        space: the search space, which defines the choices for an edge.
        n_places: number of positions with a cell of their own.
        random: random numbers.
    """
    edges = [list(cell.edges) for cell in architecture.expanded(n_places)]
    numbers = [(place, number) for place, cell in enumerate(edges) for number in range(len(cell))]
    certain = random.choice(numbers)
    for place, number in numbers:
        if (place, number) == certain or random.random() < 1 / len(numbers):
            edges[place][number] = random.choice(space.edge_choices)
    return Architecture(tuple(Genotype(tuple(cell)) for cell in edges))


class _Draws:
    """Makes architectures whose functions were not proposed before."""

    def __init__(self, space: Space, random: Random):
        self._space, self._random = space, random
        self._n_places = 1 if space.shared_cell else space.cells
        self._seen: set[str] = set()

    def generation(self, parents: list[Architecture], size: int) -> list[Architecture]:
        """Up to ``size`` new architectures; fewer if no more can be found."""
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
