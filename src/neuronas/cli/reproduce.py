"""``neuronas reproduce``: experiments whose results are compared with published or trained figures."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuronas.cli import console, options as opt
from neuronas.cli.progress import ProgressBar
from neuronas.cli.tables import printable
from neuronas.cli.verbs import Command, Group, example
from neuronas.config import as_path, is_there
from neuronas.errors import ConfigurationError, quoted
from neuronas.experiments.catalogue import STUDIES
from neuronas.experiments.hardware_result import REPRODUCED, judged_figures
from neuronas.experiments.study import Scale, Study, experiments

if TYPE_CHECKING:
    from neuronas.experiments.labels import Labels

ScaleOption = Annotated[
    Scale, opt.option("Size: minutes, hours, or as published (needs a GPU if networks are trained) \\[small].")
]
Results = Annotated[Path, opt.path("DIR", "Folder for the result \\[results].")]

app = typer.Typer(cls=Group, add_completion=False, rich_markup_mode="rich")


@app.callback(invoke_without_command=True)
def reproduce(
    context: typer.Context,
    show: Annotated[
        bool, typer.Option("--list", help="Show what each experiment needs and how long it takes.")
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    if context.invoked_subcommand is not None:
        if show or as_json:
            name, flag = context.invoked_subcommand, "--list" if show else "--json"
            raise ConfigurationError(f"{flag} given in front of {name}; expected it behind, or without {name}")
        return
    if as_json and not show:
        raise ConfigurationError("--json given without an experiment; expected one, or --list")
    if not show:
        console.answers.print(context.get_help())
    elif as_json:
        console.print_json({name: experiment.line() for name, experiment in experiments().items()})
    else:
        for name, experiment in experiments().items():
            console.answers.print(f"{name}: {experiment.shows}\n  needs {experiment.needs}; takes {experiment.takes}")


@app.command(
    "hardware",
    cls=Command,
    epilog=example("neuronas reproduce hardware --json", "neuronas estimate ARCH --cost-model paper"),
)
def hardware(out: Results = Path("results"), as_json: opt.Json = False, quiet: opt.Quiet = False) -> None:
    """Compare NeuroNAS's printed figures of memory, area, latency and energy with networks that could give them."""
    from neuronas.experiments.hardware import run

    result = run()
    result.write(out / "hardware.json")
    if as_json:
        console.print_json(result)
        return
    if not quiet:
        console.answers.print(printable(judged_figures(result)))
        for row in result.rows:
            if row.verdict != REPRODUCED:
                console.answers.print(f"{row.figure}: {row.note}")
        for reason, n in Counter(one.reason for one in result.left_out).items():
            console.answers.print(f"not compared here, {n} more: {reason}")
    counts = "; ".join(f"{verdict}: {n}" for verdict, n in result.verdicts.items())
    console.answers.print(f"{result.n_figures} printed figures: {counts}")


@app.command(
    "silicon",
    cls=Command,
    epilog=example("neuronas reproduce silicon --out results/silicon", "neuronas estimate ARCH"),
)
def silicon(
    chips: Annotated[
        Path | None, opt.path("FILE.csv", "Measured chips, columns as in the package's table \\[that table].")
    ] = None,
    out: Annotated[Path | None, opt.path("DIR", "Folder for silicon.json and silicon.png \\[none].")] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Estimate measured compute-in-memory chips from their geometry, each by a fit to the other papers' chips."""
    from neuronas.experiments.silicon import run
    from neuronas.experiments.silicon_result import chip_table, score_table
    from neuronas.report.figures import PAGE, check_converter, save
    from neuronas.report.parity_charts import parity_chart

    if out:
        check_converter("--out needs")
    result = run(chips)
    if out:
        result.write(out / "silicon.json")
        save(parity_chart(result.rows, result.level), out / "silicon.png", PAGE)
        if not quiet:
            console.notes.print(f"written: {out / 'silicon.json'}, {out / 'silicon.png'}")
    if as_json:
        console.print_json(result)
        return
    if not quiet:
        console.answers.print(printable(chip_table(result)))
        console.answers.print()
    console.answers.print(printable(score_table(result)))
    if not quiet:
        for line in ("", "the worst:", *result.worst):
            console.answers.print(line)
        for reason, n in Counter(f"{one.quantity}: {one.reason}" for one in result.left_out).items():
            console.notes.print(f"not judged, {n}: {reason}")


@app.command(
    "proxy-benchmark",
    cls=Command,
    epilog=example(
        "neuronas reproduce proxy-benchmark --labels bench.csv --sample 200 --batch-size 64 --channels 16",
        "neuronas search --fitness sahd",
    ),
)
@opt.with_settings("benchmark")
def proxy_benchmark(
    options: dict[str, Any],
    labels: Annotated[
        list[str],
        typer.Option(
            metavar="FILE[=DATASET]",
            help="CSV file: id, op_01 … op_23 or architecture, test_accuracy; may be repeated. DATASET: its images, if "
            "not --dataset.",
        ),
    ],
    sample: Annotated[
        int | None, typer.Option(help="Number of connected networks drawn from each file \\[all].")
    ] = None,
    download: opt.Download = False,
    config: opt.Config = None,
    assignments: opt.Set = None,
    out: opt.Out = None,
    resume: opt.Resume = False,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Rank networks of known trained accuracy by a fitness and by their structure: rank correlations and regret."""
    from neuronas.api.setup.settings import gathered
    from neuronas.experiments.proxy_benchmark import run
    from neuronas.experiments.proxy_result import printed

    settings = gathered("benchmark", options, config, assignments or ())
    tables = list(map(_labels, labels))
    with ProgressBar(quiet=quiet) as progress:
        result, directory = run(tables, sample, settings, out=out, resume=resume, download=download, observer=progress)
    if as_json:
        console.print_json(result)
        return
    for table in result.tables:
        content = printed(table)
        console.answers.print(f"{content.caption}\n")
        console.answers.print(printable(content))
    console.answers.print(f"written: {directory}")


def _labels(text: str) -> "Labels":
    """Parse ``FILE`` or ``FILE=DATASET``; an existing file with ``=`` in its name is taken as it is."""
    from neuronas.experiments.labels import Labels

    if is_there(as_path(text, "--labels")):
        return Labels(as_path(text))
    file, equals, dataset = text.partition("=")
    return Labels(as_path(file, "--labels"), dataset if equals else None)


def _study_command(study: Study) -> Callable[..., None]:
    @opt.with_settings("study")
    def command(
        options: dict[str, Any],
        scale: ScaleOption = "small",
        n_seeds: Annotated[int | None, typer.Option(min=1, help="Repetitions \\[the size's].")] = None,
        seed: Annotated[int, opt.option("First random seed \\[0].", min=0)] = 0,
        runs: Annotated[
            Path | None,
            opt.path("DIR", "Folder of the run directories \\[runs/reproduce-NAME-SCALE]; experiments may share one."),
        ] = None,
        resume: Annotated[bool, typer.Option("--resume", help="Resume the work in --runs \\[off].")] = False,
        out: Results = Path("results"),
        as_json: opt.Json = False,
        quiet: opt.Quiet = False,
    ) -> None:
        from neuronas.experiments.run_study import possible_scale, run_study, write_study
        from neuronas.machine import keep_freed_memory

        possible = possible_scale(study, scale, options.get("device", "auto"))
        if possible != scale:
            console.notes.print(
                f"--scale {scale} trains networks for hours on a GPU, and there is none here; doing {possible}"
            )
        folder = runs or Path("runs") / f"reproduce-{study.name}-{possible}"
        seeds = range(seed, seed + (n_seeds or study.sizes[possible].n_seeds))
        options = {"dataset": study.dataset(possible), **options}
        keep_freed_memory()
        try:
            with ProgressBar(quiet=quiet) as progress:
                result = run_study(study, possible, options, seeds, folder, progress, resume=resume)
        except KeyboardInterrupt:
            if not quiet:
                console.notes.print(f"everything so far is kept; resume with --resume --runs {quoted(folder)}")
            raise
        path = write_study(result, study, out)
        if as_json:
            console.print_json(result)
        else:
            console.answers.print(result.table)
            console.answers.print("".join(f"\n{line}." for line in (*result.remarks, *result.deviations)))
            console.answers.print(f"written: {path}.json, {path}.md")

    return command


for _study in STUDIES:
    app.command(
        _study.name,
        cls=Command,
        help=f"Repeat: {_study.about.shows}.",
        epilog=example(
            f"neuronas reproduce {_study.name} --dataset imagefolder:DIR --scale small",
            f"read results/{_study.name}-small.md",
        ),
    )(_study_command(_study))
