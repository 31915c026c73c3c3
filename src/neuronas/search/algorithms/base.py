"""What an algorithm is."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Protocol

from neuronas.config import SearchConfig
from neuronas.errors import ConfigurationError
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
        prepare: raises ConfigurationError where something that it needs is not installed.
    """

    propose: Propose
    budget: Budget
    source: str
    surveys: bool = False
    prepare: Callable[[], object] = lambda: None

    def check(self, settings: SearchConfig) -> None:
        """Find out whether it can be run with these settings.

        Raises:
            ConfigurationError: ``settings.prefer`` needs an algorithm that surveys; or see ``prepare``.
        """
        if settings.prefer != "fitness" and not self.surveys:
            raise ConfigurationError(
                f"--prefer {settings.prefer} given with --algorithm {settings.algorithm}, which looks for fitness "
                "alone; expected --algorithm evolution or exhaustive"
            )
        self.prepare()


def best(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The fittest outcome, the earliest among equals; None if none fits the budget."""
    winner: Outcome | None = None
    highest = -inf
    for outcome in outcomes:
        if outcome.fitness is not None and (winner is None or outcome.fitness > highest):
            winner, highest = outcome, outcome.fitness
    return winner
