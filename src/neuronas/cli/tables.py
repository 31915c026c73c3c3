"""Text tables.

Rich's tables, which also wrap, crop and draw lines, took a fifth of the time of ``neuronas estimate``.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import strip_control_codes
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from neuronas.report.tables import Table

_BETWEEN = "  "
_HEADER = "dim"


class PlainTable:
    """A table without lines, as wide as its content: a narrow terminal wraps its rows, but nothing is cropped."""

    def __init__(self) -> None:
        self._titles: list[Text | str] = []
        self._is_right: list[bool] = []
        self._rows: list[tuple[Text | str, ...]] = []

    def add_column(self, title: str, justify: Literal["left", "right"] = "left") -> None:
        """Append a column."""
        self._titles.append(Text(title, _HEADER))
        self._is_right.append(justify == "right")

    def add_row(self, *cells: Text | str) -> None:
        """Append a row: one cell per column from the left; missing cells are empty."""
        self._rows.append((*cells, *[""] * (len(self._titles) - len(cells))))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """See rich."""
        lines = [line for row in (self._titles, *self._rows) for line in _lines(row)]
        widths = [max(cell_len(text) for text, _ in column) for column in zip(*lines, strict=True)]
        for line in lines:
            for number, (text, style) in enumerate(line):
                blank = " " * (widths[number] - cell_len(text))
                aligned = blank + text if self._is_right[number] else text + blank
                yield Segment((_BETWEEN if number else "") + aligned, style)
            yield Segment.line()


def _lines(row: Sequence[Text | str]) -> Iterator[tuple[tuple[str, Style | None], ...]]:
    """The printed lines of a row, several if a name has line breaks: text and style of each cell."""
    styles = [Style.parse(str(cell.style)) if isinstance(cell, Text) else None for cell in row]
    texts = [strip_control_codes(str(cell)).expandtabs().split("\n") for cell in row]
    for parts in zip_longest(*texts, fillvalue=""):
        yield tuple(zip(parts, styles, strict=True))


def printable(content: Table) -> PlainTable:
    """A table of the report for the terminal, without its caption."""
    table = PlainTable()
    for number, title in enumerate(content.titles):
        table.add_column(title, justify="left" if number in content.text_columns else "right")
    for number, row in enumerate(content.rows):
        cells = enumerate(row)
        table.add_row(
            *(Text(cell, "bold red") if (number, column) in content.alerts else cell for column, cell in cells)
        )
    return table
