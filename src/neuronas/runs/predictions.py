"""What a trained network says about images: ``neuronas predict``."""

from pydantic import Field

from neuronas.runs.card import Card, Shown
from neuronas.runs.document import Document

_SHOWN = 10
"""Images on a card."""


class ClassScore(Document):
    """One class of an answer.

    Attributes:
        index: of the network's output.
        name: of the class; its number where classes have no names.
        score: mean of the output over the time steps; higher is more likely, it is no probability.
    """

    index: int
    name: str
    score: float


class Prediction(Document):
    """The answer for one image: its classes, the most likely first; of equal scores, the lowest index first."""

    image: str
    classes: tuple[ClassScore, ...]


class Predictions(Shown, Document):
    """``neuronas predict --json``.

    Attributes:
        run: directory of the run.
        images: in the order in which they were given; a folder's by name.
        unreadable: images that were left out, with the reason.
    """

    run: str
    images: tuple[Prediction, ...]
    unreadable: dict[str, str] = Field(default_factory=dict)

    def card(self) -> Card:
        """See ``Shown``: the first images."""
        shown = self.images[:_SHOWN]
        facts = {one.image: ", ".join(f"{own.name} ({own.score:.3g})" for own in one.classes) for one in shown}
        if len(self.images) > len(shown):
            facts["…"] = f"{len(self.images) - len(shown):,} more"
        if self.unreadable:
            facts["unreadable"] = f"{len(self.unreadable):,}"
        return Card(f"predictions for {len(self.images):,} images", facts)
