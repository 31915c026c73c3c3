"""When a trained network may decide: accuracy, energy and latency against time steps, and an early exit."""

from dataclasses import replace
from typing import TYPE_CHECKING

from neuronas.api.trained import TrainedRun
from neuronas.hardware.mapped.activity import Activity
from neuronas.runs.decisions import Decisions, EarlyExit, StepDecision
from neuronas.space.workload import always, rows

if TYPE_CHECKING:
    from neuronas.training.early_exit import Answers
    from neuronas.training.images import Images, Indices
    from neuronas.training.passes import Seen

TOLERANCE = 0.005
"""Accuracy that an early exit may cost on the images on which its confidence is chosen."""
_N_CHOICE = 1000
"""Images on which it is chosen, at most."""
_CHOICE_SEED = 7


class DecisionStudy:
    """Measures when a network may decide.

    Args:
        given: the trained run.
        training: its training images, of which those for validation choose the confidence.
    """

    def __init__(self, given: TrainedRun, training: "Images"):
        import numpy as np

        from neuronas.training.images import stratified_split

        self.given, self.training = given, training
        train = given.plan.config.train
        split = stratified_split(training.labels, train.validation_share, train.seed)
        self.chosen_on, those = split.held_out
        drawn = np.random.default_rng([train.seed, _CHOICE_SEED]).permutation(those)[:_N_CHOICE]
        self.choice: Indices = np.sort(drawn)

    def threshold(self, seen: "Seen") -> float:
        """Choose the confidence of an early exit on the images for it, of whose computation ``seen`` is told."""
        from neuronas.training.early_exit import AnswersReader, chosen_threshold
        from neuronas.training.passes import run_pass

        answers = AnswersReader()
        run_pass(self.given.network, self.training, self.choice, self.given.device, answers, seen=seen)
        return chosen_threshold(answers.result, TOLERANCE)

    def measured(self, tested: "Answers", threshold: float, activity: Activity) -> Decisions:
        """When the network may decide.

        Args:
            tested: answers to test images.
            threshold: confidence of an early exit.
            activity: input rates of the layers as measured on these images.
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
                chosen_on=self.chosen_on,
                n_images=len(self.choice),
                top1=tested.top1_at(threshold),
                timesteps=float((exits + 1).mean()),
                exits=tuple(shares.tolist()),
                energy_uj=energy_uj,
                latency_ms=latency_ms,
            ),
            tolerance=TOLERANCE,
        )

    def _cost(self, activity: Activity, timesteps: int) -> tuple[float, float]:
        """Energy in uJ and latency in ms of a decision after so many time steps, which a recording has then reached."""
        whole = self.given.plan.mapped_model()
        sensor = whole.sensor.first(timesteps, whole.timesteps)
        model = replace(whole, timesteps=timesteps, activity=activity.first(timesteps), sensor=sensor)
        found = model.totals(*always(rows(self.given.architecture, self.given.plan.shape)))
        return float(found.energy_uj[0]), float(found.latency_ms[0])
