"""The one search loop: cost, reject, evaluate each distinct function once, keep everything, propose again."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from random import Random
from time import perf_counter
from typing import Protocol

from neuronas.config import SearchConfig
from neuronas.errors import InfeasibleError, NeuronasError
from neuronas.fitness.evaluator import Evaluator
from neuronas.hardware.budget import Budget, Closest, closest, rejected
from neuronas.hardware.cost import BUDGETED, CostModel, Totals
from neuronas.search.algorithms.base import Algorithm, Outcome, best
from neuronas.search.history import CandidateRow, History
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.layers import NetworkShape, kernels, slots
from neuronas.space.notation import format_architecture
from neuronas.space.spaces import Space


class Observer(Protocol):
    """Is told how a search goes on."""

    def batch(self, n_candidates: int, n_rejected: int, n_to_evaluate: int) -> None:
        """A batch was proposed and costed."""
        ...

    def evaluated(self, architecture: Architecture, fitness: float) -> None:
        """One architecture was evaluated."""
        ...


class Silent:
    """An observer that does nothing."""

    def batch(self, n_candidates: int, n_rejected: int, n_to_evaluate: int) -> None:
        """See ``Observer``."""

    def evaluated(self, architecture: Architecture, fitness: float) -> None:
        """See ``Observer``."""


@dataclass(frozen=True)
class Problem:
    """What is searched, and what an answer must fit."""

    space: Space
    shape: NetworkShape
    cost_model: CostModel
    budget: Budget


@dataclass(frozen=True)
class Found:
    """A finished search.

    Attributes:
        n_candidates: architectures proposed.
        n_evaluated: distinct functions whose fitness was computed.
        rejected: for each limit, how many candidates broke it (one may break several).
    """

    architecture: Architecture
    fitness: float
    n_candidates: int
    n_evaluated: int
    rejected: dict[str, int]


def search(
    problem: Problem,
    algorithm: Algorithm,
    settings: SearchConfig,
    seed: int,
    evaluator: Evaluator,
    history: History,
    observer: Observer | None = None,
) -> Found:
    """Run a search, or go on with the one that ``history`` holds; both give the same answer.

    Raises:
        InfeasibleError: no candidate fits the budget; says which limit is closest and by how much.
    """
    state = _State(problem, evaluator, history, observer or Silent())
    proposals = algorithm.propose(problem.space, Random(seed), settings)  # noqa: S311 - no cryptography
    outcomes: list[Outcome] = []
    try:
        batch = next(proposals)
        while True:
            results = state.handle(batch)
            outcomes += results
            batch = proposals.send(results)
    except StopIteration:
        pass
    winner = best(outcomes)
    if winner is None or winner.fitness is None:
        raise InfeasibleError(_nothing_fits(state))
    return Found(winner.architecture, winner.fitness, state.n_candidates, len(state.fitness), state.n_rejected)


class _State:
    def __init__(self, problem: Problem, evaluator: Evaluator, history: History, observer: Observer):
        self.problem, self.evaluator, self.history, self.observer = problem, evaluator, history, observer
        self.slots = slots(problem.shape)
        self.fitness = history.fitness()
        self.n_candidates = 0
        self.n_batches = 0
        self.n_rejected = dict.fromkeys(BUDGETED, 0)
        self.nearest: tuple[Architecture, Closest] | None = None

    def handle(self, proposed: Sequence[Architecture]) -> list[Outcome]:
        """Cost, keep and evaluate one batch."""
        batch = [architecture.cleaned for architecture in proposed]
        totals = self.problem.cost_model.totals(self.slots, kernels(batch, self.problem.shape.n_cells))
        broken = rejected(self.problem.budget.excess(totals))
        keys = [architecture_key(architecture) for architecture in batch]
        first = self.n_candidates
        self._keep(batch, keys, totals, broken)
        todo: dict[str, int] = {}
        for index, (key, limits) in enumerate(zip(keys, broken, strict=True)):
            if not limits and key not in self.fitness:
                todo.setdefault(key, index)
        self.observer.batch(len(batch), sum(map(bool, broken)), len(todo))
        self._evaluate(batch, todo, first)
        return [
            Outcome(architecture, None if limits else self.fitness[key])
            for architecture, key, limits in zip(batch, keys, broken, strict=True)
        ]

    def _keep(
        self,
        batch: Sequence[Architecture],
        keys: Sequence[str],
        totals: Totals,
        broken: Sequence[tuple[str, ...]],
    ) -> None:
        self.history.add_candidates(
            CandidateRow(
                position=self.n_candidates + index,
                batch=self.n_batches,
                architecture=format_architecture(architecture),
                key=keys[index],
                parameters=float(totals.parameters[index]),
                area_mm2=float(totals.area_mm2[index]),
                latency_ms=float(totals.latency_ms[index]),
                energy_uj=float(totals.energy_uj[index]),
                rejected=",".join(broken[index]),
            )
            for index, architecture in enumerate(batch)
        )
        self.n_candidates += len(batch)
        self.n_batches += 1
        for limits in broken:
            for name in limits:
                self.n_rejected[name] += 1
        if all(broken):
            near = closest(self.problem.budget, totals)
            if self.nearest is None or near.relative < self.nearest[1].relative:
                self.nearest = (batch[near.index], near)

    def _evaluate(self, batch: Sequence[Architecture], todo: dict[str, int], first: int) -> None:
        keys, indices = list(todo), list(todo.values())
        started = perf_counter()
        for position, fitness in self.evaluator.evaluate([batch[index] for index in indices]):
            if isnan(fitness):
                raise NeuronasError(f"fitness of {format_architecture(batch[indices[position]])} is not a number")
            now = perf_counter()
            self.history.add_fitness(keys[position], first + indices[position], fitness, now - started)
            started = now
            self.fitness[keys[position]] = fitness
            self.observer.evaluated(batch[indices[position]], fitness)


def _nothing_fits(state: _State) -> str:
    if state.nearest is None:
        return "the algorithm proposed no candidate"
    architecture, near = state.nearest
    text = format_architecture(architecture)
    return f"none of {state.n_candidates:,} candidates fits the budget; {near.describe()}: {text}"
