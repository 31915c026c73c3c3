"""Search algorithms by name."""

from typing import Any

from neuronas.config import label
from neuronas.errors import ConfigurationError
from neuronas.hardware.budget import PAPER_BUDGET, Budget
from neuronas.search.algorithms.base import Algorithm
from neuronas.search.algorithms.cellwise import cellwise
from neuronas.search.algorithms.evolution import evolution, selection_type
from neuronas.search.algorithms.exhaustive import exhaustive
from neuronas.search.algorithms.random_draws import random_draws

BUILTIN: dict[str, Algorithm] = {
    "neuronas": Algorithm(cellwise, PAPER_BUDGET, "arXiv 2407.00641, Algorithm 1"),
    "spikenas": Algorithm(cellwise, Budget(max_parameters=PAPER_BUDGET.max_parameters), "arXiv 2402.11322"),
    "snasnet": Algorithm(random_draws, Budget(), "arXiv 2201.10355"),
    "evolution": Algorithm(
        evolution, PAPER_BUDGET, "NSGA-II, doi 10.1109/4235.996017", surveys=True, prepare=selection_type
    ),
    "exhaustive": Algorithm(exhaustive, PAPER_BUDGET, "every distinct architecture", surveys=True),
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
