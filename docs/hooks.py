"""MkDocs hooks: convert equations to MathML; insert tables of commands and operations from the code."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import typer
from latex2mathml.converter import convert

from neuronas.cli.main import app
from neuronas.config import OPERATIONS

_EQUATION = re.compile(r'<(?P<tag>span|div) class="arithmatex">(?P<open>\\[(\[])(?P<latex>.*?)\\[)\]]</(?P=tag)>', re.S)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Insert the tables at the places marked in a page."""
    for place, lines in (("<!-- commands -->", commands), ("<!-- operations -->", operations)):
        if place in markdown:
            markdown = markdown.replace(place, "\n".join(lines()))
    return markdown


def on_page_content(html: str, **_: object) -> str:
    """Convert LaTeX to MathML, which browsers render without scripts, fonts or other sites."""
    return _EQUATION.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found["open"] == r"\[" else "inline"
    return convert(unescape(found["latex"]), display=display)


def operations() -> Iterator[str]:
    """Lines of a table: each built-in operation with its equation."""
    yield "| operation | result for input x |\n| --- | --- |"
    for name, operation in OPERATIONS.items():
        yield f"| `{name}` | `{operation.equation}` |"


def commands() -> Iterator[str]:
    """Lines of the reference: each command with its arguments and options, as in ``--help``."""
    top = typer.main.get_command(app)
    yield from _described("neuronas", top)


def _described(name: str, command: Any) -> Iterator[str]:
    children = getattr(command, "commands", {})
    if not children:
        yield from _command(name, command)
    for child_name, child in children.items():
        yield from _described(f"{name} {child_name}", child)


def _command(name: str, command: Any) -> Iterator[str]:
    usage = " ".join(part.metavar or part.name.upper() for part in _parts(command, "argument"))
    yield f"## {name}\n\n```text\n{f'{name} {usage}'.strip()} [OPTIONS]\n```\n\n{command.help or ''}\n"
    yield "| option | meaning |\n| --- | --- |"
    for option in _parts(command, "option"):
        if option.hidden:
            continue
        names = ", ".join(f"`{one}`" for one in (*option.opts, *option.secondary_opts))
        yield f"| {names} | {(option.help or '').replace('|', '/')} |"
    yield ""


def _parts(command: Any, kind: str) -> list[Any]:
    return [part for part in command.params if part.param_type_name == kind]
