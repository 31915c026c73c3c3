"""Templates of program text. A name that a template misspells raises."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701 - programs are no HTML
        loader=PackageLoader("neuronas.export"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, values: dict[str, Any]) -> str:
    """Text of a template in the folder ``templates``."""
    return _environment().get_template(template).render(values)
