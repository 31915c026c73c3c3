"""``neuronas search``: find the fittest architecture within all budgets."""

from typing import TYPE_CHECKING, Any

from neuronas.cli import console, options as opt
from neuronas.cli.dry_run import checked_images, print_lines
from neuronas.cli.progress import ProgressBar
from neuronas.cli.serving import Port, Serve, served
from neuronas.cli.unfinished import explained
from neuronas.errors import counted, quoted

if TYPE_CHECKING:
    from neuronas.api.searching.result import SearchResult
    from neuronas.api.searching.search import Search
    from neuronas.runs.results import ParetoFront


@opt.with_settings("search")
def search(
    options: dict[str, Any],
    download: opt.Download = False,
    config: opt.Config = None,
    assignments: opt.Set = None,
    out: opt.Out = None,
    resume: opt.Resume = False,
    dry_run: opt.DryRun = False,
    max_minutes: opt.MaxMinutes = None,
    serve: Serve = False,
    port: Port = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.searching.search import plan_search
    from neuronas.runs.directory import CONFIG

    planned = plan_search(options, config=config, assignments=assignments or (), out=out, resume=resume)
    if not quiet:
        _note_width(planned)
    if dry_run:
        _print_plan(planned, as_json=as_json)
        return
    directory = planned.directory
    with (
        explained("search", directory, directory / CONFIG, as_json=as_json, quiet=quiet),
        served(directory, serve=serve, port=port, quiet=quiet),
        ProgressBar(quiet=quiet) as progress,
    ):
        result = planned.run(progress, download=download, max_minutes=max_minutes)
    if result.was_finished and not quiet:
        console.notes.print(f"note: the search in {directory} was already finished; this is its answer")
    if result.summary.out_of_time and not quiet:
        console.notes.print(
            f"note: stopped after {max_minutes:g} minutes; this is the best so far. Continue with: neuronas search "
            f"--resume --out {quoted(directory)}"
        )
    if result.summary.violations and not quiet:
        console.notes.print(
            f"note: the answer breaks the budget: {_excesses(result.summary.violations)}; "
            "--algorithm neuronas keeps every limit"
        )
    if planned.plan.config.search.finalists and result.finalists is None and result.found.is_complete and not quiet:
        console.notes.print("note: only one distinct candidate has a fitness and fits the budgets: no finalists needed")
    if as_json:
        console.print_json(result.summary)
    elif quiet:
        console.answers.print(result.text)
    else:
        if result.front is not None:
            _print_front(result.front)
        _print_answer(result)


def _excesses(violations: dict[str, float]) -> str:
    from neuronas.hardware.units import quantity, word

    return ", ".join(f"{word(name)} by {quantity(name, excess)}" for name, excess in violations.items())


def _note_width(planned: "Search") -> None:
    if planned.own_channels is not None:
        console.notes.print(
            f"note: {planned.plan.config.network.channels} channels, the most that leave an architecture within the "
            f"budget (the data set's {planned.own_channels} leave none); --channels sets the number"
        )


def _print_plan(planned: "Search", *, as_json: bool) -> None:
    from neuronas.hardware.units import quantity
    from neuronas.runs.finalists import total_epochs
    from neuronas.search.halving import rungs

    run = planned.plan
    images, lines = checked_images(planned)
    document: dict[str, Any] = {
        "dry_run": True,
        "images": images and images.plain(),
        "settings": run.config.model_dump(mode="json"),
        "n_genotypes": run.space.n_genotypes,
        "n_architectures": run.space.n_architectures,
    }
    search = run.config.search
    planned_rungs = rungs(search.finalists, search.finalist_eta, search.finalist_epochs)
    if planned_rungs:
        document["finalists"] = {
            "rungs": [rung.plain() for rung in planned_rungs],
            "epochs": total_epochs(planned_rungs),
            "images": search.finalist_images,
        }
    if as_json:
        console.print_json(document)
        return
    console.answers.print(
        f"would search {run.config.space} "
        f"({run.space.n_genotypes:,} cells, {run.space.n_architectures:,} architectures) "
        f"with {run.config.search.algorithm} ({run.algorithm.source}) for {run.config.data.name}"
    )
    for name, limit in run.budget.limits.items():
        console.answers.print(f"  {name}: at most {quantity(name, limit)}")
    print_lines(lines)
    if planned_rungs:
        steps = ", ".join(f"{rung.n} for {rung.epochs}" for rung in planned_rungs)
        console.answers.print(
            f"would then train finalists, {steps} epochs: {total_epochs(planned_rungs)} passes in all over at most "
            f"{search.finalist_images:,} images, {search.finalist_validation:.0%} of them for the comparison"
        )


def _print_front(document: "ParetoFront") -> None:
    """Print the content of ``front.json``: its fittest members, the hypervolume, and the chosen member."""
    from neuronas.cli.tables import printable
    from neuronas.report.cost_tables import MOST_FRONT_ROWS, front_table

    n_members = len(document.front)
    console.answers.print(printable(front_table(document)))
    more = f", the fittest {MOST_FRONT_ROWS} shown" if n_members > MOST_FRONT_ROWS else ""
    console.answers.print(
        f"Pareto front: {n_members} architectures{more}; hypervolume {document.hypervolume:.4f} of the box that "
        f"the candidates span; * chosen by --prefer {document.prefer}\n"
    )


def _print_answer(result: "SearchResult") -> None:
    from neuronas.cli.architectures import architecture_table, print_budget
    from neuronas.runs.directory import LOG, TRAINING
    from neuronas.runs.history_file import TARGET
    from neuronas.runs.results import NOT_CALIBRATED

    out, run, found, directory = console.answers, result.plan, result.found, result.directory
    out.print(result.text, style="bold")
    out.print()
    out.print(architecture_table(found.architecture, run.shape.n_cells))
    out.print()
    print_budget(result.summary.cost, run.budget)
    broken = ", ".join(f"{name} {count:,}" for name, count in found.rejected.items() if count) or "none"
    out.print(
        f"\nfitness {found.fitness:.6g} ({run.config.fitness.name}); "
        f"{counted(found.n_candidates, 'candidate')}, {counted(found.n_evaluated, 'distinct function')} evaluated, "
        f"{found.n_full:,} on the full batch; "
        f"broke a {'limit' if found.rejected.get(TARGET) else 'budget'}: {broken}"
    )
    expected = result.summary.expected_accuracy
    out.print(f"expected accuracy: {expected.text if expected else NOT_CALIBRATED}")
    if result.finalists is not None:
        out.print(f"{result.finalists.verdict}; {result.finalists.seconds:.0f} s of training")
    if found.failed:
        out.print(
            f"{len(found.failed):,} candidates failed and are left out; {directory / LOG} says why", style="yellow"
        )
    out.print(
        f"{result.summary.seconds:.1f} s, {result.summary.peak_memory_mb:.0f} MB; cost is an estimate of model "
        f"'{run.cost_model.name}' for {run.config.hardware.accelerator}; run: {directory}"
    )
    verb = "evaluate" if (directory / TRAINING).is_file() else "train"
    out.print(f"next: neuronas {verb} {quoted(directory)}")
