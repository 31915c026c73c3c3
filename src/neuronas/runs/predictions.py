"""Predictions of a trained network for images: ``neuronas predict``."""

from pydantic import Field

from neuronas.runs.card import Card, Shown
from neuronas.runs.document import Document

_SHOWN = 10
"""Images on a card."""


class ClassScore(Document):
    """One class of an answer.

    Attributes:
        index: index of the network's output.
        name: name of the class; its number if classes have no names.
        score: mean of the output over the time steps; higher is more likely, but it is not a probability.
    """

    index: int
    name: str
    score: float


class Prediction(Document):
    """The prediction for one image: classes by decreasing score; equal scores by increasing index."""

    image: str
    classes: tuple[ClassScore, ...]


class Predictions(Shown, Document):
    """``neuronas predict --json``.

    Attributes:
        run: run directory.
        images: predictions in the order in which images were given; those of a folder by name.
        unreadable: images that cannot be read, with the reason.
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
