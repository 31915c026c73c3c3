"""``neuronas export RUN``: a trained network in a file that others read, with a verified round trip."""

from pathlib import Path
from typing import Annotated

import typer

from neuronas.cli import console, options
from neuronas.cli.progress import ProgressBar
from neuronas.config import as_path
from neuronas.export.formats import DT_S

FormatName = Annotated[str, typer.Option("--format", help="nir, onnx, integer, c, rtl or crossbars.")]
Place = Annotated[
    Path | None,
    typer.Option("--out", parser=as_path, metavar="FILE|DIR", help="File or folder to write \\[RUN/export/…]."),
]
Opset = Annotated[int | None, typer.Option(help="onnx: version of the operators, 18 or higher \\[21].")]
FractionBits = Annotated[
    int | None,
    typer.Option(
        help="c, rtl, crossbars: fraction bits of values that are neither spikes nor sums of them, 4 to 12 \\[12]."
    ),
]
MaxRam = Annotated[
    float | None, typer.Option("--max-ram", metavar="KIB", help="c: limit on values and state \\[none].")
]
MaxFlash = Annotated[float | None, typer.Option("--max-flash", metavar="KIB", help="c: limit on constants \\[none].")]
Lanes = Annotated[int | None, typer.Option(help="rtl: outputs of a layer that are computed at a time \\[4].")]
Synthesise = Annotated[
    bool, typer.Option("--synthesise", help="rtl: count the cells and memories of an FPGA with Yosys \\[off].")
]
TimeStep = Annotated[float, typer.Option("--dt", help="nir: length of a time step in seconds.")]


def export(
    run: options.TrainedRun,
    format_name: FormatName,
    out: Place = None,
    dt: TimeStep = DT_S,
    opset: Opset = None,
    fraction_bits: FractionBits = None,
    max_ram: MaxRam = None,
    max_flash: MaxFlash = None,
    lanes: Lanes = None,
    synthesise: Synthesise = False,
    plugin: options.Plugins = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.export import export as write_export

    with ProgressBar(quiet=quiet) as progress:
        done = write_export(
            run,
            format_name,
            out=out,
            dt_s=dt,
            opset=opset,
            fraction_bits=fraction_bits,
            max_ram_kib=max_ram,
            max_flash_kib=max_flash,
            lanes=lanes,
            synthesise=synthesise,
            observer=progress,
        )
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
