"""Tables as data, printed by the command line and rendered on pages; and numbers as readable text."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, log10

_DIGITS = 4  # significant digits of a number
_NARROW, _NARROW_MATRIX = (52, 2.0), (56, 0.75)
"""Width of a phone in characters, and width of the margins of a column; a matrix has smaller text."""


@dataclass(frozen=True)
class Table:
    """Rows of equal length under column titles.

    Attributes:
        caption: caption of the table.
        titles: title of each column.
        rows: cells of each row, one per column.
        text_columns: indices of columns with text, from 0; the others are aligned as numbers.
        alerts: cells to mark as exceeded limits, as (row, column) from 0.
        swatches: colour of a square before each row on a page; empty for none.
        bars: by column, the length of a bar below the number of each row on a page; 1: the width of the cell, larger:
            exceeded; None: no bar.
        is_matrix: whether rows and columns list the same items.
    """

    caption: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: Collection[int] = (0,)
    alerts: Collection[tuple[int, int]] = ()
    swatches: Sequence[str] = ()
    bars: Mapping[int, Sequence[float | None]] = field(default_factory=dict)
    is_matrix: bool = False

    @property
    def is_stacked(self) -> bool:
        """Whether pages too narrow for all columns show each row as a list."""
        most, margins = _NARROW_MATRIX if self.is_matrix else _NARROW
        return sum(margins + self._narrowest(column) for column in range(len(self.titles))) > most

    def _narrowest(self, column: int) -> int:
        """Width of a column in characters if titles and text are wrapped between words."""
        cells = [row[column] for row in self.rows]
        words = " ".join((self.titles[column], *(cells if column in self.text_columns else ()))).split()
        return max(map(len, words if column in self.text_columns else (*words, *cells)), default=0)

    def bar(self, row: int, column: int) -> float | None:
        """Length of the bar in a cell; None for none."""
        return self.bars[column][row] if column in self.bars else None


def number(value: float | None, digits: int = _DIGITS) -> str:
    """Significant digits with thousands separators; a dash for None."""
    if value is None:
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"


def aligned(values: Sequence[float | None]) -> list[str]:
    """The numbers of one column, all with the decimal places that the largest one needs; empty for None.

    Nonzero numbers that would be rounded to 0 are shown as, for instance, ``<0.001``.
    """
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    decimals = min(max(_DIGITS - 1 - floor(log10(largest)), 1), 6) if largest else 1
    smallest = 10.0**-decimals
    return [
        "" if value is None else f"<{smallest:.{decimals}f}" if 0 < value < smallest / 2 else f"{value:,.{decimals}f}"
        for value in values
    ]


def duration(seconds: float) -> str:
    """A duration in its largest fitting unit: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def share(value: float | None) -> str:
    """A fraction as percent; a dash for None."""
    return "–" if value is None else f"{value:z.1%}"
