"""Search algorithms by name."""

from collections.abc import Callable
from math import ceil
from typing import Any

from neuronas.config import SearchConfig, label
from neuronas.errors import ConfigurationError
from neuronas.hardware.budget import PAPER_BUDGET, Budget
from neuronas.search.algorithms.base import Algorithm
from neuronas.search.algorithms.cellwise import PRINTED_START, as_printed, cellwise
from neuronas.search.algorithms.evolution import evolution, selection_type
from neuronas.search.algorithms.exhaustive import exhaustive
from neuronas.search.algorithms.random_draws import BATCH, random_draws
from neuronas.space.spaces import Space


def _places(space: Space, settings: SearchConfig) -> int:
    return 1 if space.shared_cell else space.cells


def _batches_of(size: Callable[[SearchConfig], int]) -> Callable[[Space, SearchConfig], int]:
    return lambda space, settings: ceil(settings.n_draws / size(settings))


_NOTHING: frozenset[str] = frozenset()
BUILTIN: dict[str, Algorithm] = {
    "neuronas": Algorithm(cellwise, PAPER_BUDGET, "arXiv 2407.00641, Algorithm 1", n_batches=_places, reads=_NOTHING),
    "neuronas-published": Algorithm(
        as_printed,
        PAPER_BUDGET,
        "arXiv 2407.00641, Algorithm 1 as printed",
        n_batches=_places,
        screens=False,
        merges_twins=False,
        above=PRINTED_START,
        reads=_NOTHING,
    ),
    "spikenas": Algorithm(
        cellwise,
        Budget(max_parameters=PAPER_BUDGET.max_parameters),
        "arXiv 2402.11322",
        n_batches=_places,
        reads=_NOTHING,
    ),
    "snasnet": Algorithm(
        random_draws,
        Budget(),
        "arXiv 2201.10355",
        grows=True,
        n_batches=_batches_of(lambda settings: BATCH),
        reads=frozenset({"search.n_draws"}),
    ),
    "evolution": Algorithm(
        evolution,
        PAPER_BUDGET,
        "NSGA-II, doi 10.1109/4235.996017",
        surveys=True,
        prepare=selection_type,
        n_batches=_batches_of(lambda settings: settings.population),
        reads=frozenset({"search.n_draws", "search.population"}),
    ),
    "exhaustive": Algorithm(exhaustive, PAPER_BUDGET, "every distinct architecture", surveys=True, reads=_NOTHING),
}


def as_algorithm(entry: Any) -> Algorithm:
    """Turn an algorithm or a generator function into an algorithm; a generator function has no default budget.

    Raises:
        ConfigurationError: ``entry`` is neither.
    """
    if isinstance(entry, Algorithm):
        return entry
    if not callable(entry):
        raise ConfigurationError(
            f"algorithm {entry!r:.80} given; expected a name, an Algorithm, or a generator function "
            "(space, random, settings) that proposes architectures"
        )
    return Algorithm(entry, Budget(), label(entry))
