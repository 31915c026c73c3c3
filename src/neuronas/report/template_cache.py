"""Compiled templates, kept from one command to the next. It is imported with Jinja2."""

import logging
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError

from jinja2 import Environment
from jinja2.bccache import Bucket, FileSystemBytecodeCache

from neuronas.kernels.folders import cache_folder

_log = logging.getLogger(__name__)
_OPTIONS = ("autoescape", "trim_blocks", "lstrip_blocks", "optimized")
"""What decides, with its text, how a template is compiled."""


class TemplateCache(FileSystemBytecodeCache):
    """A folder of compiled templates in neuronas' cache.

    Jinja2 names a file after its template and the version of Python, compares the template's text, and compiles anew
    what is damaged. The folder is named after what else decides: Jinja2's version and how it compiles.

    Args:
        environment: that compiles.
    """

    def __init__(self, environment: Environment):
        options = {name: getattr(environment, name) for name in _OPTIONS}
        made_by = blake2b(repr((version("jinja2"), options)).encode(), digest_size=6).hexdigest()
        super().__init__(str(cache_folder() / f"templates-{made_by}"))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template; one that is missing or damaged is compiled again."""
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, UnpicklingError) as error:
            _log.debug("a compiled template cannot be read: %s", error)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template; where nothing can be written, the next command compiles it again."""
        try:
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)
        except OSError as error:
            _log.debug("compiled templates are not kept: %s", error)
