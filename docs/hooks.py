"""What MkDocs does besides: equations become MathML, and the reference of commands is written from the commands."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import typer
from latex2mathml.converter import convert

from neuronas.cli.main import app

_EQUATION = re.compile(r'<(?P<tag>span|div) class="arithmatex">(?P<open>\\[(\[])(?P<latex>.*?)\\[)\]]</(?P=tag)>', re.S)
_COMMANDS = "<!-- commands -->"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the commands where a page asks for them."""
    return markdown.replace(_COMMANDS, "\n".join(commands())) if _COMMANDS in markdown else markdown


def on_page_content(html: str, **_: object) -> str:
    """Turn LaTeX into MathML, which browsers draw themselves: no script, no font, no other site."""
    return _EQUATION.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found["open"] == r"\[" else "inline"
    return convert(unescape(found["latex"]), display=display)


def commands() -> Iterator[str]:
    """Lines of the reference: each command with its arguments and options, as ``--help`` has them."""
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
