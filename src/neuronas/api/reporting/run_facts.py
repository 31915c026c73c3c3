"""Reading of run directories for reports. Needs neither data nor torch."""

from collections.abc import Sequence
from dataclasses import replace
from os.path import realpath
from pathlib import Path

from neuronas.api.estimating.network_card import answer_of
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import planned
from neuronas.config import is_there
from neuronas.errors import ArchitectureError, RunDirectoryError, VerificationError
from neuronas.hardware.budget import rejected
from neuronas.hardware.units import BUDGETED
from neuronas.report.facts import Answer, RunFacts
from neuronas.runs.architectures import read_architecture
from neuronas.runs.candidates import Candidates, read_candidates
from neuronas.runs.chip_evaluations import read_chips
from neuronas.runs.designs import DESIGN, DesignResult
from neuronas.runs.directory import ARCHITECTURE, CONFIG, EVALUATION, HISTORY, RESULT, TRAINING
from neuronas.runs.environment import ENVIRONMENT, Environment, check_format
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.finalists import FINALISTS, FinalistChoice
from neuronas.runs.infeasible import INFEASIBLE, Infeasible
from neuronas.runs.metrics import METRICS, read_epochs
from neuronas.runs.results import SearchSummary, TrainingResult
from neuronas.space.genotype import Architecture
from neuronas.space.notation import parse_architecture
from neuronas.space.workload import Workload


def read_run(directory: Path, name: str | None = None) -> RunFacts:
    """Read everything that a run directory holds.

    Args:
        directory: run directory.
        name: name of the run in the report; None: that of the directory.

    Raises:
        RunDirectoryError: it is not a run directory.
        ConfigurationError: its settings name something that does not exist.
        VerificationError: one of its files is damaged.
    """
    return _read(directory, name or _name(directory), _plan_of(directory), None)


def _name(directory: Path) -> str:
    return Path(realpath(directory)).name  # Path.resolve fails on a link to itself


def _plan_of(directory: Path) -> Plan:
    """Settings of a run, and the objects that they name."""
    if not is_there(directory / CONFIG):
        why = f"holds no {CONFIG}" if is_there(directory) else "does not exist"
        raise RunDirectoryError(f"'{directory}' given, which {why}; expected a run directory")
    check_format(directory)
    return planned("estimate", {}, run=directory)


def _read(directory: Path, name: str, run: Plan, cost_model: str | None) -> RunFacts:
    """Read a run; all costs are computed by the given cost model, if it is not the run's own."""
    candidates = read_candidates(directory / HISTORY)
    if cost_model not in (None, run.cost_model.name):
        run = planned("estimate", {"cost_model": cost_model}, run=directory)
        candidates = candidates and _costed_anew(run, candidates, directory)
    return RunFacts(
        name,
        str(directory),
        run.config,
        run.budget,
        run.accelerator,
        run.algorithm,
        _answer(run, directory, candidates),
        candidates,
        SearchSummary.read_if_there(directory / RESULT),
        read_epochs(directory / METRICS),
        TrainingResult.read_if_there(directory / TRAINING),
        Evaluation.read_if_there(directory / EVALUATION),
        read_chips(directory),
        Environment.read_if_there(directory / ENVIRONMENT),
        Infeasible.read_if_there(directory / INFEASIBLE),
        FinalistChoice.read_if_there(directory / FINALISTS),
        DesignResult.read_if_there(directory / DESIGN),
    )


def _costed_anew(run: Plan, candidates: Candidates, directory: Path) -> Candidates:
    """The candidates with their costs and violated limits by the plan's cost model."""
    architectures = [_parsed(text, directory) for text in candidates.architectures]
    work = Workload(run.shape, run.space.nodes)
    totals = run.cost_model.totals(work.slots, work.occupancy(architectures))
    costs = {name: getattr(totals, name) for name in BUDGETED}
    return replace(candidates, costs=costs, rejected=tuple(rejected(run.budget.excess(totals))))


def _parsed(text: str, directory: Path) -> Architecture:
    try:
        return parse_architecture(text)
    except ArchitectureError as error:
        raise VerificationError(f"{directory / HISTORY}: {error}") from None


def read_runs(directories: Sequence[Path]) -> tuple[RunFacts, ...]:
    """Read several runs for comparison, by one cost model: their own or, if they differ, ``mapped``.

    They are named by their directories' names or, if two are equal, by their paths.
    """
    names = list(map(_name, directories))
    called = [str(path) if names.count(name) > 1 else name for path, name in zip(directories, names, strict=True)]
    plans = [_plan_of(directory) for directory in directories]
    cost_model = "mapped" if len({one.cost_model.name for one in plans}) > 1 else None
    return tuple(_read(*one, cost_model) for one in zip(directories, called, plans, strict=True))


def _answer(run: Plan, directory: Path, candidates: Candidates | None) -> Answer | None:
    is_final = is_there(directory / ARCHITECTURE)
    if is_final:
        architecture = read_architecture(str(directory)).architecture
    elif candidates and candidates.improvements:
        architecture = _best_so_far(directory, candidates)
    else:
        return None
    return answer_of(run, architecture, is_final=is_final)


def _best_so_far(directory: Path, candidates: Candidates) -> Architecture:
    number, _ = candidates.improvements[-1]
    return _parsed(candidates.architectures[number - 1], directory)
