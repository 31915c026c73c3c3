"""How well a fitness ranks networks whose accuracy is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau, rankdata


@dataclass(frozen=True)
class Agreement:
    """Agreement of fitness with accuracy over n networks.

    Attributes:
        rho: Spearman's rank correlation; nan where either side is constant.
        tau: Kendall's tau-b; nan likewise.
        regret: accuracy of the best network minus that of the network ranked first, in the accuracies' unit.
    """

    n: int
    rho: float
    tau: float
    regret: float


def agreement(fitness: Sequence[float], accuracy: Sequence[float]) -> Agreement:
    """Compare two rankings. Fitness may be ``-inf``. Of equally fit networks the worst counts as ranked first.

    Args:
        fitness: of each network.
        accuracy: of each network.
    """
    fit, truth = np.asarray(fitness, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    regret = float(truth.max() - truth[fit == fit.max()].min())
    if len(set(fitness)) < 2 or len(set(accuracy)) < 2:
        return Agreement(len(fit), float("nan"), float("nan"), regret)
    rho = float(np.corrcoef(rankdata(fit), rankdata(truth))[0, 1])
    return Agreement(len(fit), rho, float(kendalltau(fit, truth).statistic), regret)
