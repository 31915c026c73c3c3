"""Templates. Every value is escaped where a template puts it in, unless it was rendered by a template.

Jinja2 is imported with the first template that is rendered. A name that a template misspells raises.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from neuronas.errors import quoted
from neuronas.hardware.units import quantity, word
from neuronas.report.tables import duration, number, share

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FILTERS = {
    "number": number,
    "share": share,
    "duration": duration,
    "quantity": lambda value, name: quantity(name, value),
    "word": word,
    "quoted": quoted,
}


@cache
def environment() -> "Environment":
    """Jinja2 with the templates and the filters that they use."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("neuronas.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    made.filters |= _FILTERS
    return made


def render(template: str, **values: Any) -> "Markup":
    """HTML or SVG of a template."""
    return trusted(environment().get_template(template).render(values))


def trusted(text: str) -> "Markup":
    """Text that is HTML, style or script already: a template puts it in as it is."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - callers give what templates rendered, and the package's own resources
