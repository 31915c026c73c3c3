"""``neuronas example-files``: images, recordings and an accelerator for the commands in the documentation."""

from pathlib import Path
from typing import Annotated

from neuronas.cli import console, options

OutFolder = Annotated[Path, options.path("DIR", "Folder to write to \\[the current one].")]


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
