"""``silicon.json``: measured chips and their estimates, with median errors and the coverage of the intervals."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Literal, Self

from neuronas.hardware.silicon.chips import GROUPS, Chip
from neuronas.report.tables import Table, number, share
from neuronas.runs.document import Document, Share

Quantity = Literal["energy", "time"]
ENERGY: Quantity = "energy"
TIME: Quantity = "time"
Verdict = Literal["within the interval", "outside the interval", "no interval"]
LEVEL = 0.9
_WORST = 8
_UNITS: dict[Quantity, tuple[str, str]] = {ENERGY: ("energy efficiency", "TOPS/W"), TIME: ("core time", "ns")}


class ChipRow(Document):
    """One measured figure of a chip and its estimate, with constants calibrated on other papers.

    Attributes:
        figure: description of chip and quantity.
        row: number of the row in the table, from 1.
        chip: first author, venue and year.
        paper: title of the paper.
        group: SRAM, eNVM or digital.
        kind: kind of array, which selects the law of the estimate.
        quantity: energy or time.
        unit: TOPS/W, normalised to 1-bit operations, or ns.
        published: measured value.
        ours: estimated value.
        difference: ours minus published.
        factor: factor between ours and published, at least 1.
        low: lower limit of the interval around ours; null if there are no other chips of its kind.
        high: upper limit of the interval; null if there are no other chips of its kind.
        baseline: estimate by a regression on kind, node and bits.
        verdict: whether the interval contains the measurement.
    """

    figure: str
    row: int
    chip: str
    paper: str
    group: str
    kind: str
    quantity: Quantity
    unit: str
    published: float
    ours: float
    difference: float
    factor: float
    low: float | None
    high: float | None
    baseline: float
    verdict: Verdict

    @classmethod
    def of(cls, chip: Chip, quantity: Quantity, estimated: float, baseline: float, within: float | None) -> Self:
        """A row.

        Args:
            chip: chip of the table.
            quantity: energy or time.
            estimated: estimate in fJ per 1-bit operation, or in ns.
            baseline: estimate of the baseline, in the same unit.
            within: factor of the interval.
        """
        what, unit = _UNITS[quantity]
        published = chip.numbers["tops_per_w" if quantity == ENERGY else "time_ns"]
        ours, other = (1e3 / one if quantity == ENERGY else one for one in (estimated, baseline))
        factor = _factor(published, ours)
        verdict: Verdict = "no interval"
        if within is not None:
            verdict = "within the interval" if factor <= within else "outside the interval"
        return cls(
            figure=f"{chip.name}, row {chip.row}: {what}",
            row=chip.row,
            chip=chip.name,
            paper=chip.paper,
            group=chip.group,
            kind=chip.kind,
            quantity=quantity,
            unit=unit,
            published=published,
            ours=ours,
            difference=ours - published,
            factor=factor,
            low=None if within is None else ours / within,
            high=None if within is None else ours * within,
            baseline=other,
            verdict=verdict,
        )


class UnjudgedFigure(Document):
    """A figure that is not compared, and the reason."""

    row: int
    chip: str
    quantity: Quantity
    reason: str


class Score(Document):
    """Errors of the estimates of a group of rows.

    Attributes:
        n_rows: number of rows.
        n_papers: number of papers.
        median_factor: median error factor of the rows.
        median_factor_of_papers: median over papers of the median error factor of their rows.
        baseline_median_factor: median error factor of a regression on kind, node and bits.
        coverage: share of the measurements within their interval; null if there are no intervals.
        interval_factor: half-width of the median interval as a factor: estimate / factor to estimate * factor.
    """

    n_rows: int
    n_papers: int
    median_factor: float
    median_factor_of_papers: float
    baseline_median_factor: float
    coverage: Share | None
    interval_factor: float | None


class SiliconResult(Document):
    """``silicon.json``.

    Attributes:
        chips: name of the table.
        n_chips: number of its rows.
        level: nominal coverage of the intervals.
        median_factor: median error factor over all rows, by quantity; null if there are none.
        coverage: coverage of the intervals over all rows, by quantity.
        by_group: scores of SRAM, eNVM and digital chips, by quantity.
        worst: figures with the largest error factors, in descending order.
        left_out: figures that are not compared.
    """

    experiment: str = "silicon"
    source: str
    chips: str
    n_chips: int
    level: float
    median_factor: dict[str, float | None]
    coverage: dict[str, float | None]
    by_group: dict[str, dict[str, Score]]
    worst: tuple[str, ...]
    rows: tuple[ChipRow, ...]
    left_out: tuple[UnjudgedFigure, ...]


def scores(rows: Sequence[ChipRow]) -> dict[str, Any]:
    """The result over all rows; see ``SiliconResult``."""
    by_quantity = {one: [row for row in rows if row.quantity == one] for one in _UNITS}
    everything = {one: _score(own) for one, own in by_quantity.items()}
    by_group = {
        group: {one: score for one, own in by_quantity.items() if (score := _score(_of(own, group)))}
        for group in GROUPS
    }
    worst = sorted(rows, key=lambda row: row.factor, reverse=True)[:_WORST]
    return {
        "median_factor": {one: score and score.median_factor for one, score in everything.items()},
        "coverage": {one: score and score.coverage for one, score in everything.items()},
        "by_group": {group: own for group, own in by_group.items() if own},
        "worst": tuple(f"{row.figure}, {_numbers(row)}, off by {row.factor:.3g}" for row in worst),
    }


def score_table(result: SiliconResult) -> Table:
    """A row for each group and quantity."""
    titles = (
        "", "", "rows", "papers", "median factor", "of papers", "node and bits alone", "90 % interval", "holds",
    )  # fmt: skip
    lines = tuple(
        (
            group,
            quantity,
            str(score.n_rows),
            str(score.n_papers),
            f"{score.median_factor:.2f}",
            f"{score.median_factor_of_papers:.2f}",
            f"{score.baseline_median_factor:.2f}",
            "–" if score.interval_factor is None else f"×÷ {score.interval_factor:.1f}",
            share(score.coverage),
        )
        for group, own in result.by_group.items()
        for quantity, score in own.items()
    )
    return Table("Estimates of measured chips, calibrated on other papers", titles, lines, text_columns=(0, 1))


def chip_table(result: SiliconResult) -> Table:
    """A row for each measured figure."""
    titles = ("chip", "kind", "", "unit", "measured", "estimated", "off by", "interval")
    lines = tuple(
        (
            f"{row.row} {row.chip}",
            row.kind,
            row.quantity,
            row.unit,
            number(row.published),
            number(row.ours),
            f"{row.factor:.2f}",
            "–" if row.low is None or row.high is None else f"{number(row.low, 2)} to {number(row.high, 2)}",
        )
        for row in result.rows
    )
    outside = [(line, 6) for line, row in enumerate(result.rows) if row.verdict == "outside the interval"]
    return Table("Measured chips", titles, lines, text_columns=(0, 1, 2, 3), alerts=outside)


def _of(rows: Sequence[ChipRow], group: str) -> list[ChipRow]:
    return [row for row in rows if row.group == group]


def _score(rows: Sequence[ChipRow]) -> Score | None:
    if not rows:
        return None
    papers = {row.paper.casefold() for row in rows}
    inside = [row.verdict == "within the interval" for row in rows if row.high is not None]
    widths = [row.high / row.ours for row in rows if row.high is not None]
    return Score(
        n_rows=len(rows),
        n_papers=len(papers),
        median_factor=median(row.factor for row in rows),
        median_factor_of_papers=median(
            median(row.factor for row in rows if row.paper.casefold() == paper) for paper in papers
        ),
        baseline_median_factor=median(_factor(row.published, row.baseline) for row in rows),
        coverage=sum(inside) / len(inside) if inside else None,
        interval_factor=median(widths) if widths else None,
    )


def _factor(one: float, other: float) -> float:
    return max(one / other, other / one)


def _numbers(row: ChipRow) -> str:
    digits: Callable[[float], str] = number
    return f"{digits(row.published)} {row.unit} measured, {digits(row.ours)} estimated"
