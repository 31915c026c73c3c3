"""A design for a given chip: its plan, and all its stages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from neuronas.api.designing.answer import REPORT, design_result
from neuronas.api.designing.choice import axes_of
from neuronas.api.designing.progress import StageProgress
from neuronas.api.designing.stages import DesignStages, why_no_chips
from neuronas.api.searching.finalists import check_counts, check_images, learning_plan
from neuronas.api.setup.devices import check_device
from neuronas.api.setup.images import prepare_images, scan_of
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import Config, planned, resumed_in
from neuronas.api.training.checks import check_settings
from neuronas.config import (
    PRESETS,
    SETTINGS,
    DesignConfig,
    LayerBits,
    given,
    is_there,
    merged,
    value_at,
    written,
)
from neuronas.errors import RunDirectoryError
from neuronas.export.formats import format_named
from neuronas.runs.config_file import read_config
from neuronas.runs.design_fronts import SPACE
from neuronas.runs.designs import BEGUN, DESIGN, FOLDER, FRONT_FOLDER, Axes, DesignResult
from neuronas.runs.directory import CONFIG, RunDirectory, check_start, new_directory
from neuronas.runs.identity import differences
from neuronas.runs.observer import Observer
from neuronas.runs.work import Work

_GIVEN_ONLY = ("train", "chip", "export")
"""Sections of which the settings of a design hold what was given; those of its searches check the others."""


@dataclass(frozen=True)
class Design:
    """A planned design.

    Attributes:
        directory: run directory.
        plan: settings and the objects that they name; of the network only the fixed settings.
        axes: free settings.
        resume: continue the design in the directory.
    """

    directory: Path
    plan: Plan
    axes: Axes
    resume: bool

    @property
    def finished(self) -> DesignResult | None:
        """The result, if the design is finished."""
        is_reported = is_there(self.directory / REPORT)
        return DesignResult.read_if_there(self.directory / DESIGN) if is_reported else None

    @property
    def is_begun(self) -> bool:
        """Whether the directory holds a design."""
        return is_there(self.directory / BEGUN)

    def check(self, by_class: Sequence[int] | None) -> None:
        """Raise the error of ``run``, if it is known before an image is read; nothing is written.

        Args:
            by_class: number of training images of each class; None: not known.
        """
        check_start(self.directory, is_begun=self.is_begun, resume=self.resume)
        if by_class is not None and not self.is_begun:
            check_counts(self.plan, by_class)
        self._folder.check()

    @property
    def _folder(self) -> RunDirectory:
        return RunDirectory(self.directory / FOLDER, self.plan.origin, resume=self.resume)

    def run(self, observer: Observer | None = None, *, download: bool = False) -> DesignResult:
        """Run all unfinished stages.

        Args:
            observer: observer of the progress.
            download: download the data set if it is missing.

        Raises:
            RunDirectoryError: another process uses the directory, it holds another run, or no design to resume.
            InfeasibleError: no design fits the budget; the message says which limit is closest and what would fit.
            DataError: images are missing, damaged or too few.
            DivergedError: the training of all finalists, or of the answer, diverged.
            VerificationError: an exported file does not compute the same as the network, or a file is damaged.
        """
        check_start(self.directory, is_begun=self.is_begun, resume=self.resume)
        if not self.is_begun:  # before anything is written, so that a refused design can be started again there
            prepare_images(self.plan, scan_of(self.directory, observer), download=download)
            check_images(self.plan)
        work = Work("design", self.directory, "%", observer, logs=False)  # stages write log messages
        with self._folder:
            if (known := self.finished) is not None:
                return known
            work.start(None)
            result = self._run(work)
            work.finish(result)
            return result

    def _run(self, work: Work) -> DesignResult:
        chips_left_out = why_no_chips(self.plan, self.axes)
        progress = StageProgress(work, self.directory / FOLDER, has_chips=chips_left_out is None)
        stages = DesignStages(self.plan, self.axes, self.directory, progress, chips_left_out)
        result = design_result(self.plan, stages.results(), progress.times)
        result.write(self.directory / DESIGN)  # read by the page
        stages.report()
        done = result.model_copy(update={"stages": progress.times})  # with the time of the page
        done.write(self.directory / DESIGN)
        return done


def plan_design(
    options: Mapping[str, Any],
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool | str = False,
    follows_front: bool = False,
) -> Design:
    """Check everything that can be checked before an image is read.

    Args:
        options: settings by keyword.
        config: see ``design``.
        assignments: see ``design``.
        out: see ``design``.
        resume: see ``design``; without ``config``, the design's own settings are used.
        follows_front: the settings are those of the design chosen from the front in the directory.

    Raises:
        ConfigurationError: an option, name or value is unknown, or the device is not available.
        RunDirectoryError: the design to resume was started with other choices, or has not got past its front.
    """
    assignments = tuple(assignments)
    directory, going_on = resumed_in(out, resume, BEGUN)
    is_begun = directory is not None and is_there(directory / BEGUN)
    if directory is not None and not is_begun and not follows_front and is_there(directory / FRONT_FOLDER / SPACE):
        raise RunDirectoryError(
            f"run directory {directory}: holds a front of networks and chips; repeat its command with --resume, or "
            "choose another --out"
        )
    own = directory / FOLDER if directory is not None and going_on and is_begun else None
    planned_with = partial(planned, "design", config=config, assignments=assignments, run=own, resume=True)
    run = planned_with(options)
    states_choices = own is not None and config is None  # a design's own settings state every choice
    axes = axes_of(run, is_resumed=states_choices)
    if not states_choices:
        # A resumed design keeps its choices even if the data set's defaults have changed.
        is_mixed = isinstance(run.config.network.weight_bits, LayerBits)  # given, and no choice
        choices = {f"{name}_choices": values for name, values in axes if not (is_mixed and name == "weight_bits")}
        run = planned_with({**options, **choices}, warns=False)
    if own is not None:
        stored = DesignConfig.model_validate(read_config(own / CONFIG)["design"], strict=False)
        of_design = differences({"design": run.config.design.model_dump()}, {"design": stored.model_dump()})
        if changed := [*of_design, *_changed_since(run, own / CONFIG)]:
            raise RunDirectoryError(
                f"run directory {directory}: was started with other settings: {changed[0]}; choose another --out"
            )
    run.algorithm.check(run.config.search)
    check_settings(learning_plan(run))
    for name in run.config.design.formats:
        format_named(name)
    if run.config.engine.cluster is None:
        check_device(run.config.device)
    directory = directory or new_directory(run.config.data.name, "design")
    return Design(directory, run, axes, going_on)


def _changed_since(run: Plan, file: Path) -> Iterator[str]:
    """Settings of training, chip simulation and export that differ from those of the design, which holds given ones."""
    values, now = read_config(file), run.config.model_dump()
    sections = {name: values[name] for name in _GIVEN_ONLY}
    stored = merged(PRESETS[values["preset"]], written(given(sections, str(file))))
    for path in SETTINGS:
        if path.partition(".")[0] in _GIVEN_ONLY:
            own, old = value_at(now, path), value_at(stored, path)
            old = run.defaults[path] if old is None else old
            if own != old:
                yield f"{path} was {old}, now {own}"
