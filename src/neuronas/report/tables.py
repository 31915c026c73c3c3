"""Tables that can be copied, definition lists, and numbers for people."""

from collections.abc import Iterable, Sequence
from math import floor, log10

from neuronas.report.markup import Html, element, join

_DIGITS = 4  # significant digits of a number
_Attributes = dict[str, str | float | bool]


def number(value: float | None, digits: int = _DIGITS) -> str:
    """Significant digits with thousands separators; a dash for None."""
    if value is None:
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"


def aligned(values: Sequence[float | None]) -> list[str]:
    """The numbers of one column, all with as many decimals as the largest one needs; empty for None.

    What is too small to be seen at that precision, but not 0, is ``<0.001``.
    """
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    decimals = min(max(_DIGITS - 1 - floor(log10(largest)), 1), 6) if largest else 1
    smallest = 10.0**-decimals
    return [
        "" if value is None else f"<{smallest:.{decimals}f}" if 0 < value < smallest / 2 else f"{value:,.{decimals}f}"
        for value in values
    ]


def share(value: float | None) -> str:
    """A share of 1 as percent; a dash for None."""
    return "–" if value is None else f"{value:.1%}"


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, n_text: int = 1) -> Html:
    """A table with a caption and, by the page's script, a button that copies it.

    Args:
        caption: what it shows.
        columns: titles.
        rows: one cell for each column.
        n_text: how many columns from the left hold text; the others are aligned as numbers.
    """
    kinds: list[dict[str, str | float | bool]] = [
        {} if i < n_text else {"class": "number"} for i in range(len(columns))
    ]
    head = element(
        "tr", {}, *(element("th", {"scope": "col"} | kind, title) for title, kind in zip(columns, kinds, strict=True))
    )
    body = (_row(row, kinds) for row in rows)
    return element(
        "figure",
        {"class": "table"},
        element("figcaption", {}, caption),
        element(
            "div",
            {"class": "scroll", "tabindex": "0", "role": "group", "aria-label": caption},
            element("table", {}, element("thead", {}, head), element("tbody", {}, *body)),
        ),
    )


def _row(cells: Sequence[str], kinds: Sequence[_Attributes]) -> Html:
    first = element("th", {"scope": "row"} | kinds[0], cells[0])
    return element("tr", {}, first, *(element("td", kind, c) for c, kind in zip(cells[1:], kinds[1:], strict=True)))


def definitions(pairs: Iterable[tuple[str, str]]) -> Html:
    """Names and values side by side."""
    return element("dl", {}, *(join(element("dt", {}, name), element("dd", {}, value)) for name, value in pairs))


def bar(part: float, label: str, *, over: bool = False) -> Html:
    """A bar that fills ``part`` (0 to 1) of its width; ``over`` marks a limit that is broken."""
    width = f"{100 * min(max(part, 0.0), 1.0):.1f}%"
    filled = element("rect", {"class": "over" if over else "within", "width": width, "height": "100%"})
    return element("svg", {"class": "bar", "role": "img", "aria-label": label}, filled)


def section(identifier: str, title: str, *children: str) -> Html:
    """A section that the page's navigation can reach."""
    heading = element("h2", {"id": f"{identifier}-title"}, title)
    return element("section", {"id": identifier, "aria-labelledby": f"{identifier}-title"}, heading, *children)


def missing(why: str) -> Html:
    """One line in place of a part that a run has not got."""
    return element("p", {"class": "missing"}, why)
