"""The main job: find the fittest architecture that breaks no budget."""

from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any

from neuronas.api.compose import Plan
from neuronas.api.devices import check_device
from neuronas.api.runs import log, log_to, new_directory
from neuronas.api.settings import Config, planned
from neuronas.api.workers import computing
from neuronas.config import write_json
from neuronas.errors import ConfigurationError, NeuronasError
from neuronas.hardware.cost import Cost
from neuronas.runs.architectures import architecture_document
from neuronas.runs.directory import ARCHITECTURE, CONFIG, HISTORY, LOG, RESULT, RunDirectory
from neuronas.runs.history import History
from neuronas.search.loop import Found, Observer, Problem
from neuronas.search.loop import search as run_search
from neuronas.search.result import peak_memory_mb, result_document
from neuronas.search.survey import FRONT, RANKING, front_document, write_ranking
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.space.workload import rows


@dataclass(frozen=True)
class SearchResult:
    """A finished search.

    Attributes:
        directory: of the run.
        plan: the complete settings, and what they name.
        found: the answer, and how many candidates it was chosen from.
        cost: of the answer.
        document: the content of ``result.json``.
        was_finished: the search had come to its end before; nothing was evaluated.
    """

    directory: Path
    plan: Plan
    found: Found
    cost: Cost
    document: dict[str, Any]
    was_finished: bool = False

    @property
    def architecture(self) -> Architecture:
        """The fittest architecture that fits."""
        return self.found.architecture

    @property
    def text(self) -> str:
        """Its text."""
        return format_architecture(self.architecture)

    @property
    def fitness(self) -> float:
        """Its fitness."""
        return self.found.fitness


@dataclass(frozen=True)
class Search:
    """A search that is planned.

    Attributes:
        directory: of the run.
        plan: the complete settings, and what they name.
        resume: go on with the run in the directory.
    """

    directory: Path
    plan: Plan
    resume: bool

    def run(self, observer: Observer | None = None, *, download: bool = False) -> SearchResult:
        """Search to the end.

        Args:
            observer: is told how it goes on.
            download: fetch the data set if it is missing.

        Raises:
            DataError: images are missing, broken or too few.
            RunDirectoryError: another process works in it; it holds a run, or none to resume.
            InfeasibleError: no candidate fits the budget; says which limit is closest and by how much.
            WorkerError: workers cannot be started, or fail whatever they are given.
        """
        started, run = perf_counter(), self.plan
        with (
            computing(run, download=download) as here,
            RunDirectory(self.directory, run.origin, resume=self.resume) as files,
            log_to(files.file(LOG)),
        ):
            with closing(History(files.file(HISTORY))) as history:
                seconds, memory_mb = history.seconds(), history.peak_memory_mb()
                was_finished = memory_mb is not None
                try:
                    history.claim(run.origin.identity)
                    problem = Problem(run.space, run.shape, run.cost_model, run.budget)
                    settings, seed = run.config.search, run.config.seed
                    told = None if was_finished else observer
                    found = run_search(problem, run.algorithm, settings, seed, here.evaluators, history, told)
                finally:
                    if not was_finished:
                        seconds += perf_counter() - started
                        with suppress(NeuronasError):  # what ended the search matters more, such as a full disk
                            history.set_seconds(seconds)
                if memory_mb is None:
                    memory_mb = peak_memory_mb() + here.peak_memory_mb
                    history.finish(memory_mb)
            cost = run.cost_model.estimate(rows(found.architecture, run.shape))
            costs = run.cost_document(found.architecture, cost)
            document = result_document(run.config, run.budget, found, cost, costs, seconds, memory_mb)
            write_json(files.file(ARCHITECTURE), architecture_document(found.architecture))
            if run.algorithm.surveys:
                front = front_document(found.surveyed, settings.prefer, document["architecture"])
                write_json(files.file(FRONT), front)
                write_ranking(files.file(RANKING), found.surveyed)
            write_json(files.file(RESULT), document)
            log.info("done: %s", document["architecture"])
        return SearchResult(self.directory, run, found, cost, document, was_finished)


def search(
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool = False,
    download: bool = False,
    observer: Observer | None = None,
    **options: Any,
) -> SearchResult:
    """Find the fittest spiking network that fits all budgets. Without arguments: on the embedded digits.

    Args:
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        out: directory to write to; default: a new one under ``runs``.
        resume: resume the run in ``out``, to the identical result.
        download: fetch the data set if it is missing.
        observer: is told how the search goes on.
        **options: settings by keyword (docs/reference/settings.md). Where a name is expected, an object serves too:
            ``dataset``, ``space``, ``fitness``, ``algorithm``, ``hardware``.

    Raises:
        NeuronasError: see ``plan_search`` and ``Search.run``.
    """
    planned_search = plan_search(options, config=config, assignments=assignments, out=out, resume=resume)
    return planned_search.run(observer, download=download)


def plan_search(
    options: Mapping[str, Any],
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool = False,
) -> Search:
    """Check everything that can be checked before an image is read.

    Args:
        options: settings by keyword.
        config: see ``search``.
        assignments: see ``search``.
        out: see ``search``.
        resume: see ``search``; without ``config``, the run's own settings are taken.

    Raises:
        ConfigurationError: an unknown option, name or value; no such device.
    """
    if resume and out is None:
        raise ConfigurationError("--resume needs --out DIR, the run directory to resume")
    directory = Path(out) if out else None
    own = directory if resume and directory and (directory / CONFIG).is_file() else None
    run = planned("search", options, config=config, assignments=assignments, run=own, resume=True)
    run.algorithm.check(run.config.search)
    if run.config.engine.cluster is None:  # whose machines have devices of their own
        check_device(run.config.device)
    return Search(directory or new_directory(run.config.data.name, run.config.search.algorithm), run, resume)
