"""Selection of survivors by NSGA-II (Deb et al., 2002, doi 10.1109/4235.996017), computed by Optuna.

Optuna sorts candidates by constrained dominance and crowding distance; it does not propose any. The objectives are
fitness (maximised) and the four costs (minimised); the excess over each limit is a constraint.
"""

from collections.abc import Sequence
from math import isfinite

import optuna

from neuronas.hardware.units import BUDGETED
from neuronas.search.algorithms.base import Outcome


class _Elite(optuna.samplers.NSGAIISampler):
    """Selects among all trials of a study, which are added from outside."""

    def get_population(self, study: optuna.Study, generation: int) -> list[optuna.trial.FrozenTrial]:
        """All trials: a study has one generation and the survivors of earlier ones."""
        return study.get_trials(deepcopy=False)


class Selection:
    """Keeps the best candidates of all generations so far.

    Args:
        size: number of survivors, which is also the size of a generation.
        seed: random seed for Optuna.
    """

    def __init__(self, size: int, seed: int):
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would log every new study
        self._sampler = _Elite(population_size=size, seed=seed)
        self._alive: dict[int, Outcome] = {}
        self._n_seen = 0

    def survivors(self, generation: Sequence[Outcome]) -> list[int]:
        """Add a generation; return the numbers of the survivors. Candidates are numbered in the order of addition."""
        numbered = dict(enumerate(generation, self._n_seen)) | dict(sorted(self._alive.items()))
        self._n_seen += len(generation)
        # One study per generation: a common study would keep all discarded candidates and become slow.
        up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
        study = optuna.create_study(directions=[up, *[down] * len(BUDGETED)], sampler=self._sampler)
        for outcome in numbered.values():
            _add(study, outcome)
        numbers = list(numbered)
        chosen = [numbers[trial.number] for trial in self._sampler.select_parent(study, generation=1)]
        self._alive = {number: numbered[number] for number in chosen}
        return chosen


def _add(study: optuna.Study, outcome: Outcome) -> None:
    trial = study.ask()
    for name, excess in zip(BUDGETED, outcome.excess, strict=True):
        trial.set_constraint(name, max(0.0, excess))
    # A network without distinct spike patterns has fitness -inf, with which crowding distances cannot be computed.
    fitness = 0.0 if outcome.fitness is None else outcome.fitness
    trial.set_constraint("answers", 0.0 if isfinite(fitness) and not outcome.is_off_target else 1.0)
    study.tell(trial, [fitness if isfinite(fitness) else 0.0, *outcome.cost])
