"""Display of results: one line in an interpreter, a card in a notebook."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

_BOX = (
    "display:inline-block;max-width:60em;padding:.6em 1em;border:1px solid #ccc;border-radius:8px;background:#fff;"
    "color:#222;color-scheme:light"
)


@dataclass(frozen=True)
class Card:
    """Displayed summary of a result.

    Attributes:
        title: kind of the result.
        facts: its most important values as text, by name.
        next_step: Python expression of the usual next step, or an empty string.
        below: HTML of drawings and tables, shown in notebooks only.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    next_step: str = ""
    below: str = ""

    def __str__(self) -> str:
        """One line."""
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        return f"<{self.title}: {facts}{f'; next: {self.next_step}' if self.next_step else ''}>"

    def html(self) -> str:
        """HTML of the card."""
        rows = "".join(
            f"<tr><th style='text-align:left;font-weight:400;padding-right:1em'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(value)}</td></tr>"
            for name, value in self.facts.items()
        )
        following = f"<div>next: <code>{escape(self.next_step)}</code></div>" if self.next_step else ""
        return f'<div style="{_BOX}"><b>{escape(self.title)}</b><table>{rows}</table>{self.below}{following}</div>'


class Shown:
    """Mixin for results with a card; it must precede the other base classes."""

    @abstractmethod
    def card(self) -> Card:
        """The summary to display."""

    def __repr__(self) -> str:
        """One line."""
        return str(self.card())

    def __str__(self) -> str:
        """One line."""
        return str(self.card())

    def _repr_html_(self) -> str:
        """HTML shown in a notebook."""
        return self.card().html()


def percent(value: float | None) -> str:
    """A fraction (0 to 1) as a percentage."""
    return "not measured" if value is None else f"{value:.1%}"


def call(verb: str, run: object, *arguments: str) -> str:
    """The Python call of a command on a run."""
    return f"neuronas.{verb}({', '.join([repr(str(run)), *arguments])})"
