"""HTML that is escaped by construction: text becomes HTML only by being escaped."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from neuronas.report.tables import Table

_Attributes = dict[str, Any]


class Html(str):
    """A piece of HTML. Every other string is plain text and is escaped where it is put into one."""

    __slots__ = ()


def element(name: str, attributes: Mapping[str, Any], *children: str) -> Html:
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


def table(content: Table) -> Html:
    """A table with its caption; the page's script adds a button that copies it."""
    kinds: list[_Attributes] = [
        {} if number in content.text_columns else {"class": "number"} for number in range(len(content.titles))
    ]
    titles = (element("th", {"scope": "col"} | kind, t) for t, kind in zip(content.titles, kinds, strict=True))
    rows = (
        _row(row, [{"class": "number over"} if (number, column) in content.alerts else kind
                   for column, kind in enumerate(kinds)])
        for number, row in enumerate(content.rows)
    )  # fmt: skip
    return element(
        "figure",
        {"class": "table"},
        element("figcaption", {}, content.caption),
        element(
            "div",
            {"class": "scroll", "tabindex": "0", "role": "group", "aria-label": content.caption},
            element("table", {}, element("thead", {}, element("tr", {}, *titles)), element("tbody", {}, *rows)),
        ),
    )


def definitions(pairs: Iterable[tuple[str, str]]) -> Html:
    """Names and values side by side."""
    return element("dl", {}, *(join(element("dt", {}, name), element("dd", {}, value)) for name, value in pairs))


def section(identifier: str, title: str, *children: str) -> Html:
    """A section that the page's navigation can reach."""
    heading = element("h2", {"id": f"{identifier}-title"}, title)
    return element("section", {"id": identifier, "aria-labelledby": f"{identifier}-title"}, heading, *children)


def missing(why: str) -> Html:
    """One line in place of a part that a run does not have."""
    return element("p", {"class": "missing"}, why)


def warning(text: str) -> Html:
    """One line that must not be overlooked."""
    return element("p", {"class": "warning"}, text)


def _row(cells: Sequence[str], kinds: Sequence[_Attributes]) -> Html:
    first = element("th", {"scope": "row"} | kinds[0], cells[0])
    return element("tr", {}, first, *(element("td", kind, c) for c, kind in zip(cells[1:], kinds[1:], strict=True)))


def _attribute(key: str, value: Any) -> str:
    if value is True:
        return f" {key}"
    return f' {key}="{escape(str(value))}"'
