"""Figures over seeds and the published ones, as a document and as a table."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Self

from neuronas.runs.document import Document

ACCURACY, PARAMETERS, MEMORY = "test accuracy, %", "parameters", "memory, kbit"


class Figure(Document):
    """One quantity of one case over n seeds; with one seed, the spread is unknown.

    Attributes:
        case: name of the case.
        quantity: name of the quantity with its unit.
        values: one value per seed.
        ours: arithmetic mean of the values.
        std: standard deviation of the sample (n - 1); null for one seed.
        interval: 95 % confidence interval of the mean (Student's t); null for one seed.
        n_seeds: number of values.
        printed: the paper's values by data set, as the paper names it; empty if it prints none.
        published: the paper's value for the data set of the comparison, or its only value; null if it prints none.
        difference: ours minus published.
    """

    case: str
    quantity: str
    values: tuple[float, ...]
    ours: float
    std: float | None
    interval: tuple[float, float] | None
    n_seeds: int
    printed: dict[str, float]
    published: float | None = None
    difference: float | None = None

    @classmethod
    def of(cls, case: str, quantity: str, values: Iterable[float], printed: Mapping[str, float] | None = None) -> Self:
        """Summarise at least one value.

        Args:
            case: name of the case.
            quantity: name of the quantity with its unit.
            values: one value per seed.
            printed: printed values by data set (``published().by_dataset``).
        """
        numbers = tuple(map(float, values))
        std = stdev(numbers) if len(numbers) > 1 else None
        return cls(
            case=case,
            quantity=quantity,
            values=numbers,
            ours=fmean(numbers),
            std=std,
            interval=None if std is None else _interval(numbers, std),
            n_seeds=len(numbers),
            printed=dict(printed or {}),
        )

    def compared_with(self, dataset: str) -> Self:
        """The same figure compared with the paper's value for a data set, or with its only value."""
        only = next(iter(self.printed.values())) if len(self.printed) == 1 else None
        value = self.printed.get(dataset, only)
        difference = None if value is None else self.ours - value
        return self.model_copy(update={"published": value, "difference": difference})


def _interval(numbers: Sequence[float], std: float) -> tuple[float, float]:
    n, mean = len(numbers), fmean(numbers)
    if not std:
        return mean, mean
    from scipy.stats import t as student_t

    low, high = student_t.interval(0.95, n - 1, loc=mean, scale=std / n**0.5)
    return float(low), float(high)


def markdown(figures: Sequence[Figure]) -> str:
    """A table with a row for each case and a column for each quantity and each data set that it is printed for."""
    quantities = list(dict.fromkeys(one.quantity for one in figures))
    datasets = {
        name: dict.fromkeys(at for one in figures if one.quantity == name for at in one.printed) for name in quantities
    }
    titles = [
        "case",
        *(title for name in quantities for title in (name, *(f"published, {at}" for at in datasets[name]))),
    ]
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)]]
    by_place = {(one.case, one.quantity): one for one in figures}
    for case in dict.fromkeys(one.case for one in figures):
        row = [case]
        for name in quantities:
            one = by_place.get((case, name))
            printed = one.printed if one else {}
            row += [_cell(one), *(_number(printed[at]) if at in printed else "" for at in datasets[name])]
        lines.append(row)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.std is None or figure.interval is None:
        return f"{_number(figure.ours)} (one seed)"
    if figure.std == 0:
        return f"{_number(figure.ours)} ± 0"
    low, high = map(_number, figure.interval)
    return f"{_number(figure.ours)} ± {_number(figure.std)} [{low}, {high}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
