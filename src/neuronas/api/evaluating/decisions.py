"""Early decisions of a trained network: accuracy, energy and latency by time step, and an early exit."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from neuronas.api.setup.held_out import Sample
from neuronas.api.setup.trained import TrainedRun
from neuronas.hardware.mapped.activity import Activity
from neuronas.runs.decisions import Decisions, EarlyExit, StepDecision
from neuronas.runs.work import Seen
from neuronas.space.workload import always, rows

if TYPE_CHECKING:
    from neuronas.training.early_exit import Answers

TOLERANCE = 0.005
"""Maximum accuracy loss of an early exit on the images on which its confidence threshold is chosen."""


@dataclass(frozen=True)
class DecisionStudy:
    """Measures early decisions of a network.

    Attributes:
        given: trained run.
        choice: images on which the confidence threshold of an early exit is chosen.
    """

    given: TrainedRun
    choice: Sample

    def threshold(self, seen: Seen) -> float:
        """The confidence threshold chosen on ``choice``; ``seen`` is called with the number of images computed."""
        from neuronas.training.early_exit import AnswersReader, chosen_threshold
        from neuronas.training.passes import run_pass

        given, choice, answers = self.given, self.choice, AnswersReader()
        run_pass(given.network, choice.images, choice.indices, given.device, answers, seen=seen)
        return chosen_threshold(answers.result, TOLERANCE)

    def measured(self, tested: "Answers", threshold: float, activity: Activity) -> Decisions:
        """Measure early decisions.

        Args:
            tested: scores of the test images.
            threshold: confidence threshold of an early exit.
            activity: input rates of the layers, measured on these images.
        """
        import numpy as np

        exits, n = tested.exits(threshold), len(tested.top1)
        costs = [self._cost(activity, steps) for steps in range(1, n + 1)]
        shares = np.bincount(exits, minlength=n) / len(exits)
        energy_uj, latency_ms = (shares @ np.array(costs)).tolist()
        return Decisions(
            steps=tuple(
                StepDecision(timesteps=number + 1, top1=float(top1), energy_uj=cost[0], latency_ms=cost[1])
                for number, (top1, cost) in enumerate(zip(tested.top1, costs, strict=True))
            ),
            early_exit=EarlyExit(
                confidence=threshold,
                chosen_on=self.choice.split,
                n_images=len(self.choice.indices),
                top1=tested.top1_at(threshold),
                timesteps=float((exits + 1).mean()),
                exits=tuple(shares.tolist()),
                energy_uj=energy_uj,
                latency_ms=latency_ms,
            ),
            tolerance=TOLERANCE,
        )

    def _cost(self, activity: Activity, timesteps: int) -> tuple[float, float]:
        """Energy in uJ and latency in ms of a decision after ``timesteps``, counted from the end of the last one."""
        whole = self.given.plan.mapped_model()
        sensor = whole.sensor.first(timesteps, whole.timesteps)
        model = replace(whole, timesteps=timesteps, activity=activity.first(timesteps), sensor=sensor)
        found = model.totals(*always(rows(self.given.architecture, self.given.plan.shape)))
        return float(found.energy_uj[0]), float(found.latency_ms[0])
