"""``neuronas reproduce``: experiments whose outcome is compared with published or trained figures."""

from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

import typer

from neuronas.api.evaluators import make_evaluators
from neuronas.api.settings import planned
from neuronas.cli import console
from neuronas.cli import options as opt
from neuronas.cli.comparisons import comparison_table
from neuronas.cli.progress import BenchmarkProgress
from neuronas.cli.search_time import search_time
from neuronas.cli.studies import study_command
from neuronas.config import ResolvedConfig, plain, write_json
from neuronas.errors import VerificationError
from neuronas.experiments.labels import Labelled, read_labels
from neuronas.experiments.proxy_benchmark import draw, evaluate
from neuronas.experiments.table import EXPERIMENTS, STUDIES
from neuronas.runs.directory import HISTORY, RESULT, RunDirectory, identity, new_directory
from neuronas.runs.history import History
from neuronas.space.notation import format_architecture

_SPACE = "spikenas-bench"

app = typer.Typer(help="Repeat an experiment and compare.", add_completion=False, rich_markup_mode="rich")


app.command("search-time", epilog="Example: neuronas reproduce search-time --scale small")(search_time)
for _study in STUDIES:
    app.command(
        _study.name,
        help=f"Repeat: {_study.shows}.",
        epilog=f"Example: neuronas reproduce {_study.name} --dataset imagefolder:DIR --scale small",
    )(study_command(_study))


@app.callback(invoke_without_command=True)
def reproduce(
    context: typer.Context,
    show: Annotated[bool, typer.Option("--list", help="Say what each experiment needs and how long it takes.")] = False,
    as_json: opt.Json = False,
) -> None:
    """Repeat an experiment and compare its outcome with trained or published figures."""
    if context.invoked_subcommand is not None:
        return
    if not show:
        console.answers.print(context.get_help())
        return
    if as_json:
        console.print_json({name: experiment.line() for name, experiment in EXPERIMENTS.items()})
        return
    for name, experiment in EXPERIMENTS.items():
        console.answers.print(f"{name}: {experiment.shows}\n  needs {experiment.needs}; takes {experiment.takes}")


@app.command("hardware", epilog="Example: neuronas reproduce hardware --json")
def hardware(
    out: Annotated[Path, typer.Option(help="Folder for hardware.json.")] = Path("results"),
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Compute the figures that NeuroNAS prints for memory, area, latency and energy (Fig. 12) and compare them."""
    from neuronas.experiments.hardware import document, figures, savings

    content = document([*figures(), *savings()])
    opt.write_document(out, "hardware.json", content)
    if as_json:
        console.print_json(content)
        return
    if not quiet:
        console.answers.print(comparison_table(content["figures"]))
    console.answers.print(
        f"{content['n_agree']} of {content['n_figures']} figures agree to the printed digits; {content['difference']}"
    )
    if content["n_agree"] < content["n_figures"]:
        raise VerificationError("the cost model no longer gives the published figures; see the rows marked 'no'")


@app.command(
    "proxy-benchmark",
    epilog="Example: neuronas reproduce proxy-benchmark --labels bench.csv --sample 200 --batch-size 64 --fitness sahd",
)
@opt.with_settings("benchmark")
def proxy_benchmark(
    options: dict[str, Any],
    labels: Annotated[Path, typer.Option(help="CSV file: id, op_01 … op_23, test_accuracy.")],
    sample: Annotated[int | None, typer.Option(help="Draw so many connected networks (default: all).")] = None,
    download: opt.Download = False,
    config: opt.Config = None,
    assignments: opt.Set = None,
    out: opt.Out = None,
    resume: opt.Resume = False,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Rank networks of known trained accuracy by a fitness: rank correlations, regret, seconds per candidate."""
    from neuronas.experiments.ranking import agreement  # SciPy takes a second to load

    chosen = {"dataset": "cifar10", **options}
    run = planned("benchmark", chosen, config=config, assignments=(f"space={_SPACE}", *(assignments or ())))
    rows = draw(read_labels(labels), sample, run.config.seed)
    evaluator = make_evaluators(run, download=download).full
    directory = out or new_directory(run.config.data.name, "proxy-benchmark")
    with RunDirectory(directory, run.origin, resume=resume) as files:
        history = History(files.file(HISTORY))
        try:
            history.claim(_identity(run.config, rows))
            with BenchmarkProgress(quiet=quiet) as progress:
                found = evaluate(rows, evaluator, history, progress.report)
            n_evaluated, seconds = history.evaluation_seconds()
        finally:
            history.close()
        document: dict[str, Any] = {
            "fitness": run.config.fitness.name,
            **asdict(agreement(found, [row.accuracy for row in rows])),
            "seconds_per_candidate": seconds / n_evaluated,
        }
        write_json(files.file(RESULT), plain(document))
    if as_json:
        console.print_json(document)
    else:
        console.answers.print(
            f"{document['fitness']}: rho {document['rho']:.3f}, tau {document['tau']:.3f}, regret "
            f"{document['regret']:.2f} points over {document['n']:,} networks; "
            f"{document['seconds_per_candidate']:.3f} s a candidate; run: {directory}"
        )


def _identity(config: ResolvedConfig, rows: list[Labelled]) -> str:
    """A key of the settings and of the drawn rows."""
    text = "\n".join(f"{row.row_id} {format_architecture(row.architecture)}" for row in rows)
    return identity(config, blake2b(text.encode(), digest_size=16).hexdigest())
