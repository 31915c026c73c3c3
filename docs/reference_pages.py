"""Generated parts of the reference: each command, operation, function, class and error with its meaning."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from page_parts import between, table

import neuronas
from neuronas import errors
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


def python_page() -> str:
    """The page of the Python interface, with tables of all functions, classes and errors."""
    public = [(name, getattr(neuronas, name)) for name in neuronas.__all__ if not name.startswith("__")]
    functions = ((f"`{name}`", *_signature(one), _summary(one)) for name, one in public if not inspect.isclass(one))
    classes = ((f"`{name}`", _summary(one)) for name, one in public if inspect.isclass(one))
    raised = ((f"`{name}`", _summary(one)) for name, one in vars(errors).items() if name.endswith("Error"))
    head = ("function", "arguments", "result", "what it does")
    page = between("functions", table(head, functions), _page("python.md"))
    page = between("classes", table(("class", "what it is"), classes), page)
    return between("errors", table(("error", "meaning"), raised), page)


def _signature(function: Any) -> tuple[str, str]:
    """Arguments with their defaults, each as code, and the type of the result."""
    signature = inspect.signature(function)
    bare = [str(one.replace(annotation=inspect.Parameter.empty)) for one in signature.parameters.values()]
    kinds = [one.kind for one in signature.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds:
        bare.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    result = re.sub(r"[\w.]+\.|'", "", inspect.formatannotation(signature.return_annotation))
    return ", ".join(f"`{one}`" for one in bare), f"`{result}`"


def _summary(documented: Any) -> str:
    """The first sentence of a docstring."""
    text = inspect.getdoc(getattr(documented, "__wrapped__", documented)) or ""
    paragraph = " ".join(text.partition("\n\n")[0].split()).replace("``", "`")
    return re.split(r"(?<=\.) (?=[A-Z])", paragraph)[0].removesuffix(".")


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
