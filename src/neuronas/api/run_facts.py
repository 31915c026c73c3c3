"""A run directory read for a report. Needs neither data nor torch."""

from collections.abc import Sequence
from os.path import realpath
from pathlib import Path

from neuronas.api.compose import Plan
from neuronas.api.settings import planned
from neuronas.config import is_there
from neuronas.errors import ArchitectureError, RunDirectoryError, VerificationError
from neuronas.hardware.floorplan import floorplan
from neuronas.report.facts import Answer, RunFacts
from neuronas.runs.architectures import read_architecture
from neuronas.runs.candidates import Candidates, read_candidates
from neuronas.runs.directory import ARCHITECTURE, CONFIG, EVALUATION, HISTORY, RESULT
from neuronas.runs.environment import ENVIRONMENT, Environment, check_format
from neuronas.runs.evaluations import Evaluation, read_chips
from neuronas.runs.metrics import METRICS, read_epochs
from neuronas.runs.results import SearchSummary
from neuronas.space.genotype import Architecture
from neuronas.space.lowering import lower
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.workload import rows


def read_run(directory: Path, name: str) -> RunFacts:
    """Read everything that a run directory holds.

    Args:
        directory: of the run.
        name: what the report will call it.

    Raises:
        RunDirectoryError: it is not a run directory.
        ConfigurationError: its settings name what is not there.
        VerificationError: one of its files is broken.
    """
    config = directory / CONFIG
    if not is_there(config):
        why = f"holds no {CONFIG}" if is_there(directory) else "does not exist"
        raise RunDirectoryError(f"'{directory}' given, which {why}; expected a run directory")
    check_format(directory)
    run = planned("estimate", {}, run=directory)
    candidates = read_candidates(directory / HISTORY)
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
        Evaluation.read_if_there(directory / EVALUATION),
        read_chips(directory),
        Environment.read_if_there(directory / ENVIRONMENT),
    )


def read_runs(directories: Sequence[Path]) -> tuple[RunFacts, ...]:
    """Read several; each is called by its directory's name or, where two have the same, by its path."""
    names = [Path(realpath(directory)).name for directory in directories]  # Path.resolve fails at a link to itself
    called = [str(path) if names.count(name) > 1 else name for path, name in zip(directories, names, strict=True)]
    return tuple(read_run(directory, name) for directory, name in zip(directories, called, strict=True))


def _answer(run: Plan, directory: Path, candidates: Candidates | None) -> Answer | None:
    is_final = is_there(directory / ARCHITECTURE)
    if is_final:
        architecture = read_architecture(str(directory)).architecture
    elif candidates and candidates.improvements:
        architecture = _best_so_far(directory, candidates)
    else:
        return None
    work = rows(architecture, run.shape)
    cost = run.cost_model.estimate(work)
    return Answer(
        architecture,
        format_architecture(architecture),
        lower(architecture, run.shape),
        cost,
        run.cost_report(architecture, cost).summary,
        floorplan(work, run.mapped_model().work(work)),
        is_final,
    )


def _best_so_far(directory: Path, candidates: Candidates) -> Architecture:
    number, _ = candidates.improvements[-1]
    try:
        return parse_architecture(candidates.architectures[number - 1])
    except ArchitectureError as error:
        raise VerificationError(f"{directory / HISTORY}: {error}") from None
