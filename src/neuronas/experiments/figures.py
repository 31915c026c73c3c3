"""Figures over seeds beside the published ones, as a document and as a table."""

from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import Self

from neuronas.runs.document import Document

ACCURACY, PARAMETERS, MEMORY = "test accuracy, %", "parameters", "memory, kbit"

NOT_STATED = "not stated"


class Figure(Document):
    """One quantity of one case over n seeds; one seed says nothing about its spread.

    Attributes:
        case: what was done.
        quantity: with its unit.
        values: one for each seed.
        published: the paper's figure; null: not stated in the sources that we have.
        mean: arithmetic.
        std: standard deviation of the sample (n - 1).
        low: lower end of the 95 % confidence interval of the mean (Student's t).
        high: upper end.
    """

    case: str
    quantity: str
    values: tuple[float, ...]
    published: float | None
    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, case: str, quantity: str, values: Iterable[float], published: float | None = None) -> Self:
        """Summarise at least one value."""
        numbers = tuple(map(float, values))
        n, mean = len(numbers), fmean(numbers)
        std = stdev(numbers) if n > 1 else None
        low = high = None if std is None else mean
        if std:
            from scipy.stats import t as student_t

            low, high = map(float, student_t.interval(0.95, n - 1, loc=mean, scale=std / n**0.5))
        return cls(
            case=case,
            quantity=quantity,
            values=numbers,
            published=published,
            n=n,
            mean=mean,
            std=std,
            low=low,
            high=high,
        )


def markdown(figures: Sequence[Figure]) -> str:
    """A table: a row for each case, a column for each quantity, and one for what is published of it."""
    quantities = list(dict.fromkeys(one.quantity for one in figures))
    published = {one.quantity for one in figures if one.published is not None}
    titles = ["case"]
    for name in quantities:
        titles += [name, f"{name}: published"] if name in published else [name]
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)]]
    by_place = {(one.case, one.quantity): one for one in figures}
    for case in dict.fromkeys(one.case for one in figures):
        row = [case]
        for name in quantities:
            one = by_place.get((case, name))
            row.append(_cell(one))
            if name in published:
                row.append("" if one is None else NOT_STATED if one.published is None else _number(one.published))
        lines.append(row)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.std is None or figure.low is None or figure.high is None:
        return f"{_number(figure.mean)} (one seed)"
    if figure.std == 0:
        return f"{_number(figure.mean)} ± 0"
    return f"{_number(figure.mean)} ± {_number(figure.std)} [{_number(figure.low)}, {_number(figure.high)}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
