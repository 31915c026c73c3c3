"""``neuronas example-files``: images, recordings and an accelerator to try the commands of the documentation with."""

from pathlib import Path
from typing import Annotated

import typer

from neuronas.cli import console, options
from neuronas.config import as_path

OutFolder = Annotated[
    Path,
    typer.Option(parser=as_path, metavar="DIR", help="Folder to write to; default: this one.", rich_help_panel="Run"),
]


def example_files(
    out: OutFolder = Path(),
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.example_files import write_example_files

    written = write_example_files(out)
    if as_json:
        console.print_json(written)
    elif not quiet:
        classes = ", ".join(written.class_names)
        console.answers.print(f"{written.images}: {written.n_images} images of digits in {classes}")
        moves = ", ".join(written.moves)
        console.answers.print(f"{written.recordings}: {written.n_recordings} recordings of a bar that moves {moves}")
        console.answers.print(f"{written.hardware}: an accelerator; change its constants to those of your chip")
