"""What a trained network says about images: ``neuronas predict``."""

from pydantic import Field

from neuronas.runs.document import Document


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


class Predictions(Document):
    """``neuronas predict --json``.

    Attributes:
        run: directory of the run.
        images: in the order in which they were given; a folder's by name.
        unreadable: images that were left out, with the reason.
    """

    run: str
    images: tuple[Prediction, ...]
    unreadable: dict[str, str] = Field(default_factory=dict)
