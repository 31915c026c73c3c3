"""The result of a search."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neuronas.api.searching.expected_accuracy import expected_accuracy
from neuronas.api.setup.plan import Plan
from neuronas.hardware.cost import Cost
from neuronas.hardware.units import BUDGETED, quantity, word
from neuronas.runs.architectures import ArchitectureFile
from neuronas.runs.card import Card, Shown, call
from neuronas.runs.directory import ARCHITECTURE, FRONT, RANKING, RESULT, log
from neuronas.runs.finalists import FinalistChoice
from neuronas.runs.history import History
from neuronas.runs.results import FailedCandidate, ParetoFront, SearchSummary
from neuronas.search.problem import Found
from neuronas.search.survey import pareto_front, write_ranking
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture, parse_architecture


@dataclass(frozen=True, repr=False)
class SearchResult(Shown):
    """A finished search.

    Attributes:
        directory: run directory.
        plan: complete settings, and the objects that they name.
        found: the answer, and the number of candidates that it was chosen from.
        cost: cost of the answer, layer by layer.
        summary: content of ``result.json``.
        front: Pareto front, if the algorithm computes one.
        was_finished: the search was finished before; nothing was evaluated or trained.
        finalists: trained finalists, if any; the answer is the most accurate one so far.
    """

    directory: Path
    plan: Plan
    found: Found
    cost: Cost
    summary: SearchSummary
    front: ParetoFront | None
    was_finished: bool
    finalists: FinalistChoice | None = None

    @property
    def architecture(self) -> Architecture:
        """The answer: the fittest architecture within the budget or, with finalists, the most accurate one."""
        return self.found.architecture

    @property
    def text(self) -> str:
        """Text of the answer."""
        return self.summary.architecture

    @property
    def fitness(self) -> float:
        """Fitness of the answer."""
        return self.found.fitness

    def with_finalists(self, choice: FinalistChoice, *, out_of_time: bool = False) -> "SearchResult":
        """The result with the most accurate finalist as its answer, once a rung has ended.

        Args:
            choice: state of the choice among the finalists.
            out_of_time: the deadline passed before its end.
        """
        known: SearchResult = replace(self, finalists=choice, was_finished=self.was_finished and choice.is_complete)
        update: dict[str, Any] = {"out_of_time": out_of_time}
        if (leader := choice.leader) is None:
            return replace(known, summary=self.summary.model_copy(update=update))
        architecture = parse_architecture(leader.architecture)
        cost = self.plan.cost(architecture)
        report = self.plan.cost_report(architecture, cost)
        update |= {"architecture": report.architecture, "fitness": leader.fitness, "cost": report.summary}
        update |= {"expected_accuracy": expected_accuracy(self.plan, architecture, leader.fitness, choice)}
        update |= {"violations": self.plan.budget.violations(cost), "chosen_by": "finalists"}
        return replace(
            known,
            found=replace(self.found, architecture=architecture, fitness=leader.fitness),
            cost=cost,
            summary=self.summary.model_copy(update=update),
            front=self.front and self.front.model_copy(update={"chosen": report.architecture}),
        )

    def card(self) -> Card:
        """See ``Shown``."""
        from neuronas.api.estimating.network_card import network_card

        facts = {
            "fitness": f"{self.fitness:.4g}",
            **({"expected accuracy": expected.text} if (expected := self.summary.expected_accuracy) else {}),
            **{word(name): quantity(name, getattr(self.cost, name)) for name in BUDGETED},
            **({"chosen by": self.finalists.verdict} if self.finalists else {}),
            "evaluated": f"{self.found.n_evaluated:,} of {self.found.n_candidates:,} candidates",
            "run": str(self.directory),
        }
        title = "search, out of time" if self.summary.out_of_time else "search"
        return network_card(title, self.plan, self.architecture, self.cost, facts, call("train", self.directory))


def write_result(result: SearchResult) -> None:
    """Write the files of a search into its run directory, and log its state."""
    folder, choice = result.directory, result.finalists
    ArchitectureFile.of(result.architecture).write(folder / ARCHITECTURE)
    if result.front is not None:
        result.front.write(folder / FRONT)
        write_ranking(folder / RANKING, result.found.surveyed)
    result.summary.write(folder / RESULT)
    if result.summary.out_of_time:
        end = "out of time, the best so far"
    else:
        end = "done" if choice is None or choice.is_complete else "evaluated; finalists have to learn, the best so far"
    log.info("%s: %s", end, result.text)


def result_of(run: Plan, directory: Path, found: Found, history: History, peak_memory_mb: float) -> SearchResult:
    """Assemble the result of a search, before any finalist is trained.

    Args:
        run: settings.
        directory: run directory.
        found: result of the search.
        history: history of the search.
        peak_memory_mb: peak memory of this session.
    """
    settings, prefer = run.config, run.config.search.prefer
    cost = run.cost(found.architecture)
    report = run.cost_report(found.architecture, cost)
    others = list(history.fitness(screened=False).values())
    if found.fitness in others:
        others.remove(found.fitness)
    summary = SearchSummary(
        architecture=report.architecture,
        fitness=found.fitness,
        expected_accuracy=expected_accuracy(run, found.architecture, found.fitness, others=others),
        cost=report.summary,
        budget={f"max_{name}": limit for name, limit in run.budget.limits.items()},
        violations=run.budget.violations(cost),
        n_candidates=found.n_candidates,
        n_evaluated=found.n_evaluated,
        rejected=found.rejected,
        seconds=round(history.elapsed_s, 3),
        peak_memory_mb=round(history.peak_memory_mb() or peak_memory_mb, 1),
        seed=settings.seed,
        dataset=settings.data.name,
        space=settings.space,
        algorithm=settings.search.algorithm,
        chosen_by="fitness" if settings.search.finalists else None,
        failed=tuple(
            FailedCandidate(architecture=format_architecture(architecture), reason=reason)
            for architecture, reason in found.failed
        ),
        out_of_time=not found.is_complete,
    )
    front = pareto_front(found.surveyed, prefer, report.architecture) if run.algorithm.surveys else None
    return SearchResult(directory, run, found, cost, summary, front, history.was_finished)
