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
        figure: description: place, network, data set, quantity and, for a range, the end.
        dataset: data set as named in the paper; empty if it is none or all of them.
        network: network as named in the paper.
        quantity: name of the quantity, with the end of a range.
        unit: unit of both values.
        published: printed value.
        ours: value of the cost model for a network that gives, or should give, the printed digits; null for none.
        difference: ours minus published.
        verdict: verdict on the figure.
        meets_budget: whether ours (or, if missing, the printed value) keeps the paper's limit on this quantity; null if
            there is no limit.
        note: the network that gives the figure, or the evidence against it.
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
        """A row for a printed figure.

        Args:
            printed: the figure.
            ours: value of the cost model; None if no network gives it.
            verdict: verdict on the figure.
            note: reason for the verdict.
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
        """Our value, or the printed one if no network gives it."""
        return self.published if self.ours is None else self.ours


class LeftOut(Document):
    """A printed figure that is not compared, and the reason."""

    figure: str
    published: float
    reason: str


class HardwareResult(Document):
    """``hardware.json``: every printed figure compared with the cost model.

    Attributes:
        verdicts: number of figures by verdict.
        left_out: printed figures that are not about hardware, or cannot be compared.
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
    """A row for each figure: published value, computed value, verdict, and whether it keeps the budget."""
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
