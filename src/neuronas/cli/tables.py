"""Tables for people."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from neuronas.report.tables import Table

_ANY_WIDTH = 10_000


class PlainTable(RichTable):
    """A table without lines, as wide as its content: a narrow terminal wraps its lines, but no digit is left out."""

    def __init__(self) -> None:
        super().__init__(box=None, pad_edge=False, header_style="dim")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """See rich: the content decides, not the terminal."""
        natural = Measurement.get(console, options.update(max_width=_ANY_WIDTH), self).maximum
        yield from super().__rich_console__(console, options.update(max_width=max(natural, options.max_width)))


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
