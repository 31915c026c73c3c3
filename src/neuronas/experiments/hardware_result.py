"""``hardware.json``: every printed figure of the hardware with its verdict."""

from typing import Literal, Self

from neuronas.experiments.published import PublishedFigure
from neuronas.hardware.budget import PAPER_BUDGET
from neuronas.report.tables import Table
from neuronas.runs.document import Document

Verdict = Literal["reproduced", "no network of the space gives it", "contradicts another printed figure"]
REPRODUCED: Verdict = "reproduced"
IMPOSSIBLE: Verdict = "no network of the space gives it"
CONTRADICTS: Verdict = "contradicts another printed figure"


class JudgedFigure(Document):
    """One printed figure.

    Attributes:
        figure: what it is: place, network, data set, quantity and, of a range, which end.
        dataset: as the paper names it; empty where it is none or all of them.
        network: as the paper names it.
        quantity: with the end of the range.
        unit: of both values.
        published: as printed.
        ours: as the cost model gives it, for a network that gives the printed digits or else would; null for none.
        difference: ours minus published.
        verdict: what was found out.
        meets_budget: whether ours (or, without it, the printed value) keeps the paper's limit on this quantity; null
            where there is none.
        note: the network that gives the figure, or what speaks against it.
    """

    figure: str
    dataset: str
    network: str
    quantity: str
    unit: str
    published: float
    ours: float | None
    difference: float | None
    verdict: Verdict
    meets_budget: bool | None
    note: str

    @classmethod
    def of(cls, printed: PublishedFigure, ours: float | None, verdict: Verdict, note: str) -> Self:
        """A row of a printed figure.

        Args:
            printed: the figure.
            ours: None: no network gives it.
            verdict: what was found out.
            note: why.
        """
        limit = PAPER_BUDGET.limits.get(printed.quantity)
        return cls(
            figure=printed.name,
            dataset=printed.dataset,
            network=printed.network,
            quantity=", ".join(filter(None, (printed.quantity, printed.end))),
            unit=printed.unit,
            published=printed.value,
            ours=ours,
            difference=None if ours is None else ours - printed.value,
            verdict=verdict,
            meets_budget=None if limit is None else (printed.value if ours is None else ours) <= limit,
            note=note,
        )

    @property
    def computed(self) -> float:
        """Ours, or as printed where no network gives it."""
        return self.published if self.ours is None else self.ours


class LeftOut(Document):
    """A printed figure that is not compared here, and why."""

    figure: str
    published: float
    reason: str


class HardwareResult(Document):
    """``hardware.json``: every printed figure beside the cost model's.

    Attributes:
        verdicts: how many figures have which verdict.
        left_out: printed figures that are not of the hardware, or that nothing can be compared with.
    """

    experiment: str = "hardware"
    source: str
    hardware: str
    cost_model: str = "paper"
    timesteps: int
    n_figures: int
    verdicts: dict[str, int]
    rows: tuple[JudgedFigure, ...]
    left_out: tuple[LeftOut, ...]


def judged_figures(result: HardwareResult) -> Table:
    """A line for each figure: as published, as computed, the verdict, and whether it keeps the budget."""
    titles = ("figure", "published", "ours", "difference", "verdict", "meets the budget")
    lines = tuple(
        (
            row.figure,
            f"{row.published:,.10g}",
            _number(row.ours, row),
            _number(row.difference, row),
            row.verdict,
            {True: "yes", False: "no", None: "–"}[row.meets_budget],
        )
        for row in result.rows
    )
    alerts = [(number, 5) for number, row in enumerate(result.rows) if row.meets_budget is False]
    return Table("Printed figures of the hardware", titles, lines, text_columns=(0, 4, 5), alerts=alerts)


def _number(value: float | None, row: JudgedFigure) -> str:
    return "–" if value is None else f"{value:z,.{0 if row.quantity.startswith('parameters') else 2}f}"
