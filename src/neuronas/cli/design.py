"""``neuronas design``: from data, chip and budgets to a trained, measured and exported network."""

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from neuronas.cli import console, options as opt
from neuronas.cli.dry_run import checked_images, print_lines
from neuronas.cli.progress import ProgressBar
from neuronas.cli.unfinished import explained
from neuronas.errors import ConfigurationError, counted, quoted

if TYPE_CHECKING:
    from neuronas.api.designing.design import JointDesign
    from neuronas.api.designing.plan import Design
    from neuronas.runs.design_fronts import DesignFront
    from neuronas.runs.designs import DesignResult

_TITLE, _FRONT_TITLE = 15, 18
"""Width of the names of findings: of a design, and of a front."""


@opt.with_settings("design")
def design(
    options: dict[str, Any],
    download: opt.Download = False,
    config: opt.Config = None,
    assignments: opt.Set = None,
    out: opt.Out = None,
    resume: opt.Resume = False,
    dry_run: opt.DryRun = False,
    design: opt.DesignSpace = None,
    front_only: opt.FrontOnly = False,
    front_prefer: opt.FrontPrefer = None,
    resolution: opt.Resolution = None,
    max_error: opt.MaxError = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.designing.plan import plan_design

    common: dict[str, Any] = {"config": config, "assignments": assignments or (), "out": out, "resume": resume}
    of_front = {"prefer": front_prefer, "resolution": resolution, "max_error": max_error}
    given: dict[str, Any] = {name: one for name, one in of_front.items() if one is not None}
    if design is None and (given or front_only):
        raise ConfigurationError(
            "--front-only, --front-prefer, --resolution or --max-error given without --design; expected it with them"
        )
    if design is not None and dry_run:
        raise ConfigurationError("--dry-run given with --design; expected one of them")
    if design is None:
        planned = plan_design(options, **common)
        if dry_run:
            _print_plan(planned, as_json=as_json)
            return
    else:
        from neuronas.api.designing.design import plan_joint_design  # which needs SciPy

        joint = plan_joint_design(design, options, **common, **given)
        front = _front(joint, download=download, as_json=as_json, quiet=quiet)
        if front_only:
            _print_front(front, as_json=as_json, quiet=quiet)
            return
        planned = joint.on(front)
    _run(planned, download=download, as_json=as_json, quiet=quiet)


def _run(planned: "Design", *, download: bool, as_json: bool, quiet: bool) -> None:
    """Run all stages and print the result."""
    from neuronas.machine import keep_freed_memory
    from neuronas.runs.designs import BEGUN

    keep_freed_memory()
    was_finished = planned.resume and planned.finished is not None
    directory = planned.directory
    with (
        explained("design", directory, directory / BEGUN, as_json=as_json, quiet=quiet),
        ProgressBar(quiet=quiet) as progress,
    ):
        result = planned.run(progress, download=download)
    if was_finished and not quiet:
        console.notes.print(f"note: the design in {directory} was already finished; this is its answer")
    if as_json:
        console.print_json(result)
    elif quiet:
        console.answers.print(f"{result.architecture} ({result.setting.text}): {result.test_accuracy.text}")
    else:
        _print(planned, result)


def _print_plan(planned: "Design", *, as_json: bool) -> None:
    from neuronas.api.designing.choice import n_with_weights_in_each_cell
    from neuronas.hardware.units import quantity

    run, axes = planned.plan, planned.axes
    n_feasible = n_with_weights_in_each_cell(run, axes)
    images, lines = checked_images(planned)
    if as_json:
        document = {
            "dry_run": True,
            "images": images and images.plain(),
            "directory": str(planned.directory),
            "axes": axes.plain(),
            "n_settings": len(axes.settings),
            "n_feasible": n_feasible,
            "settings": run.config.model_dump(mode="json"),
        }
        console.print_json(document)
        return
    out = console.answers
    out.print(
        f"would choose cells of {run.config.space} ({run.space.n_genotypes:,} cells) for {run.config.data.name} on "
        f"{run.config.hardware.accelerator}, and"
    )
    for name, values in axes:
        out.print(f"  {name}: {', '.join(map(str, values))}")
    out.print(
        f"{counted(len(axes.settings), 'setting')}; at {n_feasible} of them a network with a layer of weights in each "
        "cell keeps these limits:"
    )
    for name, limit in run.budget.limits.items():
        out.print(f"  {name}: at most {quantity(name, limit)}")
    print_lines(lines)
    settings = run.config
    out.print(
        f"would search at most {counted(settings.design.n_settings, 'setting')}, train "
        f"{counted(settings.design.n_finalists, 'finalist')} for at most "
        f"{counted(settings.search.finalist_epochs, 'epoch')} and the answer for {settings.train.epochs}"
    )
    out.print(
        f"would evaluate it, also on {counted(settings.chip.n_chips, 'simulated chip')}, export it "
        f"({', '.join(settings.design.formats)}) and write the report"
    )


def _print(planned: "Design", result: "DesignResult") -> None:
    from neuronas.cli.architectures import print_budget
    from neuronas.cli.tables import printable
    from neuronas.report.design_tables import alternatives_table, answer_rows, stages_line

    out = console.answers
    out.print(result.architecture, style="bold")
    out.print()
    print_budget(result.cost, planned.plan.budget, judges_other=result.front is None)
    out.print()
    out.print(printable(alternatives_table(result)))
    for name, findings in answer_rows(result):
        for title, line in zip_longest((name,), findings, fillvalue=""):
            out.print(f"{title:{_TITLE}}{line}")
    out.print(f"\n{stages_line(result)}")
    for name, file in result.files.items():
        out.print(f"{name}: {result.directory / file}")
    out.print(
        f"next: open {result.directory / result.files['report']}, or neuronas predict {quoted(result.directory)} IMAGE"
    )


def _front(joint: "JointDesign", *, download: bool, as_json: bool, quiet: bool) -> "DesignFront":
    """Compute the front; say what was chosen from it."""
    from neuronas.runs.design_fronts import SPACE

    planned = joint.front
    with (
        explained(
            "design", joint.directory, planned.directory / SPACE, as_json=as_json, quiet=quiet, keeps_settings=False
        ),
        ProgressBar(quiet=quiet) as progress,
    ):
        front = planned.run(progress, download=download)
    if not quiet:
        console.notes.print(f"front: {front.chosen.text}, {front.prefer} of {front.n_front:,} designs")
    return front


def _print_front(front: "DesignFront", *, as_json: bool, quiet: bool) -> None:
    from neuronas.cli.tables import printable
    from neuronas.report import front_tables

    if as_json:
        console.print_json(front)
        return
    out = console.answers
    if quiet:
        out.print(front.chosen.text)
        return
    for name, finding in front_tables.answer(front):
        out.print(f"{name:{_FRONT_TITLE}}{finding}")
    out.print()
    out.print(printable(front_tables.extremes(front)))
    if front.purchases:
        out.print(printable(front_tables.buys(front)))
    for name, file in front.files.items():
        out.print(f"{name}: {front.directory / file}")
    out.print("next:")
    for line in front_tables.commands(front):
        out.print(f"  {line}")
    out.print("or go on: the same command with --resume instead of --front-only")
