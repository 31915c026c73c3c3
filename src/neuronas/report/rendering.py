"""Templates. Every value is escaped when it is inserted, unless it was rendered by a template.

Jinja2 is imported on first use. An undefined name in a template raises an error. Compiled templates are kept in the
cache folder, as Python keeps compiled modules; if the folder is not writable, they are compiled again each time.
"""

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from neuronas.config import precision_text, weights_text
from neuronas.errors import counted, quoted
from neuronas.hardware.units import quantity, word
from neuronas.kernels.folders import cache_folder
from neuronas.report.tables import duration, number, share

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment
    from markupsafe import Markup

_FILTERS = {
    "number": number,
    "share": share,
    "duration": duration,
    "quantity": lambda value, name: quantity(name, value),
    "word": word,
    "quoted": quoted,
    "precision_text": precision_text,
    "counted": counted,
    "weights_text": weights_text,
}


@cache
def environment() -> "Environment":
    """Jinja2 environment with the templates and their filters."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("neuronas.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled(),
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    made.filters |= _FILTERS
    return made


def _compiled() -> "BytecodeCache | None":
    """Cache of compiled templates; None if its folder cannot be created."""
    from jinja2 import FileSystemBytecodeCache, __version__
    from jinja2.bccache import Bucket

    class Compiled(FileSystemBytecodeCache):
        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):  # read-only or full: templates are compiled again each time
                super().dump_bytecode(bucket)

    folder = cache_folder() / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return Compiled(str(folder), f"jinja-{__version__}-%s")


def render(template: str, **values: Any) -> "Markup":
    """Render a template to HTML or SVG."""
    return trusted(environment().get_template(template).render(values))


def trusted(text: str) -> "Markup":
    """Text that is already HTML, style or script: templates insert it without escaping."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - callers pass rendered templates and the package's own resources
