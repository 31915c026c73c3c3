"""``neuronas export RUN``: export of a trained network for other tools, with a verified round trip."""

from pathlib import Path
from typing import Annotated, Any

import typer

from neuronas.cli import console, options as opt
from neuronas.cli.progress import ProgressBar
from neuronas.config import as_path

FormatName = Annotated[str, typer.Option("--format", help="nir, onnx, integer, c, rtl or crossbars.")]
Place = Annotated[
    Path | None,
    typer.Option("--out", parser=as_path, metavar="FILE|DIR", help="File or folder to write \\[RUN/export/…]."),
]


@opt.with_settings("export")
def export(
    run: opt.TrainedRun,
    format_name: FormatName,
    options: dict[str, Any],
    out: Place = None,
    assignments: opt.Set = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.reporting.export import export as write_export

    with ProgressBar(quiet=quiet) as progress:
        done = write_export(run, format_name, out=out, assignments=assignments or (), observer=progress, **options)
    if as_json:
        console.print_json(done)
        return
    console.answers.print(str(done.path), style="bold")
    if quiet:
        return
    if done.is_exact:
        console.answers.print(
            f"verified: {done.verified_by}, {done.n_images} images: equal to the integer-only network to the bit"
        )
    else:
        console.answers.print(
            f"verified: {done.verified_by} computed {done.n_images} images from it; scores differ from the "
            f"network's by {done.largest_difference:.2g} at most, of {done.largest_score:.3g}"
        )
    for cost in done.costs:
        console.answers.print(cost)
    if done.synthesis is not None:
        console.answers.print(done.synthesis.text)
