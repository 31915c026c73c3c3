"""Successive halving: which finalists are trained, and for how many epochs.

Jamieson and Talwalkar, arXiv 1502.07943; with a factor ``eta`` other than 2 as in Hyperband (Li et al., arXiv
1603.06560, algorithm 1): one in ``eta`` candidates survives, and is trained ``eta`` times as long in total.
"""

from math import isfinite

from neuronas.hardware.units import BUDGETED
from neuronas.runs.finalists import Finalist, Rung
from neuronas.runs.history_file import HistoryFile


def rungs(n: int, eta: int, epochs: int) -> tuple[Rung, ...]:
    """The rungs for a number of candidates; the last one compares two to ``eta`` of them.

    The number of survivors is rounded up. A rung has at least one epoch; rungs as long as the one before are left out.

    Args:
        n: number of candidates.
        eta: reduction factor; one in ``eta`` candidates survives.
        epochs: total epochs of the candidates in the last rung.

    Returns:
        the rungs; empty for fewer than two candidates.
    """
    sizes = []
    while n > 1:
        sizes.append(n)
        n = -(-n // eta)
    found: list[Rung] = []
    for number, size in enumerate(sizes):
        length = max(1, round(epochs / eta ** (len(sizes) - 1 - number)))
        if not found or length > found[-1].epochs:
            found.append(Rung(n=size, epochs=length))
    return tuple(found)


def fittest(history: HistoryFile, n: int) -> tuple[Finalist, ...]:
    """The fittest distinct functions of a search within the budget, each as the first candidate that computes it.

    Args:
        history: history of the search. Only fitness on the full batch counts.
        n: maximum number of finalists.
    """
    fitness = history.fitness(screened=False)
    firsts: dict[str, tuple[str, tuple[float, ...]]] = {}
    columns = history.columns("architecture", "key", "rejected", *BUDGETED)
    for architecture, key, rejected, *costs in zip(*columns, strict=True):
        if not rejected and isfinite(fitness.get(key, float("nan"))):
            firsts.setdefault(key, (architecture, tuple(costs)))
    ranked = sorted(firsts, key=lambda key: -fitness[key])[:n]  # stable: ties keep the order of proposal
    return tuple(_finalist(rank, fitness[key], *firsts[key]) for rank, key in enumerate(ranked, start=1))


def _finalist(rank: int, fitness: float, architecture: str, costs: tuple[float, ...]) -> Finalist:
    parameters, area_mm2, latency_ms, energy_uj = costs
    return Finalist(
        rank=rank,
        architecture=architecture,
        fitness=fitness,
        parameters=int(parameters),
        area_mm2=area_mm2,
        latency_ms=latency_ms,
        energy_uj=energy_uj,
    )
