"""Which candidates survive a generation: NSGA-II (Deb et al., 2002) as Optuna computes it.

Optuna sorts by constrained dominance and by crowding; it never proposes. The objectives are fitness (more is better)
and the four costs (less is better); the excess over each limit is a constraint.
"""

from collections.abc import Sequence
from math import isfinite

import optuna

from neuronas.hardware.cost import BUDGETED
from neuronas.search.algorithms.base import Outcome


class _Generations(optuna.samplers.NSGAIISampler):
    """Numbers the generations and selects; candidates come from elsewhere."""

    def before_trial(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        """Say which generation a candidate belongs to; the base class does it only where it draws."""
        self.get_trial_generation(study, trial)


class Selection:
    """Keeps the best candidates seen so far.

    Args:
        size: how many survive, and how many candidates a generation has.
        seed: decides what Optuna draws.
    """

    def __init__(self, size: int, seed: int):
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces every study on standard error
        self._sampler = _Generations(population_size=size, seed=seed)
        up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
        self._study = optuna.create_study(directions=[up, *[down] * len(BUDGETED)], sampler=self._sampler)
        self._n_generations = 0

    def survivors(self, generation: Sequence[Outcome]) -> list[int]:
        """Add a generation and return who survives, numbered in the order in which all candidates were added."""
        for outcome in generation:
            trial = self._study.ask()
            for name, excess in zip(BUDGETED, outcome.excess, strict=True):
                trial.set_constraint(name, max(0.0, excess))
            # A network that answers nothing has the fitness -inf, which no crowding distance can hold.
            fitness = 0.0 if outcome.fitness is None else outcome.fitness
            trial.set_constraint("answers", 0.0 if isfinite(fitness) else 1.0)
            self._study.tell(trial, [fitness if isfinite(fitness) else 0.0, *outcome.cost])
        self._n_generations += 1
        return [trial.number for trial in self._sampler.get_parent_population(self._study, self._n_generations)]
