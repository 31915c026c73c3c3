"""From data, budgets and a chip, or a space of chips, to a trained, measured and exported network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from neuronas.api.designing.front import PREFERENCE, RESOLUTION, FrontPlan, plan_front
from neuronas.api.designing.front_files import on_chosen_chip
from neuronas.api.designing.plan import Design, plan_design
from neuronas.api.estimating.feasibility import rounded_up
from neuronas.api.setup.settings import Config, planned
from neuronas.config import as_path, is_there, merged, value_at, written
from neuronas.errors import ConfigurationError, RunDirectoryError
from neuronas.fitness.expected_error import ErrorTerm
from neuronas.hardware.design_space import NETWORK, DesignSpace
from neuronas.runs.config_file import read_config
from neuronas.runs.design_fronts import SPACE, DesignFront
from neuronas.runs.designs import BEGUN, FRONT_FOLDER, DesignResult
from neuronas.runs.directory import check_start
from neuronas.runs.observer import Observer
from neuronas.space.notation import parse_architecture


@dataclass(frozen=True)
class JointDesign:
    """A planned design of network and chip: first the front, then a design for the chip that is chosen from it.

    Attributes:
        directory: run directory; the front is in its folder ``front``.
        front: the planned front.
    """

    directory: Path
    front: FrontPlan

    def run(self, observer: Observer | None = None, *, download: bool = False) -> DesignResult:
        """Run both; see ``FrontPlan.run`` and ``Design.run`` for the errors."""
        return self.on(self.front.run(observer, download=download)).run(observer, download=download)

    def on(self, front: DesignFront) -> Design:
        """The design for the chosen chip: its setting is fixed, and its cells may cost no more than the chosen ones."""
        values = written(self.front.plan.given)
        choices = [f"{name}_choices" for name in NETWORK]
        values["design"] = {name: one for name, one in values.get("design", {}).items() if name not in choices}
        values = on_chosen_chip(values, front)
        at = planned("design", {}, config=values, warns=False)
        cost = at.cost(parse_architecture(front.chosen.architecture))
        limits = {f"max_{use.name}": min(use.limit, rounded_up(use.judged)) for use in at.budget.uses(cost)}
        values = merged(values, {"budget": limits})
        begun = self.directory / BEGUN
        if is_begun := is_there(begun):  # the chip as the design names it, whose directory may have moved since
            chip = value_at(read_config(begun), "hardware.accelerator")
            values = merged(values, {"hardware": {"accelerator": chip}})
        return plan_design({}, config=values, out=self.directory, resume=is_begun, follows_front=True)


def design(
    *,
    design_space: DesignSpace | str | None = None,
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
) -> DesignResult:
    """Design a trained, measured and exported network from data, chip and budgets. By default on the embedded digits.

    Channels, time steps and weight bits are free unless they are given. The run directory then holds the answer like
    any other run, for ``predict``, ``evaluate``, ``export`` and ``load``.

    Args:
        design_space: choose the chip as well, from this space: a YAML file, the name of a built-in one, or a
            ``DesignSpace``. First the front of networks and chips is computed (see ``design_front``), then the network
            is designed for the chosen chip, within the cost of the chosen design. None: the given chip.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        out: directory to write to; default: a new one under ``runs``.
        resume: continue the design in ``out``, with an identical result; ``"auto"``: if it holds one.
        download: download the data set if it is missing.
        prefer: see ``design_front``; this and the next three only with ``design_space``.
        resolution: see ``design_front``.
        error: see ``design_front``.
        max_error: see ``design_front``.
        observer: observer of the progress.
        **options: settings by keyword (docs/reference/settings.md).

    Raises:
        ConfigurationError: an argument of the front without ``design_space``.
        NeuronasError: see ``plan_design`` and ``Design.run``; with ``design_space`` also ``design_front``.
    """
    common: dict[str, Any] = {"config": config, "assignments": assignments, "out": out, "resume": resume}
    of_front = (prefer, resolution, error, max_error)
    planned_design: Design | JointDesign
    if design_space is None:
        if of_front != (PREFERENCE, RESOLUTION, None, None):
            raise ConfigurationError(
                "prefer, resolution, error or max_error given without design_space; expected it with them"
            )
        planned_design = plan_design(options, **common)
    else:
        planned_design = plan_joint_design(
            design_space, options, **common, prefer=prefer, resolution=resolution, error=error, max_error=max_error
        )
    return planned_design.run(observer, download=download)


def plan_joint_design(
    space: DesignSpace | str,
    options: Mapping[str, Any],
    *,
    out: str | PathLike[str] | None = None,
    resume: bool | str = False,
    **of_front: Any,
) -> JointDesign:
    """Check everything that can be checked before an image is read.

    Args:
        space: see ``design_space`` of ``design``.
        options: settings by keyword.
        out: see ``design``.
        resume: see ``design``.
        **of_front: further arguments of ``plan_front``.

    Raises:
        ConfigurationError: an option, name or value is unknown or does not go with another one.
        RunDirectoryError: the directory holds another run.
    """
    directory = as_path(out, "--out") if out is not None else None
    place = directory / FRONT_FOLDER if directory is not None else None
    front = plan_front(space, dict(options), out=place, resume=resume, **of_front)
    if directory is None:
        directory = front.directory
        front = replace(front, directory=directory / FRONT_FOLDER)
    is_begun = is_there(front.directory / SPACE)
    if not is_begun and is_there(directory / BEGUN):
        raise RunDirectoryError(f"run directory {directory}: holds another run; choose another --out")
    check_start(directory, is_begun=is_begun, resume=front.resume)
    return JointDesign(directory, front)
