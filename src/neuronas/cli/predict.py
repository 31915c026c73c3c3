"""``neuronas predict RUN IMAGE…``: classification of images by a trained run."""

import csv
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from neuronas.cli import console, options
from neuronas.cli.progress import ProgressBar
from neuronas.cli.tables import PlainTable
from neuronas.errors import ConfigurationError

if TYPE_CHECKING:
    from neuronas.runs.predictions import Predictions

_LIST = "-"
Images = Annotated[
    list[str],
    typer.Argument(metavar="IMAGE...", help="Image files and folders of images; - reads paths from standard input."),
]
TopK = Annotated[int, options.option("Classes per image, the most likely first \\[1].", "--top-k", min=1)]
Csv = Annotated[bool, typer.Option("--csv", help="Print comma-separated values \\[off].", rich_help_panel="Run")]
Skip = Annotated[bool, typer.Option("--skip-corrupt", help="Leave out images that cannot be read \\[off].")]


def predict(
    run: options.TrainedRun,
    images: Images,
    top_k: TopK = 1,
    skip_corrupt: Skip = False,
    device: options.Device = "auto",
    plugin: options.Plugins = None,
    as_csv: Csv = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.evaluating.predict import predict as classify

    if as_csv and as_json:
        raise ConfigurationError("--csv and --json given; expected one of them")
    with ProgressBar(quiet=quiet) as progress:
        found = classify(
            run, list(_paths(images)), top_k=top_k, skip_corrupt=skip_corrupt, device=device, observer=progress
        )
    if not quiet:
        for reason in found.unreadable.values():
            console.notes.print(f"left out: {reason}")
    if as_json:
        console.print_json(found)
    elif as_csv:
        _print_csv(found)
    else:
        console.answers.print(_table(found, top_k))


def _paths(given: Sequence[str]) -> Iterator[str]:
    for one in given:
        if one == _LIST:
            yield from (line.rstrip("\r\n") for line in sys.stdin if line.strip())
        else:
            yield one


def _print_csv(found: "Predictions") -> None:
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("image", "rank", "index", "class", "score"))
    for one in found.images:
        for rank, own in enumerate(one.classes, start=1):
            table.writerow((one.image, rank, own.index, own.name, own.score))


def _table(found: "Predictions", top_k: int) -> PlainTable:
    table = PlainTable()
    table.add_column("image")
    for rank in range(1, min(top_k, max(len(one.classes) for one in found.images)) + 1):
        table.add_column("class" if rank == 1 else f"{rank}.")
        table.add_column("score", justify="right")
    for one in found.images:
        table.add_row(one.image, *(text for own in one.classes for text in (own.name, f"{own.score:.4g}")))
    return table
