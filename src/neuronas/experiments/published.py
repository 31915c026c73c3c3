"""Figures as printed in papers, in ``published.json``, for comparison with experiments. One line per printed number."""

from functools import cache
from typing import Literal

from pydantic import Field

from neuronas.hardware.units import BUDGETED, word
from neuronas.runs.document import Document

DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "tiny-imagenet-200": "TinyImageNet-200"}
"""Names of the data sets in the papers, by their names for ``--dataset``."""
CIFAR, TINY_IMAGENET = ("CIFAR-10", "CIFAR-100"), "TinyImageNet-200"
SNASNET, NEURONAS, HEADLINE = "SNASNet", "NeuroNAS", "NeuroNAS, headline"
"""Names, in the file, of the networks that experiments compare with."""
LOW, HIGH, ABOVE = "low", "high", "above"
"""Ends of printed ranges, and lower bounds (``above``)."""
FigureKey = tuple[str, str, str, str]
"""Network, data set, quantity and end of a figure."""


class PublishedFigure(Document):
    """One printed number.

    Attributes:
        quantity: a name of ``hardware.units.BUDGETED``, a key of an accelerator, or a description of another quantity.
        value: printed value.
        unit: printed unit; empty for a count or a ratio.
        step: one unit of the last printed digit, in the same unit.
        end: end of a printed range; ``above``: the paper only states that the value is exceeded.
        paper: arXiv number of the paper.
        place: table or figure; empty for a number in the text.
        dataset: data set as named in the paper; empty if it is none or all of them.
        network: network that it was measured on or computed for.
        weight_bits: precision; null for FxP4 to FxP16, or if there is none.
        where: section, or abstract.
        experiment: experiment of ``neuronas reproduce`` that compares it; empty if none can.
        note: remark for the comparison, or why it cannot be compared.
    """

    quantity: str
    value: float
    unit: str = ""
    step: float = Field(default=1, gt=0)
    end: Literal["", "low", "high", "above"] = ""
    paper: str
    place: str = ""
    dataset: str = ""
    network: str
    weight_bits: int | None = None
    where: str
    experiment: str
    note: str = ""

    @property
    def key(self) -> FigureKey:
        """Key of the figure among those that one experiment compares."""
        return self.network, self.dataset, self.quantity, self.end

    @property
    def name(self) -> str:
        """Description for tables: ``Fig. 12, NeuroNAS, CIFAR-10: area in mm², low``."""
        at = f"FxP{self.weight_bits}" if self.weight_bits else ""
        said_of = ", ".join(filter(None, (self.place or self.where, self.network, self.dataset, at)))
        what = word(self.quantity) if self.quantity in BUDGETED else self.quantity
        with_unit = f"{what} in {self.unit}" if self.unit else what
        return f"{said_of}: {', '.join(filter(None, (with_unit, self.end)))}"


class Published(Document):
    """All figures."""

    figures: tuple[PublishedFigure, ...]

    def select(self, experiment: str, network: str | None = None) -> tuple[PublishedFigure, ...]:
        """The figures that an experiment compares, in the order of the file; ``network``: only those of one network."""
        found = (one for one in self.figures if one.experiment == experiment)
        return tuple(one for one in found if network is None or one.network == network)

    def by_dataset(
        self, network: str, quantity: str, weight_bits: int | None = None, end: str = ""
    ) -> dict[str, float]:
        """Printed values of a network, single ones or ends of ranges, by data set."""
        return {
            one.dataset: one.value
            for one in self.figures
            if (one.network, one.quantity, one.weight_bits, one.end) == (network, quantity, weight_bits, end)
        }


@cache
def published() -> Published:
    """All figures; read once."""
    return Published.packaged(__package__, "published.json")
