"""What a trained network says about a recording while it comes: ``neuronas run``."""

from neuronas.runs.card import Card, Shown
from neuronas.runs.document import Document
from neuronas.runs.predictions import ClassScore


class StreamStep(Document):
    """One time step.

    Attributes:
        end_ms: of the step, from the first event of the recording.
        n_events: in the step.
        scores: of every class: means of the outputs of the latest T steps; the highest decides.
        compute_ms: time to cut the step from the recording and to compute the network.
    """

    end_ms: float
    n_events: int
    scores: tuple[float, ...]
    compute_ms: float

    @property
    def best(self) -> int:
        """Class with the highest score; of equal ones the first."""
        return self.scores.index(max(self.scores))


class StreamResult(Shown, Document):
    """``neuronas run --json``.

    Attributes:
        run: directory of the run.
        recording: the file.
        class_names: in the order of the scores.
        step_ms: duration of a time step.
        n_events: of the recording.
        recorded_s: duration of the recording.
        compute_s: time for all steps, without reading the file.
        times_real_time: how many times faster than the recording the steps were computed.
        decision: class of the last step.
        settled_ms: end of the first step from which on the decision is the same.
        steps: one after the other.
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
