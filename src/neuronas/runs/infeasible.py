"""``infeasible.json``: why no candidate of a search fits its budget, and which changes would fit."""

from typing import Any

from neuronas.hardware.units import quantity, word
from neuronas.runs.document import Document

INFEASIBLE = "infeasible.json"


class BrokenLimit(Document):
    """A limit that the smallest networks of the space break.

    Attributes:
        name: quantity, one of ``hardware.units.BUDGETED``.
        limit: the limit, in the unit of its name.
        smallest: smallest value of any candidate.
        useful: smallest value of a network with a layer of weights in each cell.
        shares: shares of the cost of that network, 0 to 1: ``stem``, ``cells``, ``reduction``, ``head``.
        at_any_setting: smallest value of such a network with every setting at its cheapest value.
    """

    name: str
    limit: float
    smallest: float
    useful: float
    shares: dict[str, float]
    at_any_setting: float

    @property
    def is_hopeless(self) -> bool:
        """Whether no setting of the network gets below the limit on this chip."""
        return self.at_any_setting > self.limit

    def line(self) -> str:
        """One sentence for people."""
        parts = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items() if share >= 0.005)
        hopeless = (
            f"; hopeless on this chip: even the smallest network needs {quantity(self.name, self.at_any_setting)}"
            if self.is_hopeless
            else ""
        )
        limit, smallest, useful = (quantity(self.name, one) for one in (self.limit, self.smallest, self.useful))
        return (
            f"{word(self.name)}: limit {limit}, smallest candidate {smallest}; with one layer of weights per cell "
            f"{useful} ({parts}){hopeless}"
        )


class Knob(Document):
    """One change of the settings, and the smallest cost of a network with a layer of weights in each cell.

    Attributes:
        options: as on the command line: ``--channels 32``.
        smallest: of each broken limit's quantity.
        saved: share of that cost that the change saves, 0 to 1.
        fits: whether it alone is enough.
    """

    options: str
    smallest: dict[str, float]
    saved: dict[str, float]
    fits: bool

    def line(self) -> str:
        """One sentence for people."""
        costs = ", ".join(f"{quantity(name, cost)} (−{self.saved[name]:.0%})" for name, cost in self.smallest.items())
        return f"{self.options}: {costs}{'; fits' if self.fits else ''}"


class Infeasible(Document):
    """Why nothing fits.

    Attributes:
        n_candidates: that the search costed.
        closest: the candidate that misses the budget least, and by how much, as a sentence.
        broken: the limits that cannot be kept.
        tiles: what the chip's granularity adds to the area, as a sentence; empty where area is not the matter.
        knobs: single changes, each costed.
        enough: limits, by quantity, that a network with a layer of weights in each cell keeps, nothing else changed.
        enough_options: these as options of a search; empty where such a network fits already.
        changes: the settings, by path, of the mildest combination that fits; null: none does.
        command: the search with these changes; null: none fits.
    """

    n_candidates: int
    closest: str
    broken: tuple[BrokenLimit, ...]
    tiles: str
    knobs: tuple[Knob, ...]
    enough: dict[str, float]
    enough_options: str
    changes: dict[str, Any] | None
    command: str | None

    def lines(self) -> tuple[str, ...]:
        """For people, the command last."""
        end = f"this fits: {self.command}" if self.command else "no combination of these fits; raise the budget"
        return (
            *(one.line() for one in self.broken),
            *((self.tiles,) if self.tiles else ()),
            *(f"with {one.line()}" for one in self.knobs),
            *((f"with {self.enough_options}: fits, nothing else changed",) if self.enough_options else ()),
            end,
        )
