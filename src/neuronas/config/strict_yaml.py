"""Strict YAML for settings: no duplicate keys, no aliases, no overlong numbers; ``1e3`` is a number.

libyaml, in C, is several times faster than PyYAML's own scanner and parser. Texts that it may read differently or
refuse with another message are read without it, so that values and messages do not depend on libyaml.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

_MAX_VALUES, _LONGEST_NUMBER = 100_000, 1000
"""More values, or a long number to base 60, take PyYAML many seconds; Python cannot print numbers that long."""
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")

YAML_ERRORS = (
    yaml.YAMLError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    LookupError,
    RecursionError,
)
"""Exceptions of PyYAML for text that is not YAML."""


class _Strict(Composer, SafeConstructor, Resolver):
    """Refuses duplicate keys, which PyYAML drops silently; aliases, which can expand without bound; long numbers."""

    check_event: Callable[..., bool]  # of the parser
    n_values = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not accepted")
        self.n_values += 1
        if self.n_values > _MAX_VALUES:
            raise yaml.YAMLError(f"more than {_MAX_VALUES:,} keys and values")
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        if node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
            raise yaml.YAMLError(f"a number of {len(node.value):,} characters; expected at most {_LONGEST_NUMBER:,}")
        return super().construct_scalar(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        duplicates = {str(key) for key, n in Counter(keys).items() if n > 1}
        if duplicates:
            raise yaml.YAMLError(f"key given twice: {', '.join(sorted(duplicates))}")
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 10e6 and 1e3 as text; numbers are meant. Digits match in one way only, to avoid exponential time.
_Strict.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+"), list("-+.0123456789")
)


class _PythonLoader(_Strict, yaml.SafeLoader):
    """Loader with PyYAML's own scanner and parser."""


_READ_DIFFERENTLY = re.compile(r"[\t?!\ufeff]|[|>][-+0-9]*#|%[A-Za-z]")
"""Text that libyaml accepts where PyYAML does not, such as tabs, or reads as another value, such as ``!``."""

if yaml.__with_libyaml__:

    class _LibyamlLoader(_Strict, yaml.CSafeLoader):
        """Loader with libyaml; it composes in Python, since the composer in C cannot be extended."""

        def __init__(self, text: str):
            yaml.CSafeLoader.__init__(self, text)
            Composer.__init__(self)


def parse_yaml(text: str) -> Any:
    """Parse a YAML text.

    Raises:
        YAML_ERRORS: it is not YAML, or holds something that is not accepted.
    """
    if yaml.__with_libyaml__ and not _READ_DIFFERENTLY.search(text):
        with suppress(*YAML_ERRORS):
            return _parsed(_LibyamlLoader(text))
    return _parsed(_PythonLoader(text))


def _parsed(loader: yaml.SafeLoader | yaml.CSafeLoader) -> Any:
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
