"""``neuronas export RUN``: a trained network in a file that others read, with a verified round trip."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronas.api.trained import TrainedRun, read_trained
from neuronas.cli import console, options
from neuronas.errors import ConfigurationError
from neuronas.space.notation import format_architecture
from neuronas.space.workload import rows

if TYPE_CHECKING:
    from neuronas.export.content import Content

EXPORTS = "export"
_DT_S = 1e-4  # the default of SpikingJelly's NIR importer

FormatName = Annotated[str, typer.Option("--format", help="nir, onnx or integer.")]
Place = Annotated[Path | None, typer.Option("--out", metavar="FILE|DIR", help="Default: RUN/export/…")]
TimeStep = Annotated[float, typer.Option("--dt", help="nir: length of a time step in seconds.")]


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a trained run.")],
    format_name: FormatName,
    out: Place = None,
    dt: TimeStep = _DT_S,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a trained network as NIR, ONNX or integers for a chip; the file is computed again and compared."""
    if not 0 < dt < 1:
        raise ConfigurationError(f"--dt {dt:g} given; wanted seconds between 0 and 1")
    from neuronas.export.formats import format_named
    from neuronas.export.round_trip import export_network

    chosen = format_named(format_name)
    given = read_trained(run, device="cpu")
    path = out or run / EXPORTS / chosen.place
    agreement = export_network(given.trained.network, _content(given, dt), chosen, path)
    document = {
        "run": str(run),
        "format": format_name,
        "path": str(path),
        "verified_by": chosen.computed_by,
        "n_images": agreement.n_images,
        "n_images_tied": agreement.n_tied,
        "largest_difference": agreement.largest_difference,
        "largest_score": agreement.largest_score,
    }
    if as_json:
        console.print_json(document)
        return
    console.answers.print(str(path), style="bold")
    if not quiet:
        console.answers.print(
            f"verified: {chosen.computed_by} computed {agreement.n_images} images from it; scores differ from the "
            f"network's by {agreement.largest_difference:.2g} at most, of {agreement.largest_score:.3g}"
        )


def _content(given: TrainedRun, dt: float) -> "Content":
    from neuronas.export.content import Content
    from neuronas.export.crossbars import crossbars_document
    from neuronas.export.from_network import graph_of

    run = given.plan
    work = rows(given.architecture, run.shape)
    return Content(
        graph=graph_of(given.trained.network),
        architecture=format_architecture(given.architecture),
        weight_bits=run.config.network.weight_bits,
        mean=run.preset.mean,
        std=run.preset.std,
        crossbars=crossbars_document(work, run.mapped_model().work(work), run.config.hardware.accelerator),
        dt_s=dt,
    )
