"""Figures over seeds beside the published ones, as a document and as a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from neuronas.experiments.statistics import summary

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Figure:
    """One quantity of one case.

    Attributes:
        case: what was done.
        quantity: with its unit.
        values: one for each seed.
        published: the paper's figure; None: not stated in the sources that we have.
    """

    case: str
    quantity: str
    values: tuple[float, ...]
    published: float | None = None

    def document(self) -> dict[str, Any]:
        """As a row of the result file."""
        return {**asdict(self), "values": list(self.values), **asdict(summary(self.values))}


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
    found = summary(figure.values)
    if found.std is None or found.low is None or found.high is None:
        return f"{_number(found.mean)} (one seed)"
    if found.std == 0:
        return f"{_number(found.mean)} ± 0"
    return f"{_number(found.mean)} ± {_number(found.std)} [{_number(found.low)}, {_number(found.high)}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
