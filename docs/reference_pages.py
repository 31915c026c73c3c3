"""Generated parts of the reference: every command with its options, and every operation with its equation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from page_parts import between, table

from neuronas.cli.main import app
from neuronas.config import OPERATIONS

_REFERENCE = Path(__file__).parent / "reference"


def choices_page() -> str:
    """The page of all choices, with the table of operations."""
    rows = ((f"`{name}`", f"`{operation.equation}`") for name, operation in OPERATIONS.items())
    return between("operations", table(("operation", "result for input x"), rows), _page("choices.md"))


def commands_page() -> str:
    """The page of all commands: each with its arguments and options, as in ``--help``."""
    found = _described("neuronas", typer.main.get_command(app))
    return between("commands", "\n".join(found), _page("commands.md"))


def _page(name: str) -> str:
    return (_REFERENCE / name).read_text(encoding="utf-8")


def _described(name: str, command: Any) -> Iterator[str]:
    children = getattr(command, "commands", {})
    if not children:
        yield from _command(name, command)
    for child_name, child in children.items():
        yield from _described(f"{name} {child_name}", child)


def _command(name: str, command: Any) -> Iterator[str]:
    usage = " ".join(part.metavar or part.name.upper() for part in _parts(command, "argument"))
    yield f"## {name}\n\n```text\n{f'{name} {usage}'.strip()} [OPTIONS]\n```\n\n{command.help or ''}\n"
    rows = (
        (", ".join(f"`{one}`" for one in (*option.opts, *option.secondary_opts)), option.help or "")
        for option in _parts(command, "option")
        if not option.hidden
    )
    yield table(("option", "meaning"), rows)


def _parts(command: Any, kind: str) -> list[Any]:
    return [part for part in command.params if part.param_type_name == kind]
