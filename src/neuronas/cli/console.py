"""Output of the commands: results on standard output, everything else on standard error."""

import json
import sys
from typing import Any

from rich.console import Console

from neuronas.config import plain
from neuronas.runs.document import Document

_WIDTH_OF_A_FILE = 160


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)
    return (
        console
        if console.is_terminal
        else Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, width=_WIDTH_OF_A_FILE)
    )


answers = _console(stderr=False)
notes = _console(stderr=True)


def print_json(document: Document | dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    values = document.plain() if isinstance(document, Document) else plain(document)
    sys.stdout.write(json.dumps(values, indent=2, allow_nan=False) + "\n")
