"""Tables as data, which the command line prints and a page renders; and numbers as text for people."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, log10

_DIGITS = 4  # significant digits of a number
_NARROW, _NARROW_MATRIX = (52, 2.0), (56, 0.75)
"""Characters in the width of a phone, and those that the margins of a column take; a matrix has small letters."""


@dataclass(frozen=True)
class Table:
    """Rows of equal length under column titles.

    Attributes:
        caption: what it shows.
        titles: one for each column.
        rows: one cell for each column.
        text_columns: which columns hold text, from 0; the others are aligned as numbers.
        alerts: cells, as (row, column) from 0, that are shown as broken limits.
        swatches: the colour of a square in front of each row on a page; empty for none.
        bars: by column, a bar for each row that a page draws below the number: 1 is the whole width of the cell, more
            is too much; None for none.
        is_matrix: rows and columns stand for the same kind of thing.
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
        """Whether a narrow page, which not all columns fit, shows each row as a list."""
        most, margins = _NARROW_MATRIX if self.is_matrix else _NARROW
        return sum(margins + self._narrowest(column) for column in range(len(self.titles))) > most

    def _narrowest(self, column: int) -> int:
        """Width of a column in characters, where titles and text are broken between words."""
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


def duration(seconds: float) -> str:
    """A time in its largest fitting unit: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def share(value: float | None) -> str:
    """A share of 1 as percent; a dash for None."""
    return "–" if value is None else f"{value:z.1%}"
