"""Templates of program text. An undefined name in a template raises an error."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701 - programs are not HTML
        loader=PackageLoader("neuronas.export"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, values: dict[str, Any]) -> str:
    """Render a template in the folder ``templates``."""
    return _environment().get_template(template).render(values)
