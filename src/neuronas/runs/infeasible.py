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
    def is_impossible(self) -> bool:
        """Whether no setting of the network meets the limit on this chip."""
        return self.at_any_setting > self.limit

    def line(self) -> str:
        """The limit in one sentence."""
        parts = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items() if share >= 0.005)
        impossible = (
            f"; impossible on this chip: even the smallest network needs {quantity(self.name, self.at_any_setting)}"
            if self.is_impossible
            else ""
        )
        limit, smallest, useful = (quantity(self.name, one) for one in (self.limit, self.smallest, self.useful))
        return (
            f"{word(self.name)}: limit {limit}, smallest candidate {smallest}; with one layer of weights per cell "
            f"{useful} ({parts}){impossible}"
        )


class Knob(Document):
    """One change of the settings, and the smallest cost of a network with a layer of weights in each cell.

    Attributes:
        options: command-line options, such as ``--channels 32``.
        smallest: cost in each quantity with a broken limit.
        saved: relative saving of each of these costs, 0 to 1.
        fits: whether this change alone is enough.
    """

    options: str
    smallest: dict[str, float]
    saved: dict[str, float]
    fits: bool

    def line(self) -> str:
        """The change in one sentence."""
        costs = ", ".join(f"{quantity(name, cost)} (−{self.saved[name]:.0%})" for name, cost in self.smallest.items())
        return f"{self.options}: {costs}{'; fits' if self.fits else ''}"


class Infeasible(Document):
    """Why no candidate fits.

    Attributes:
        n_candidates: number of candidates costed by the search.
        closest: the candidate closest to the budget, and its excess, as a sentence.
        broken: limits that cannot be met.
        tiles: contribution of the chip's granularity to the area, as a sentence; empty if the area meets its limit.
        knobs: single changes, each with its costs.
        enough: limits, by quantity, that a network with a layer of weights in each cell meets without other changes.
        enough_options: these limits as command-line options; empty if such a network fits already.
        changes: settings, by path, of the smallest combination of changes that fits; null: none fits.
        command: the search command with these changes; null: none fits.
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
        """All findings as sentences, followed by the command."""
        nothing = "without a larger budget, no combination of these changes fits"
        end = f"this fits: {self.command}" if self.command else nothing
        return (
            *(one.line() for one in self.broken),
            *((self.tiles,) if self.tiles else ()),
            *(f"with {one.line()}" for one in self.knobs),
            *((f"with {self.enough_options}: fits, nothing else changed",) if self.enough_options else ()),
            end,
        )
