"""The search loop: compute costs, reject by budget, evaluate each distinct function once, store, propose again."""

from collections import Counter
from collections.abc import Sequence
from math import inf, isnan
from pathlib import Path
from random import Random
from time import monotonic, perf_counter

import numpy as np

from neuronas.config import SearchConfig
from neuronas.errors import InfeasibleError, NeuronasError, WorkerError
from neuronas.fitness.evaluator import Evaluator, Failure
from neuronas.hardware.budget import Closest, closest, rejected
from neuronas.hardware.cost import Totals
from neuronas.hardware.units import BUDGETED
from neuronas.runs.history import History
from neuronas.runs.history_file import TARGET, CandidateRow
from neuronas.runs.observer import BatchProposed, CandidateEvaluated, CandidateFailed
from neuronas.runs.work import Work
from neuronas.search.algorithms.base import Algorithm, Batch, Outcome, best
from neuronas.search.front import choose
from neuronas.search.problem import Found, NothingFitsError, Problem, nothing_on_target
from neuronas.search.screening import Evaluators, survivors
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.space.workload import Workload


def search(
    problem: Problem,
    algorithm: Algorithm,
    settings: SearchConfig,
    seed: int,
    evaluators: Evaluators,
    history: History,
    work: Work | None = None,
    deadline: float = inf,
) -> Found:
    """Run a search, or resume the search stored in ``history``; both give the same result.

    Args:
        problem: the search problem.
        algorithm: proposes candidates.
        settings: resolved settings of the search.
        seed: random seed of the proposals.
        evaluators: compute fitness.
        history: stores all candidates and their fitness.
        work: progress; notified of each candidate.
        deadline: time (``time.monotonic``) at which the search stops with the best candidate so far. At least one
            candidate is evaluated; the search continues until a candidate fits.

    Raises:
        ConfigurationError: see ``Algorithm.check``.
        InfeasibleError: no candidate fits the budget; the message has the closest candidate and its largest excess.
        WorkerError: the fitness of no feasible candidate could be computed.
    """
    algorithm.check(settings)
    if algorithm.surveys or not algorithm.screens:
        evaluators = Evaluators(evaluators.full)
    n_batches = algorithm.n_batches(problem.space, settings) if algorithm.n_batches else None
    work = work or Work("search", Path(), "candidates")
    work.start(None)
    state = _State(problem, algorithm, evaluators, history, work, n_batches, deadline)
    proposals = algorithm.propose(problem.space, Random(seed), settings)  # noqa: S311 - no cryptography
    surveyed: list[Outcome] = []
    winner: Outcome | None = None
    is_complete = False
    try:
        batch = next(proposals)
        while True:
            results = state.handle(Batch.of(batch))
            if algorithm.surveys:
                surveyed += (one for one in results if one.fitness is not None)
            else:
                winner = best(results if winner is None else (winner, *results), algorithm.above)
            if state.was_cut:  # with half a batch the algorithm would propose something else
                break
            batch = proposals.send(results)
            if state.is_time_up and (surveyed or winner):
                break
    except StopIteration:
        is_complete = True
    if algorithm.surveys:
        winner = choose(surveyed, settings.prefer)
    if winner is None or winner.fitness is None:
        raise _nothing_found(state)
    n_evaluated = len(state.fitness.keys() | state.screened.keys())
    return Found(
        winner.architecture,
        winner.fitness,
        state.n_candidates,
        n_evaluated,
        len(state.fitness),
        state.n_rejected,
        tuple(surveyed),
        tuple(state.failed.values()),
        is_complete,
    )


class _State:
    def __init__(
        self,
        problem: Problem,
        algorithm: Algorithm,
        evaluators: Evaluators,
        history: History,
        work: Work,
        n_expected: int | None,
        deadline: float,
    ):
        self.problem, self.algorithm = problem, algorithm
        self.evaluators, self.history, self.told = evaluators, history, work
        self.n_expected, self.deadline = n_expected, deadline
        self.n_planned = 0
        self.highest = -inf
        self.was_cut = False
        self.work = Workload(problem.shape, problem.space.nodes)
        self.fitness = history.fitness(screened=False)
        self.screened = history.fitness(screened=True)
        self.failures = {screened: history.failures(screened=screened) for screened in (False, True)}
        self.failed: dict[str, tuple[Architecture, str]] = {}
        self.n_candidates = 0
        self.n_batches = 0
        self.n_rejected = dict.fromkeys((*BUDGETED, *((TARGET,) if problem.misfits else ())), 0)
        self.misfits: Counter[str] = Counter()  # number of candidates that break each limit of the target
        self.nearest: tuple[Architecture, Closest] | None = None
        self.smallest = dict.fromkeys(BUDGETED, inf)

    @property
    def is_time_up(self) -> bool:
        """Whether the search must stop."""
        return monotonic() >= self.deadline

    def handle(self, proposed: Batch) -> list[Outcome]:
        """Compute costs of one batch, store it, and evaluate the candidates that keep the limits to be checked."""
        batch = [architecture.cleaned for architecture in proposed.architectures]
        totals = self.problem.cost_model.totals(self.work.slots, self.work.occupancy(batch))
        broken, checked = rejected(self.problem.budget.excess(totals)), self.problem.budget.only(proposed.checked)
        stopped = rejected(checked.excess(totals))
        misses_budget = all(stopped)
        off_target = self._off_target(batch, stopped)
        for index in off_target:
            broken[index], stopped[index] = (*broken[index], TARGET), (TARGET,)
        key_of = architecture_key if self.algorithm.merges_twins else format_architecture
        keys = [key_of(architecture) for architecture in batch]
        first = self.n_candidates
        self._keep(batch, keys, totals, broken)
        if misses_budget:
            self._miss(batch, closest(checked, totals))
        feasible: dict[str, int] = {}
        for index, (key, limits) in enumerate(zip(keys, stopped, strict=True)):
            if not limits:
                feasible.setdefault(key, index)
        n_full = self.evaluators.n_survivors(len(feasible))
        self._tell(BatchProposed(self.n_batches, len(batch), sum(map(bool, broken)), len(feasible), n_full))
        if n_full < len(feasible) and self.evaluators.screen is not None:
            self._evaluate(self.evaluators.screen, self.screened, batch, feasible, first, screened=True)
            n_full = 1 if self.was_cut else n_full
            chosen = survivors({key: self.screened[key] for key in feasible if key in self.screened}, n_full)
            feasible = {key: feasible[key] for key in chosen}
        # A candidate that complete screening might have discarded must have no fitness when the search is resumed.
        is_kept = not self.was_cut
        self._evaluate(self.evaluators.full, self.fitness, batch, feasible, first, screened=False, is_kept=is_kept)
        # A function whose full fitness is known from an earlier batch keeps it, even if screening discards it here.
        costs = np.stack([getattr(totals, name) for name in BUDGETED], axis=1).tolist()
        excess = self.problem.budget.relative_excess(totals).tolist()
        return [
            Outcome(architecture, None if limits else self.fitness.get(key), tuple(cost), tuple(over), TARGET in limits)
            for architecture, key, limits, cost, over in zip(batch, keys, stopped, costs, excess, strict=True)
        ]

    def _off_target(self, batch: Sequence[Architecture], stopped: Sequence[tuple[str, ...]]) -> list[int]:
        """Indices of the candidates that meet the budget but do not fit the target chip."""
        if self.problem.misfits is None:
            return []
        found = []
        for index, (architecture, limits) in enumerate(zip(batch, stopped, strict=True)):
            names = () if limits else self.problem.misfits(architecture)
            self.misfits.update(names)
            if names:
                found.append(index)
        return found

    def _tell(self, batch: BatchProposed) -> None:
        """Report a batch, and the expected number of evaluations, extrapolated from the batches so far."""
        screened = batch.n_functions if batch.n_full < batch.n_functions else 0
        self.n_planned += batch.n_full + screened
        remaining = max(0, (self.n_expected or 0) - self.n_batches)
        self.told.total = round(self.n_planned * (1 + remaining / self.n_batches))
        self.told.advance(0, self._part, self._values(), batch)

    @property
    def _part(self) -> str:
        return f"batch {self.n_batches}" + (f" of {self.n_expected}" if self.n_expected else "")

    def _values(self) -> dict[str, float]:
        best = {"best_fitness": self.highest} if self.highest > -inf else {}
        return best | {"n_candidates": float(self.n_candidates)}

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
        for name, judged in self.problem.budget.judged(totals).items():
            self.smallest[name] = min(self.smallest[name], float(judged.min()))

    def _miss(self, batch: Sequence[Architecture], near: Closest) -> None:
        if self.nearest is None or near.relative < self.nearest[1].relative:
            self.nearest = (batch[near.index], near)

    def _evaluate(
        self,
        evaluator: Evaluator,
        known: dict[str, float],
        batch: Sequence[Architecture],
        feasible: dict[str, int],
        first: int,
        *,
        screened: bool,
        is_kept: bool = True,
    ) -> None:
        """Evaluate the functions without a known fitness, and store each result at once, if ``is_kept``."""
        failures = self.failures[screened]
        todo = [(key, index) for key, index in feasible.items() if key not in known and key not in failures]
        if not screened:
            self.highest = max(self.highest, *(known.get(key, -inf) for key in feasible), -inf)
        self.told.skip(len(feasible) - len(todo))
        started = perf_counter()
        evaluations = evaluator.evaluate([batch[index] for _, index in todo])
        for n_done, (number, fitness) in enumerate(evaluations, start=1):
            key, index = todo[number]
            if isinstance(fitness, Failure):
                if is_kept:
                    self.history.add_failure(key, first + index, fitness.reason, screened=screened)
                failures[key] = fitness.reason
                self.told.advance(1, self._part, self._values(), CandidateFailed(batch[index], fitness.reason))
                continue
            if isnan(fitness):
                raise NeuronasError(f"fitness of {format_architecture(batch[index])} is not a number")
            now = perf_counter()
            if is_kept:
                self.history.add_fitness(key, first + index, fitness, now - started, screened=screened)
            started = now
            known[key] = fitness
            is_best = not screened and fitness > self.highest
            self.highest = fitness if is_best else self.highest
            values = {"screened_fitness" if screened else "fitness": fitness} | self._values()
            self.told.advance(1, self._part, values, CandidateEvaluated(batch[index], fitness, screened, is_best))
            if self.is_time_up and n_done < len(todo):
                self.was_cut = True
                break
        self.failed |= {key: (batch[index], failures[key]) for key, index in feasible.items() if key in failures}


def _nothing_found(state: _State) -> NeuronasError:
    if state.failed:
        architecture, reason = next(iter(state.failed.values()))
        return WorkerError(
            f"all {len(state.failed):,} candidates that fit the budget failed; the first: "
            f"{format_architecture(architecture)}: {reason}"
        )
    if state.fitness:
        return InfeasibleError(
            f"none of {len(state.fitness):,} candidates has a fitness above {state.algorithm.above:g}, where "
            f"{state.algorithm.source} begins; the highest is {state.highest:g}; expected another --fitness or "
            "--algorithm neuronas"
        )
    if state.misfits:
        return nothing_on_target(state.n_candidates, state.n_rejected[TARGET], state.misfits)
    if state.nearest is None:
        return InfeasibleError("the algorithm proposed no candidate")
    return NothingFitsError(state.n_candidates, *state.nearest, state.smallest)
