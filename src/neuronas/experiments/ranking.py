"""Agreement of two rankings of networks: overall, within groups, and in samples."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

SMALLEST_GROUP = 10
"""Smallest group whose rank correlation is used."""
SAMPLE, N_SAMPLES = 200, 500
_SEED = 0  # the same samples for all columns of a table


@dataclass(frozen=True)
class RankAgreement:
    """How well the ranking by a fitness agrees with that by accuracy, over n networks.

    Attributes:
        rho: Spearman's rank correlation; nan if either side is constant.
        tau: Kendall's tau-b; nan if either side is constant.
        regret: accuracy of the best network minus that of the network ranked first, in the accuracies' unit.
    """

    n: int
    rho: float
    tau: float
    regret: float


def agreement(fitness: Sequence[float], accuracy: Sequence[float]) -> RankAgreement:
    """Compare two rankings. Fitness may be ``-inf``. Among equally fit networks, the least accurate is ranked first.

    Args:
        fitness: fitness of each network.
        accuracy: accuracy of each network.
    """
    regret = _regret(np.asarray(fitness), np.asarray(accuracy))
    if len(set(fitness)) < 2 or len(set(accuracy)) < 2:
        return RankAgreement(len(fitness), nan, nan, regret)
    from scipy.stats import kendalltau, spearmanr

    rho, tau = (float(test(fitness, accuracy).statistic) for test in (spearmanr, kendalltau))
    return RankAgreement(len(fitness), rho, tau, regret)


def within_groups(fitness: Sequence[float], accuracy: Sequence[float], groups: Sequence[Hashable]) -> float:
    """Mean of Spearman's rank correlation within groups of networks, weighted by their size.

    Groups smaller than ``SMALLEST_GROUP`` and groups with a constant side are left out; nan if none is left.

    Args:
        fitness: fitness of each network.
        accuracy: accuracy of each network.
        groups: group of each network, such as its depth.
    """
    members: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    found = [
        agreement([fitness[index] for index in one], [accuracy[index] for index in one])
        for one in members.values()
        if len(one) >= SMALLEST_GROUP
    ]
    found = [one for one in found if not isnan(one.rho)]
    return sum(one.n * one.rho for one in found) / sum(one.n for one in found) if found else nan


def sampled_regret(fitness: Sequence[float], accuracy: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of the regret over random samples of ``SAMPLE`` networks; see ``agreement``.

    With at most ``SAMPLE`` networks, the mean is the regret over all of them, and the deviation is 0.
    """
    ranked, reached = np.asarray(fitness), np.asarray(accuracy)
    if len(ranked) <= SAMPLE:
        return _regret(ranked, reached), 0.0
    random = np.random.default_rng(_SEED)
    samples = [random.choice(len(ranked), SAMPLE, replace=False) for _ in range(N_SAMPLES)]
    regrets = [_regret(ranked[chosen], reached[chosen]) for chosen in samples]
    return float(np.mean(regrets)), float(np.std(regrets))


def _regret(fitness: np.ndarray, accuracy: np.ndarray) -> float:
    return float(accuracy.max() - accuracy[fitness == fitness.max()].min())
