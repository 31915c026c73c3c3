"""HTML that is escaped by construction: text becomes HTML only by being escaped."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any


class Html(str):
    """A piece of HTML. Every other string is plain text and is escaped where it is put into one."""

    __slots__ = ()


def element(name: str, attributes: Mapping[str, str | float | bool], *children: str) -> Html:
    """One element with its end tag.

    Args:
        name: of the element.
        attributes: values are escaped; ``True`` writes the bare name, ``False`` leaves it out.
        children: ``Html`` as it is, anything else as text.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False)
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Html:
    """Pieces side by side."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))


def script_json(identifier: str, document: Any) -> Html:
    """A document for scripts of the page to read: inside, no ``<`` can end the element."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return element("script", {"type": "application/json", "id": identifier}, Html(text))


def _attribute(key: str, value: str | float | bool) -> str:
    if value is True:
        return f" {key}"
    return f' {key}="{escape(str(value))}"'
