"""Fig. 13 of NeuroNAS (arXiv 2407.00641): how long Algorithm 1 searches against random search with 5,000 draws."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from neuronas.config import ALGORITHMS, SearchConfig
from neuronas.hardware.budget import Budget
from neuronas.runs.history import History
from neuronas.search.loop import Problem, search
from neuronas.search.screening import Evaluators

PUBLISHED_SPEED_UP = 6.6
"""Up to; abstract of arXiv 2407.00641."""
SOURCE = "arXiv 2407.00641, Fig. 13 and abstract"
_IN_MEMORY = Path(":memory:")
DIFFERENCE = (
    "the published factor is the largest over three data sets, between two tools; here one tool searches one space "
    "with one fitness, so what counts is how many candidates either algorithm proposes, how many of them compute one "
    "function, and with the fast engine how much work they share: those of a pass of Algorithm 1 share a cell"
)


@dataclass(frozen=True)
class Timing:
    """One search.

    Attributes:
        algorithm: ``neuronas`` (Algorithm 1) or ``snasnet`` (random search).
        engine: what computed fitness.
        n_candidates: architectures proposed.
        n_evaluated: distinct functions evaluated.
        seconds: wall-clock, without reading images and building the evaluator.
    """

    algorithm: str
    engine: str
    seed: int
    n_candidates: int
    n_evaluated: int
    fitness: float
    seconds: float


def time_searches(
    problem: Problem, n_draws: int, seeds: range, make: Callable[[str, int], Evaluators], engines: tuple[str, ...]
) -> Iterator[Timing]:
    """Search with both algorithms, each engine and each seed, every time from nothing.

    Args:
        problem: space, network, cost model; the budget binds Algorithm 1, random search has none (as published).
        n_draws: of random search.
        seeds: one search each.
        make: new evaluators of an engine and a seed, which know nothing of earlier searches.
        engines: ``fast``, ``reference``.
    """
    for seed in seeds:
        for engine in engines:
            for name in ("neuronas", "snasnet"):
                budget = problem.budget if name == "neuronas" else Budget()
                one = Problem(problem.space, problem.shape, problem.cost_model, budget)
                evaluators = make(engine, seed)
                started = perf_counter()
                settings = SearchConfig(algorithm=name, n_draws=n_draws)
                found = search(one, ALGORITHMS[name], settings, seed, evaluators, History(_IN_MEMORY))
                seconds = perf_counter() - started
                yield Timing(name, engine, seed, found.n_candidates, found.n_evaluated, found.fitness, seconds)


def speed_up(timings: list[Timing], engine: str) -> float:
    """Seconds of random search over those of Algorithm 1, summed over the seeds."""
    total = {
        name: sum(one.seconds for one in timings if (one.algorithm, one.engine) == (name, engine))
        for name in ("snasnet", "neuronas")
    }
    return total["snasnet"] / total["neuronas"]
