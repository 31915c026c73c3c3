"""Architecture search: find the fittest architecture within all budgets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from neuronas.api.estimating.feasibility import explain, fitting_width
from neuronas.api.estimating.fit import limits_broken, target_of
from neuronas.api.searching.finalist_training import Finals
from neuronas.api.searching.finalists import check_counts, check_finalists, check_images, chosen_from
from neuronas.api.searching.result import SearchResult, result_of, write_result
from neuronas.api.searching.workers import Computing, computing
from neuronas.api.setup.chip_models import chip_warning
from neuronas.api.setup.devices import check_device
from neuronas.api.setup.images import scan_of
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import Config, planned, resumed_in
from neuronas.config import is_there
from neuronas.data.counts import check_enough
from neuronas.errors import InfeasibleError, RunDirectoryError
from neuronas.runs.designs import BEGUN
from neuronas.runs.directory import (
    CONFIG,
    HISTORY,
    RunDirectory,
    log,
    new_directory,
)
from neuronas.runs.history import History
from neuronas.runs.infeasible import INFEASIBLE
from neuronas.runs.observer import Observer
from neuronas.runs.work import Work, deadline_in
from neuronas.search.algorithms.limited import limited
from neuronas.search.loop import search as run_search
from neuronas.search.problem import NothingFitsError, Problem
from neuronas.space.layer_bits import search_bits


@dataclass(frozen=True)
class Search:
    """A planned search.

    Attributes:
        directory: run directory.
        plan: complete settings, and the objects that they name.
        resume: continue the run in the directory.
        own_channels: the data set's number of channels, if no architecture of that width fits the budget and the plan
            uses a smaller one.
    """

    directory: Path
    plan: Plan
    resume: bool
    own_channels: int | None = None

    @property
    def identity(self) -> str:
        """Key of everything that determines the result."""
        return self.plan.origin.identity

    def check(self, by_class: Sequence[int] | None) -> None:
        """Raise the error of ``run``, if it is known before an image is read; nothing is written.

        Args:
            by_class: number of training images of each class; None: not known.
        """
        fitness = self.plan.config.fitness
        if by_class is not None and self.plan.config.search.finalists:
            check_counts(self.plan, by_class)
        elif by_class is not None:
            check_enough(sum(by_class), fitness.batch_size, fitness.n_batches)
        RunDirectory(self.directory, self.plan.origin, resume=self.resume).check()

    def run(
        self,
        observer: Observer | None = None,
        *,
        download: bool = False,
        max_minutes: float | None = None,
        scan_images: bool = True,
    ) -> SearchResult:
        """Search to the end; with ``search.finalists``, finalists are trained and the best of them is the answer.

        Args:
            observer: observer of the progress.
            download: download the data set if it is missing.
            max_minutes: stop after this time with the best candidate so far; ``resume`` continues.
            scan_images: check all images first; otherwise only the available images of the batches are read.

        Raises:
            DataError: images are missing, damaged or too few.
            RunDirectoryError: another process uses the directory, it holds another run, or no run to resume.
            InfeasibleError: no candidate fits the budget; the message says which limit is closest and by how much, and
                what would fit (``infeasible.json``).
            WorkerError: workers cannot be started, or fail on every job.
            DivergedError: the trainings of all finalists diverged.
        """
        run, deadline = self.plan, deadline_in(max_minutes)
        scan = scan_of(self.directory, observer) if scan_images else None
        with computing(run, scan, download=download) as here:
            if run.config.search.finalists:
                check_images(run)
            with (
                RunDirectory(self.directory, run.origin, resume=self.resume) as files,
                History(files.file(HISTORY)) as history,
            ):
                work, result, finals = self._search(here, files, history, observer, deadline)
        del here  # evaluators are freed: the finalists need the memory of their images, weights and spikes
        if finals is not None and not finals.choice.is_complete:
            told = Work("finalists", self.directory, "images", observer)
            with RunDirectory(self.directory, run.origin, resume=True):
                finals.run(told, deadline)
                result = result.with_finalists(finals.choice, out_of_time=finals.is_out_of_time)
                write_result(result)
        work.finish(result)
        return result

    def _search(
        self, here: Computing, files: RunDirectory, history: History, observer: Observer | None, deadline: float
    ) -> tuple[Work, SearchResult, Finals | None]:
        """Evaluate candidates and write the result so far; finalists may still have to be trained."""
        run = self.plan
        history.claim(run.origin.history_identity)
        if run.algorithm.grows and history.was_finished and history.n_candidates() < run.config.search.n_draws:
            history.reopen()
        if warning := chip_warning(run):
            log.warning(warning)
        target = target_of(run)
        misfits = None if target is None else limits_broken(run, target)
        problem = Problem(run.space, run.shape, run.cost_model, run.budget, misfits)
        settings, seed = run.config.search, run.config.seed
        is_told = not history.was_finished
        work = Work("search", self.directory, "candidates", observer if is_told else None, logs=is_told)
        algorithm = run.algorithm
        if settings.max_evaluated is not None:
            algorithm = limited(algorithm, settings.max_evaluated)
        try:
            found = run_search(problem, algorithm, settings, seed, here.evaluators, history, work, deadline)
        except NothingFitsError as nothing:
            advice = explain(run, nothing)
            advice.write(files.file(INFEASIBLE))
            raise InfeasibleError(str(nothing), advice) from None
        if not history.was_finished and found.is_complete:
            history.finish(here.peak_memory_mb)
        files.file(INFEASIBLE).unlink(missing_ok=True)  # left by a search with fewer draws
        result = result_of(run, self.directory, found, history, here.peak_memory_mb)
        finals = chosen_from(run, history, self.directory) if found.is_complete else None
        if finals is not None:
            result = result.with_finalists(finals.choice)
        write_result(result)
        return work, result, finals


def search(
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool | str = False,
    download: bool = False,
    max_minutes: float | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> SearchResult:
    """Find the fittest spiking network that fits all budgets. By default on the embedded digits.

    Args:
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        out: directory to write to; default: a new one under ``runs``.
        resume: resume the run in ``out``, with an identical result; ``"auto"``: if it holds one, so that a notebook
            cell can be run again.
        download: download the data set if it is missing.
        max_minutes: stop after this time with the best candidate so far; ``resume`` continues.
        observer: observer of the progress.
        **options: settings by keyword (docs/reference/settings.md). ``dataset``, ``space``, ``fitness``, ``algorithm``
            and ``hardware`` take objects as well as names.

    Raises:
        NeuronasError: see ``plan_search`` and ``Search.run``.
    """
    found = plan_search(options, config=config, assignments=assignments, out=out, resume=resume)
    return found.run(observer, download=download, max_minutes=max_minutes)


def plan_search(
    options: Mapping[str, Any],
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool | str = False,
    warns: bool = True,
) -> Search:
    """Check everything that can be checked before an image is read.

    Args:
        options: settings by keyword.
        config: see ``search``.
        assignments: see ``search``.
        out: see ``search``.
        resume: see ``search``; without ``config``, the run's own settings are used.
        warns: whether to warn of settings without effect; False for settings that several searches share.

    Raises:
        ConfigurationError: an option, name or value is unknown, weight bits do not match the network, or the device is
            not available.
        RunDirectoryError: the directory holds a design.
    """
    assignments = tuple(assignments)
    directory, going_on = resumed_in(out, resume, CONFIG)
    if directory is not None and is_there(directory / BEGUN):
        raise RunDirectoryError(
            f"run directory {directory}: holds a design, whose answer another search could replace; resume it with "
            "neuronas design --resume, or choose another --out"
        )
    own = directory if going_on and directory and (directory / CONFIG).is_file() else None
    planned_with = partial(planned, "search", config=config, assignments=assignments, run=own, resume=True)
    run = planned_with(options, warns=warns)
    search_bits(run.config.network.weight_bits, run.shape, run.space.nodes)
    own_channels = None
    if (width := fitting_width(run)) is not None:
        own_channels = run.config.network.channels
        run = planned_with({**options, "channels": width}, warns=False)
    target_of(run)  # checks that the chip exists
    run.algorithm.check(run.config.search)
    check_finalists(run)
    if run.config.engine.cluster is None:  # its machines have their own devices
        check_device(run.config.device)
    directory = directory or new_directory(run.config.data.name, run.config.search.algorithm)
    return Search(directory, run, going_on, own_channels)
