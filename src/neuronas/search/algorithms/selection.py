"""Which candidates survive a generation: NSGA-II (Deb et al., 2002) as Optuna computes it.

Optuna sorts by constrained dominance and by crowding; it never proposes. The objectives are fitness (more is better)
and the four costs (less is better); the excess over each limit is a constraint.
"""

from collections.abc import Sequence
from math import isfinite

import optuna

from neuronas.hardware.cost import BUDGETED
from neuronas.search.algorithms.base import Outcome


class _Elite(optuna.samplers.NSGAIISampler):
    """Selects from whatever a study holds; candidates come from elsewhere."""

    def get_population(self, study: optuna.Study, generation: int) -> list[optuna.trial.FrozenTrial]:
        """Every trial: a study of ours holds one generation and the survivors of those before it."""
        return study.get_trials(deepcopy=False)


class Selection:
    """Keeps the best candidates seen so far.

    Args:
        size: how many survive, and how many candidates a generation has.
        seed: decides what Optuna draws.
    """

    def __init__(self, size: int, seed: int):
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces every study on standard error
        self._sampler = _Elite(population_size=size, seed=seed)
        self._alive: dict[int, Outcome] = {}
        self._n_seen = 0

    def survivors(self, generation: Sequence[Outcome]) -> list[int]:
        """Add a generation and return who survives, numbered in the order in which all candidates were added."""
        numbered = dict(enumerate(generation, self._n_seen)) | dict(sorted(self._alive.items()))
        self._n_seen += len(generation)
        # A study of its own for each generation: one for all would keep the dead, and search them for each candidate.
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
    # A network that answers nothing has the fitness -inf, which no crowding distance can hold.
    fitness = 0.0 if outcome.fitness is None else outcome.fitness
    trial.set_constraint("answers", 0.0 if isfinite(fitness) else 1.0)
    study.tell(trial, [fitness if isfinite(fitness) else 0.0, *outcome.cost])
