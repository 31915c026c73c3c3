"""The interface of search algorithms."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Protocol

from neuronas.config import SearchConfig
from neuronas.errors import ConfigurationError
from neuronas.hardware.budget import Budget
from neuronas.hardware.units import BUDGETED
from neuronas.space.genotype import Architecture
from neuronas.space.spaces import Space


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one proposed architecture.

    Attributes:
        architecture: architecture without dead edges.
        fitness: fitness; None if the candidate violates a limit that its batch must keep, or screening discarded it.
        cost: cost, in the order and units of ``hardware.units.BUDGETED``.
        excess: (cost - limit) / limit for each limit; above 0 is a violation, -inf means no limit.
        is_off_target: whether it does not fit the target chip, and so has no fitness.
    """

    architecture: Architecture
    fitness: float | None
    cost: tuple[float, ...]
    excess: tuple[float, ...]
    is_off_target: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Architectures that are proposed together.

    Attributes:
        architectures: proposed architectures, in order.
        checked: names of the limits (of ``BUDGETED``) that an architecture must keep to be evaluated.
    """

    architectures: Sequence[Architecture]
    checked: tuple[str, ...] = BUDGETED

    @classmethod
    def of(cls, proposed: "Batch | Sequence[Architecture]") -> "Batch":
        """Make a batch from what an algorithm yields; a plain sequence of architectures must keep every limit."""
        return proposed if isinstance(proposed, Batch) else cls(proposed)


Proposals = Generator[Batch | Sequence[Architecture], Sequence[Outcome], None]
"""A generator that yields batches of architectures and receives one outcome per architecture, in the same order."""


class Propose(Protocol):
    """Proposes architectures.

    The proposals must depend on the arguments and the outcomes only, because a resumed search replays them.
    """

    def __call__(self, space: Space, random: Random, settings: SearchConfig) -> Proposals:
        """Start a search.

        Args:
            space: the search space.
            random: random number generator of the search.
            settings: resolved settings of the search.
        """
        ...


SCREENING = frozenset({"fitness.screen_batch_size", "fitness.screen_keep"})
"""Settings of the screening on a small batch."""


@dataclass(frozen=True)
class Algorithm:
    """A search algorithm.

    Attributes:
        propose: the generator function.
        budget: default limits, used where the user gives none.
        source: publication of the algorithm.
        surveys: whether it searches for a Pareto front or a ranking, and not only for the fittest candidate. Such a
            search uses no screening (which considers fitness only); its run directory has the front and the ranking.
        prepare: checks requirements; raises ConfigurationError if a required package is not installed.
        grows: whether a search can be resumed with more draws.
        n_batches: number of batches that it proposes, used to estimate the remaining time; None if unknown.
        screens: whether a small batch may discard candidates (``screening``).
        merges_twins: whether architectures that compute the same function are evaluated once.
        above: lower bound that the fitness of the result must exceed; None: no bound.
        reads: settings, such as ``search.n_draws``, that ``propose`` reads, so that others can be named if they are
            given in vain; None: not declared.
    """

    propose: Propose
    budget: Budget
    source: str
    surveys: bool = False
    grows: bool = False
    prepare: Callable[[], object] = lambda: None
    n_batches: Callable[[Space, SearchConfig], int] | None = None
    screens: bool = True
    merges_twins: bool = True
    above: float | None = None
    reads: frozenset[str] | None = None

    @property
    def settings_read(self) -> frozenset[str] | None:
        """Settings that have an effect with some algorithms only, and have one with this; None: not declared."""
        if self.reads is None:
            return None
        return self.reads | (SCREENING if self.screens and not self.surveys else frozenset())

    def check(self, settings: SearchConfig) -> None:
        """Check that the algorithm supports these settings.

        Raises:
            ConfigurationError: ``settings.prefer`` needs an algorithm that surveys, or ``prepare`` failed.
        """
        if settings.prefer != "fitness" and not self.surveys:
            raise ConfigurationError(
                f"--prefer {settings.prefer} given with --algorithm {settings.algorithm}, which ranks by fitness only; "
                "expected --algorithm evolution or exhaustive"
            )
        self.prepare()


def best(outcomes: Sequence[Outcome], above: float | None = None) -> Outcome | None:
    """The outcome of highest fitness, the first of equal ones; None if no outcome has a fitness (above a number)."""
    winner: Outcome | None = None
    highest = -inf if above is None else above
    for outcome in outcomes:
        is_first = winner is None and above is None
        if outcome.fitness is not None and (is_first or outcome.fitness > highest):
            winner, highest = outcome, outcome.fitness
    return winner
