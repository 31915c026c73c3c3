"""Tables for people."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table

_ANY_WIDTH = 10_000


class PlainTable(Table):
    """A table without lines, as wide as its content: a narrow terminal wraps its lines, but no digit is left out."""

    def __init__(self) -> None:
        super().__init__(box=None, pad_edge=False, header_style="dim")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """See rich: the content decides, not the terminal."""
        natural = Measurement.get(console, options.update(max_width=_ANY_WIDTH), self).maximum
        yield from super().__rich_console__(console, options.update(max_width=max(natural, options.max_width)))
