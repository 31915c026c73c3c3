"""What an algorithm is."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Protocol

from neuronas.config import SearchConfig
from neuronas.hardware.budget import Budget
from neuronas.space.genotype import Architecture
from neuronas.space.spaces import Space


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a proposal.

    Attributes:
        architecture: without dead edges.
        fitness: None if it breaks the budget or a screen discarded it.
        cost: in the order and units of ``hardware.cost.BUDGETED``.
        excess: cost above each limit as a share of the limit; above 0 is a violation, -inf means no limit.
    """

    architecture: Architecture
    fitness: float | None
    cost: tuple[float, ...]
    excess: tuple[float, ...]


Proposals = Generator[Sequence[Architecture], Sequence[Outcome], None]
"""Yields a batch of architectures and receives one outcome for each, in the same order."""


class Propose(Protocol):
    """Proposes architectures. It must depend on its arguments and the outcomes alone: a resumed search replays it."""

    def __call__(self, space: Space, random: Random, settings: SearchConfig) -> Proposals:
        """Start a search."""
        ...


@dataclass(frozen=True)
class Algorithm:
    """A search algorithm.

    Attributes:
        propose: how it proposes.
        budget: the limits that it sets where the user sets none.
        source: where it was published.
        surveys: it looks for a front of many objectives or a whole ranking, not for the fittest alone. No screen
            discards for it, since a screen sees fitness only; and its run keeps the front and the ranking.
    """

    propose: Propose
    budget: Budget
    source: str
    surveys: bool = False


def best(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The fittest outcome, the earliest among equals; None if none fits the budget."""
    winner: Outcome | None = None
    highest = -inf
    for outcome in outcomes:
        if outcome.fitness is not None and (winner is None or outcome.fitness > highest):
            winner, highest = outcome, outcome.fitness
    return winner
