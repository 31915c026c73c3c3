"""Joint design of network and chip: survey of the cells, enumeration of a design space, its front, a chosen design."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import inf
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any

from neuronas.api.designing.choice import Surveyed, axes_of, survey_plan
from neuronas.api.designing.front_files import FrontFiles
from neuronas.api.designing.front_space import accelerator_with_device, joint_space
from neuronas.api.searching.search import Search
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import Config, planned, resumed_in
from neuronas.config import is_there, read_yaml, validate, value_at, write_yaml, written
from neuronas.errors import ConfigurationError, InfeasibleError, RunDirectoryError, named
from neuronas.fitness.expected_error import ErrorTerm
from neuronas.fitness.path_and_size import PathAndSize
from neuronas.fitness.path_information import PathInformation
from neuronas.hardware.design_space import DesignSpace, load_design_space
from neuronas.hardware.units import BUDGETED, quantity, word
from neuronas.runs.design_fronts import CHECKPOINT, FRONT, SPACE, SURVEY, DesignFront
from neuronas.runs.designs import BEGUN, FRONT_FOLDER, Axes
from neuronas.runs.directory import CONFIG, HISTORY, RunDirectory, check_start, new_directory, nothing_to_resume
from neuronas.runs.lock import locked
from neuronas.runs.observer import Observer
from neuronas.runs.work import Work
from neuronas.search.joint import explored
from neuronas.search.joint_choice import PREFER
from neuronas.search.joint_space import JointSpace
from neuronas.search.joint_state import JointState

PREFERENCE = "knee"
"""How a design is chosen from the front by default: one of ``search.joint_choice.PREFER``."""
RESOLUTION = 0.01
"""Resolution of the front: relative tolerance in each objective."""


@dataclass(frozen=True)
class Enumerated:
    """A completely enumerated design space.

    Attributes:
        space: enumerated space.
        state: final state of the enumeration.
        architectures: text of each candidate.
    """

    space: JointSpace
    state: JointState
    architectures: Sequence[str]


@dataclass(frozen=True)
class FrontPlan:
    """A planned joint search of network and chip.

    Attributes:
        directory: directory of all files.
        plan: settings; of the network only the fixed ones.
        space: axes of network and chip.
        axes: axes of the network.
        resume: continue in the directory.
        prefer: how a design is chosen.
        resolution: see ``RESOLUTION``.
        error: model of the expected error; None: ``ErrorPrior``.
        max_error: limit of the expected error; None: see ``design_front``.
    """

    directory: Path
    plan: Plan
    space: DesignSpace
    axes: Axes
    resume: bool
    prefer: str
    resolution: float
    error: ErrorTerm | None
    max_error: float | None

    def run(self, observer: Observer | None = None, *, download: bool = False) -> DesignFront:
        """Survey, enumerate, choose, and write everything.

        Raises:
            RunDirectoryError: the directory holds another front, none to resume, or a design has gone on from a front
                with other settings.
            InfeasibleError: no design keeps all limits; the message names the nearest.
            ConfigurationError: no chip can be built; the message names the nearest one.
            DataError: images are missing, damaged or too few.
            VerificationError: a file is damaged.
        """
        work = Work("design", self.directory, "settings", observer)
        started = perf_counter()
        with self._claimed():
            if self.has_design:
                front = self._kept()
            else:
                found = self._enumerated(work, observer, download=download)
                files = FrontFiles(self.directory, self.plan, found.space, found.state, found.architectures)
                front = files.write(self.prefer, round(perf_counter() - started, 2))
        work.finish(front)
        return front

    @property
    def has_design(self) -> bool:
        """Whether a design has gone on from this front, which may no longer change."""
        return self.directory.name == FRONT_FOLDER and is_there(self.directory.parent / BEGUN)

    def enumerated(self) -> "Enumerated":
        """Survey and enumerate, without choosing; raises the same errors as ``run``."""
        with self._claimed():
            return self._enumerated(Work("design", self.directory, "settings"), None, download=False)

    def _kept(self) -> DesignFront:
        """The finished front, if it was computed and chosen from with these settings. Nothing is written."""
        survey = replace(survey_plan(self.plan, self.axes).origin, grows=False)
        RunDirectory(self.directory / SURVEY, survey, resume=True).check()
        joint, surveyed = self._surveyed()
        front = DesignFront.read(self.directory / FRONT).model_copy(update={"directory": self.directory})
        limits = {f"budget.max_{name}": (joint.budget.limits[name], front.limits.get(name, inf)) for name in BUDGETED}
        of_choice = {name: (getattr(self, name), getattr(front, name)) for name in ("prefer", "resolution")}
        given = {**limits, **of_choice, "max_error": (joint.max_error, front.max_error)}
        changed = [f": {name} was {old}, now {now}" for name, (now, old) in given.items() if now != old]
        if changed or JointState.read(self.directory / CHECKPOINT, self._digest(joint, surveyed)).n_done == 0:
            raise RunDirectoryError(
                f"run directory {self.directory.parent}: its front was made with other settings"
                f"{next(iter(changed), '')}; choose another --out"
            )
        return front

    def _surveyed(self) -> tuple[JointSpace, Surveyed]:
        """The space to enumerate, and the surveyed cells."""
        surveyed = Surveyed.read(self.plan, self.directory / SURVEY / HISTORY)
        joint = joint_space(
            self.plan, self.space, self.axes, surveyed, resolution=self.resolution, error=self.error,
            max_error=self.max_error,
        )  # fmt: skip
        return joint, surveyed

    def _enumerated(self, work: Work, observer: Observer | None, *, download: bool) -> "Enumerated":
        survey, place = survey_plan(self.plan, self.axes), self.directory / SURVEY
        Search(place, survey, resume=(place / CONFIG).is_file()).run(observer, download=download, scan_images=True)
        joint, surveyed = self._surveyed()
        state = JointState.read(self.directory / CHECKPOINT, self._digest(joint, surveyed))
        work.start(len(joint.settings), state.n_done)
        for found in explored(joint, state.n_done, self.plan.config.engine.workers or 1):
            state.add(joint, found)
            state.save(self.directory / CHECKPOINT)
            work.advance(1, f"{len(state.front):,} designs on the front, {state.count('n_covered'):,} covered")
        if not len(state.front):
            raise self._nothing(joint, state, surveyed)
        return Enumerated(joint, state, surveyed.candidates.architectures)

    @contextmanager
    def _claimed(self) -> Iterator[None]:
        """Lock the directory while files are written."""
        if self.resume and not self.directory.is_dir():
            raise nothing_to_resume(self.directory, "design")
        with locked(self.directory):
            self._claim()
            yield

    def _claim(self) -> None:
        """Refuse a directory with other content; write the design space into a new one."""
        place = self.directory / SPACE
        is_begun = is_there(place)
        check_start(self.directory, is_begun=is_begun, resume=self.resume)
        if not is_begun:
            write_yaml(place, self.space)
        elif validate(DesignSpace, read_yaml(place), str(place)) != self.space:
            raise RunDirectoryError(
                f"run directory {self.directory}: was started with another design space; choose another --out"
            )

    def _digest(self, joint: JointSpace, surveyed: Surveyed) -> str:
        """Digest of what is enumerated."""
        parts = (
            joint.base, joint.values, joint.settings, joint.budget, joint.error, joint.n_classes, joint.activity,
            joint.sensor, joint.resolution, joint.max_error, self.plan.shape, surveyed.candidates.architectures,
        )  # fmt: skip
        digest = blake2b(repr(parts).encode(), digest_size=16)
        digest.update(joint.fitness.tobytes())
        return digest.hexdigest()

    def _nothing(self, joint: JointSpace, state: JointState, surveyed: Surveyed) -> InfeasibleError:
        near = state.nearest
        if near is None:
            return InfeasibleError("the survey found no cell with a fitness; expected other images or another space")
        number, candidate, chip = near.origin
        setting = joint.settings[number]
        own = joint.chips(setting).values(chip)
        text = ", ".join(f"{name} {value}" for name, value in own.items())
        limits = {**joint.budget.limits, "error": joint.max_error}
        value, limit = (
            f"{one:.1%}" if near.name == "error" else quantity(near.name, one)
            for one in (near.value, limits[near.name])
        )
        return InfeasibleError(
            f"none of {state.count('n_covered'):,} designs keeps all limits; the nearest ({setting.text}, {text}, "
            f"cells {surveyed.candidates.architectures[candidate]}) has {word(near.name)} {value} against a limit of "
            f"{limit}"
        )


def plan_front(
    space: DesignSpace | str,
    options: dict[str, Any],
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool | str = False,
    prefer: str = PREFERENCE,
    resolution: float = RESOLUTION,
    error: ErrorTerm | None = None,
    max_error: float | None = None,
) -> FrontPlan:
    """Check everything that can be checked before an image is read; see ``design_front``."""
    axes = load_design_space(space)
    named("preference", prefer, dict.fromkeys(PREFER))
    if not 0 <= resolution < 1:
        raise ConfigurationError(
            f"resolution {resolution:g} given; expected 0 (exact) or a share below 1, such as 0.01"
        )
    if max_error is not None and not 0 < max_error <= 1:
        raise ConfigurationError(f"max_error {max_error:g} given; expected a share above 0, at most 1: no limit")
    directory, going_on = resumed_in(out, resume, SPACE)
    run = planned("design", options, config=config, assignments=assignments, run=None, resume=False)
    if value_at(written(run.given), "hardware.cost_model") not in (None, "mapped"):
        raise ConfigurationError("cost model paper given with a design space, whose chips it cannot tell apart")
    if error is None and not isinstance(run.measure, PathInformation | PathAndSize):
        raise ConfigurationError(
            f"fitness {run.config.fitness.name} given with a design space; expected path-and-size or path-information, "
            "from which the expected error is computed (or an own model of the expected error, in Python)"
        )
    directory = directory or new_directory(run.config.data.name, "design")
    network = axes_of(run, is_resumed=False, space=axes)
    accelerator_with_device(run)
    return FrontPlan(directory, run, axes, network, going_on, prefer, resolution, error, max_error)


def design_front(
    space: DesignSpace | str,
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    out: str | PathLike[str] | None = None,
    resume: bool | str = False,
    download: bool = False,
    prefer: str = PREFERENCE,
    resolution: float = RESOLUTION,
    error: ErrorTerm | None = None,
    max_error: float | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> DesignFront:
    """The Pareto front of network and chip together, and a design from it, ready to be trained.

    Args:
        space: the axes: a YAML file, the name of a built-in design space, or a design space.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        out: directory to write to; default: a new one under ``runs``.
        resume: continue in ``out``, with an identical result; ``"auto"``: if it holds a front.
        download: download the data set if it is missing.
        prefer: which design is chosen: ``knee``, one of the objectives ``error``, ``energy_uj``, ``latency_ms``,
            ``area_mm2``, ``memory_bits``, or ``edap``.
        resolution: relative tolerance of the front in each objective; 0: exact.
        error: model of the expected error; None: a prior, which is not fitted to this data.
        max_error: designs with a larger expected error on the chip are left out; None: halfway between the least error
            without a chip and that of guessing.
        observer: observer of the progress.
        **options: settings of ``design`` by keyword (docs/reference/settings.md).

    Raises:
        NeuronasError: see ``plan_front`` and ``FrontPlan.run``.
    """
    plan = plan_front(
        space, options, config=config, assignments=assignments, out=out, resume=resume, prefer=prefer,
        resolution=resolution, error=error, max_error=max_error,
    )  # fmt: skip
    return plan.run(observer, download=download)
