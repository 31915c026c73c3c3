"""Predictions of a trained network: for images (``neuronas predict``), and for a stream (``neuronas run``)."""

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
    """Classes of images with their scores: ``neuronas predict --json``.

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


class StreamStep(Document):
    """One time step.

    Attributes:
        end_ms: end of the step, from the first event of the recording.
        n_events: number of events in the step.
        scores: score of each class: mean output over the latest T steps; the class with the highest score is predicted.
        compute_ms: time to slice the step from the recording and to compute the network.
    """

    end_ms: float
    n_events: int
    scores: tuple[float, ...]
    compute_ms: float

    @property
    def best(self) -> int:
        """Class with the highest score; the first one if several are equal."""
        return self.scores.index(max(self.scores))


class StreamResult(Shown, Document):
    """A recording classified step by step: ``neuronas run --json``.

    Attributes:
        run: run directory.
        recording: the file.
        class_names: names in the order of the scores.
        step_ms: duration of a time step.
        n_events: number of events of the recording.
        recorded_s: duration of the recording.
        compute_s: time for all steps, without reading the file.
        times_real_time: duration of the recording divided by the time for computation.
        decision: predicted class at the last step.
        settled_ms: end of the first step after which the decision does not change.
        steps: the time steps in order.
    """

    run: str
    recording: str
    class_names: tuple[str, ...]
    step_ms: float
    n_events: int
    recorded_s: float
    compute_s: float
    times_real_time: float
    decision: ClassScore
    settled_ms: float
    steps: tuple[StreamStep, ...]

    def card(self) -> Card:
        """See ``Shown``."""
        return Card(
            f"stream of {len(self.steps):,} time steps",
            {
                "class": f"{self.decision.name} ({self.decision.score:.3g})",
                "settled after": f"{self.settled_ms:.6g} ms",
                "speed": f"{self.times_real_time:.3g} times real time",
            },
        )
