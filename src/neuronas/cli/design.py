"""``neuronas design``: from data, chip and budgets to a trained, measured and exported network."""

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from neuronas.cli import console, options as opt
from neuronas.cli.dry_run import image_counts, print_lines
from neuronas.cli.progress import ProgressBar
from neuronas.cli.unfinished import explained
from neuronas.errors import ConfigurationError, quoted

if TYPE_CHECKING:
    from neuronas.api.design import Design
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
    front_prefer: opt.FrontPrefer = None,
    resolution: opt.Resolution = None,
    max_error: opt.MaxError = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.design import plan_design
    from neuronas.machine import keep_freed_memory
    from neuronas.runs.designs import FOLDER
    from neuronas.runs.directory import CONFIG

    of_front = {"prefer": front_prefer, "resolution": resolution, "max_error": max_error}
    given = {name: one for name, one in of_front.items() if one is not None}
    if design is not None:
        if dry_run:
            raise ConfigurationError("--dry-run given with --design; expected one of them")
        common = {"config": config, "assignments": assignments or (), "out": out, "resume": resume}
        _front(design, options, {**common, **given}, download=download, as_json=as_json, quiet=quiet)
        return
    if given:
        raise ConfigurationError(
            "--front-prefer, --resolution or --max-error given without --design; expected it with them"
        )
    planned = plan_design(options, config=config, assignments=assignments or (), out=out, resume=resume)
    if dry_run:
        _print_plan(planned, as_json=as_json)
        return
    keep_freed_memory()
    was_finished = planned.resume and planned.finished is not None
    directory = planned.directory
    with (
        explained("design", directory, directory / FOLDER / CONFIG, as_json=as_json, quiet=quiet),
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
    from neuronas.api.design_choice import n_with_weights_in_each_cell
    from neuronas.hardware.units import quantity

    run, axes = planned.plan, planned.axes
    n_feasible = n_with_weights_in_each_cell(run, axes)
    images, lines = image_counts(run, for_fitness=True)
    if as_json:
        document = {
            "dry_run": True,
            "images": images,
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
        f"{len(axes.settings)} settings; at {n_feasible} of them a network with a layer of weights in each cell keeps "
        "these limits:"
    )
    for name, limit in run.budget.limits.items():
        out.print(f"  {name}: at most {quantity(name, limit)}")
    print_lines(lines)
    settings = run.config
    out.print(
        f"would search at most {settings.design.n_settings} settings, train {settings.design.n_finalists} finalists "
        f"for at most {settings.search.finalist_epochs} epochs and the answer for {settings.train.epochs}"
    )
    out.print(
        f"would evaluate it, also on {settings.chip.n_chips} simulated chips, export it "
        f"({', '.join(settings.design.formats)}) and write the report"
    )


def _print(planned: "Design", result: "DesignResult") -> None:
    from neuronas.cli.architectures import print_budget
    from neuronas.cli.tables import printable
    from neuronas.report.design_tables import alternatives_table, answer_rows, stages_line

    out = console.answers
    out.print(result.architecture, style="bold")
    out.print()
    print_budget(result.cost, planned.plan.budget)
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


def _front(
    space: str, options: dict[str, Any], given: dict[str, Any], *, download: bool, as_json: bool, quiet: bool
) -> None:
    """Run ``plan_front`` and print the result.

    Args:
        space: name or file of the design space.
        options: settings.
        given: keyword arguments of ``plan_front``.
        download: download the data set if it is missing.
        as_json: print the document as JSON.
        quiet: print one line.
    """
    from neuronas.api.design_front import plan_front
    from neuronas.cli.tables import printable
    from neuronas.report import front_tables
    from neuronas.runs.design_fronts import SPACE

    planned = plan_front(space, options, **given)
    directory = planned.directory
    with (
        explained("design", directory, directory / SPACE, as_json=as_json, quiet=quiet),
        ProgressBar(quiet=quiet) as progress,
    ):
        found = planned.run(progress, download=download)
    if as_json:
        console.print_json(found)
        return
    out = console.answers
    if quiet:
        out.print(found.chosen.text)
        return
    for name, finding in front_tables.answer(found):
        out.print(f"{name:{_FRONT_TITLE}}{finding}")
    out.print()
    out.print(printable(front_tables.extremes(found)))
    if found.purchases:
        out.print(printable(front_tables.buys(found)))
    for name, file in found.files.items():
        out.print(f"{name}: {directory / file}")
    out.print("next:")
    for line in front_tables.commands(found):
        out.print(f"  {line}")
