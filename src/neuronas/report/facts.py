"""Data of a run for reports; ``neuronas.api`` collects it, and the sections display it."""

from dataclasses import dataclass
from math import isclose

from neuronas.config import ResolvedConfig
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Cost
from neuronas.hardware.floorplan import Floorplan
from neuronas.runs.candidates import Candidates
from neuronas.runs.chip_evaluations import ChipEvaluation
from neuronas.runs.costs import CostSummary
from neuronas.runs.designs import DesignResult
from neuronas.runs.environment import Environment
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.finalists import FinalistChoice
from neuronas.runs.infeasible import Infeasible
from neuronas.runs.metrics import Epoch
from neuronas.runs.results import SearchSummary, TrainingResult
from neuronas.search.algorithms.base import Algorithm
from neuronas.space.genotype import Architecture
from neuronas.space.graph import Graph
from neuronas.space.shape import cell_name


@dataclass(frozen=True)
class Answer:
    """The architecture of a run with its cost, computed by this version.

    Attributes:
        text: the architecture in text notation.
        graph: layer graph of the network.
        cost: cost by the run's cost model, with layers.
        summary: total cost by both cost models.
        floorplan: floorplan of the mapped network.
        is_final: whether it is the run's answer; otherwise it is the fittest candidate of an unfinished search.
    """

    architecture: Architecture
    text: str
    graph: Graph
    cost: Cost
    summary: CostSummary
    floorplan: Floorplan
    is_final: bool = True

    @property
    def cell_titles(self) -> tuple[str, ...]:
        """Titles of the distinct cells."""
        n_different = len(self.architecture.cells)
        if n_different == 1:
            n_cells = sum(bool(one.origin and one.origin.part == "cell") for one in self.graph.sections)
            return (f"cells A {'and' if n_cells == 2 else 'to'} {cell_name(n_cells - 1)}",)
        return tuple(f"cell {cell_name(place)}" for place in range(n_different))


@dataclass(frozen=True)
class RunFacts:
    """The contents of a run directory. Missing parts are None or empty.

    Attributes:
        name: name in the report; unique among the runs of a page.
        directory: path as given by the user.
        config: all settings, with presets filled in.
        algorithm: algorithm of the search.
        infeasible: why no candidate fits, for a search without an answer.
        finalists: finalists that were trained to choose the answer.
        design: result of ``design``, if it made the run.
    """

    name: str
    directory: str
    config: ResolvedConfig
    budget: Budget
    accelerator: Accelerator
    algorithm: Algorithm
    answer: Answer | None
    candidates: Candidates | None
    result: SearchSummary | None
    epochs: tuple[Epoch, ...]
    training: TrainingResult | None
    evaluation: Evaluation | None
    chips: tuple[ChipEvaluation, ...]
    environment: Environment | None
    infeasible: Infeasible | None
    finalists: FinalistChoice | None
    design: DesignResult | None = None

    @property
    def judges_other_model(self) -> bool:
        """Whether the limits hold for both cost models; not if they are the cost of a design chosen from a front."""
        return self.design is None or self.design.front is None

    @property
    def ablated_chip(self) -> ChipEvaluation | None:
        """The chip whose ablation is drawn: preferably the run's own accelerator, unchanged."""
        found = (one for one in self.chips if one.ablation)
        return min(found, key=lambda one: (self._is_other(one), bool(one.changes)), default=None)

    @property
    def aged_chip(self) -> ChipEvaluation | None:
        """The chip that is drawn over time: preferably the run's own accelerator, then the one with the most times."""
        found = (one for one in self.chips if len(one.times) > 1)
        return min(found, key=lambda one: (self._is_other(one), -len(one.times)), default=None)

    def _is_other(self, chip: ChipEvaluation) -> bool:
        return chip.hardware != self.config.hardware.accelerator

    @property
    def fitness(self) -> float | None:
        """Fitness of the answer; None if the run was not searched."""
        if self.result:
            return self.result.fitness
        if self.answer and not self.answer.is_final and self.candidates:
            return self.candidates.improvements[-1][1]
        return None

    @property
    def answer_name(self) -> str:
        """Label of the answer in charts of candidates."""
        return "the run's answer" if self.is_answered else "the best so far"

    @property
    def is_answered(self) -> bool:
        """Whether the run has a final answer, not only the best candidate so far."""
        is_ended = not self.is_search_out_of_time and not self.is_choosing
        return self.answer is not None and self.answer.is_final and is_ended

    @property
    def is_choosing(self) -> bool:
        """Whether the search has finalists whose training is not finished."""
        return self.finalists is not None and not self.finalists.is_complete

    @property
    def is_search_out_of_time(self) -> bool:
        """Whether the search was stopped by ``max_minutes``."""
        return self.result is not None and self.result.out_of_time

    @property
    def is_training_ended(self) -> bool:
        """Whether the training finished: it reached the last epoch or was stopped early by ``train.patience``."""
        return self.training is not None and self.training.is_of(len(self.epochs))

    @property
    def is_training_out_of_time(self) -> bool:
        """Whether the training was stopped by ``max_minutes``, and has not been resumed since."""
        is_last = self.training is not None and self.training.epochs == len(self.epochs)
        return self.training is not None and is_last and self.training.out_of_time

    @property
    def changed_costs(self) -> dict[str, float]:
        """Costs in ``result.json`` that differ from those computed now, because the version or the files changed."""
        if self.result is None or self.answer is None:
            return {}
        stored = {name: float(getattr(self.result.cost, name)) for name in self.budget.limits}
        now = {name: float(getattr(self.answer.cost, name)) for name in stored}
        return {name: then for name, then in stored.items() if not isclose(now[name], then, rel_tol=1e-6)}
