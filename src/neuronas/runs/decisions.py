"""Early exit: the section ``decisions`` of ``evaluation.json``, accuracy and cost by number of time steps."""

from neuronas.hardware.units import quantity
from neuronas.runs.document import Document, Share


class StepDecision(Document):
    """All decisions after the same number of time steps.

    Attributes:
        timesteps: number of time steps; the class with the highest mean score over them is chosen.
        top1: accuracy on the test images.
        energy_uj: energy per decision by cost model ``mapped``, at the input rates measured in these time steps.
        latency_ms: latency per decision by the same model; for a recording, from its first event.
    """

    timesteps: int
    top1: Share
    energy_uj: float
    latency_ms: float


class EarlyExit(Document):
    """Early exit: each decision is made as soon as the softmax of its mean scores reaches a threshold.

    Attributes:
        confidence: the threshold; above 1: every decision takes all time steps.
        chosen_on: images used to choose the threshold, ``validation`` or ``training``; never test images.
        n_images: number of these images.
        top1: accuracy on the test images.
        timesteps: mean number of time steps per decision.
        exits: share of the test images decided after each time step.
        energy_uj: mean energy per decision, at the mean input rates.
        latency_ms: mean latency per decision.
    """

    confidence: float
    chosen_on: str
    n_images: int
    top1: Share
    timesteps: float
    exits: tuple[Share, ...]
    energy_uj: float
    latency_ms: float


class Decisions(Document):
    """``decisions`` of an evaluation.

    Attributes:
        steps: results for each number of time steps, from 1.
        early_exit: decisions at the chosen confidence threshold.
        tolerance: accuracy loss allowed when the threshold was chosen.
    """

    steps: tuple[StepDecision, ...]
    early_exit: EarlyExit
    tolerance: Share

    @property
    def text(self) -> str:
        """The early exit in words."""
        early, whole = self.early_exit, self.steps[-1]
        if early.confidence > 1:
            return (
                f"no early exit: no confidence keeps the accuracy within {self.tolerance:.1%} on {early.n_images:,} "
                f"{early.chosen_on} images with fewer than {whole.timesteps} time steps"
            )
        return (
            f"early exit at a confidence of {early.confidence:.1%}: top-1 {early.top1:.2%} after {early.timesteps:.2f} "
            f"of {whole.timesteps} time steps, {quantity('energy_uj', early.energy_uj)} and "
            f"{quantity('latency_ms', early.latency_ms)} a decision (all time steps: {whole.top1:.2%}, "
            f"{quantity('energy_uj', whole.energy_uj)}, {quantity('latency_ms', whole.latency_ms)})"
        )
