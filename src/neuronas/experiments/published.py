"""Figures as papers print them, in ``published.json``: what experiments compare with. A figure is one line there."""

from functools import cache
from importlib.resources import files
from typing import Self

from pydantic import Field

from neuronas.runs.document import Document

SNASNET, HEADLINE = "SNASNet, CIFAR-10 and CIFAR-100", "NeuroNAS, FxP8, headline"
"""Networks that experiments compare with; the names in the file."""
_FILE = "published.json"


class PublishedFigure(Document):
    """One printed number.

    Attributes:
        quantity: a name of ``hardware.units.BUDGETED`` or, for other quantities, words.
        value: as printed; of a range its lower end.
        high: upper end of a range; null for one number.
        unit: as printed; empty for a count or a ratio.
        step: what one unit of the last printed digit stands for, in the same unit.
        paper: its arXiv number.
        place: table or figure; empty for a number in the text.
        dataset: as the paper names it; empty where it is none.
        network: what it was measured on or computed for.
        weight_bits: precision; null where it is not stated.
        where: section, or abstract.
        note: what a reader must know to compare with it.
    """

    quantity: str
    value: float
    high: float | None = None
    unit: str = ""
    step: float = Field(default=1, gt=0)
    paper: str
    place: str = ""
    dataset: str = ""
    network: str
    weight_bits: int | None = None
    where: str
    note: str = ""


class NetworkBehind(Document):
    """A network that gives printed figures; papers print none, so it was found with the cost model.

    Attributes:
        name: the ``network`` of its figures.
        weight_bits: precision.
        convolutions: kernel sides of the convolutions in cell A and in cell B; all other edges are skips.
    """

    name: str
    weight_bits: int
    convolutions: tuple[tuple[int, ...], tuple[int, ...]]


class Published(Document):
    """All figures, and the networks behind some of them."""

    figures: tuple[PublishedFigure, ...]
    networks: tuple[NetworkBehind, ...]

    @classmethod
    def load(cls) -> Self:
        """Read the file that comes with the package."""
        return cls.parse(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"), _FILE)

    def of(self, network: str) -> dict[str, PublishedFigure]:
        """What is printed of a network, by quantity."""
        return {one.quantity: one for one in self.figures if one.network == network}


@cache
def published() -> Published:
    """Read once; see ``Published.load``."""
    return Published.load()
