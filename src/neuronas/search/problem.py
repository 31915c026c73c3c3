"""Input and result of a search."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from neuronas.errors import InfeasibleError
from neuronas.hardware.budget import Budget, Closest
from neuronas.hardware.cost import CostModel
from neuronas.search.algorithms.base import Outcome
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space


@dataclass(frozen=True)
class Problem:
    """A search problem: the search space, sizes of the network, cost model, and budget.

    Attributes:
        misfits: function that returns the names of the target's limits that an architecture breaks; None: no target.
    """

    space: Space
    shape: NetworkShape
    cost_model: CostModel
    budget: Budget
    misfits: Callable[[Architecture], tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Found:
    """Result of a search.

    Attributes:
        architecture: the chosen architecture.
        fitness: its fitness on the full batch of images.
        n_candidates: number of proposed architectures.
        n_evaluated: distinct functions whose fitness was computed, on the small or the full batch; distinct
            architectures, if the algorithm merges no twins.
        n_full: those of them whose fitness was computed on the full batch.
        rejected: for each limit, the number of candidates that violate it (a candidate may violate several).
        surveyed: all candidates that fit the budget, with fitness, if the algorithm surveys; otherwise empty.
        failed: architectures whose fitness could not be computed, with the reason.
        is_complete: whether the search finished; otherwise its time ran out.
    """

    architecture: Architecture
    fitness: float
    n_candidates: int
    n_evaluated: int
    n_full: int
    rejected: dict[str, int]
    surveyed: tuple[Outcome, ...] = ()
    failed: tuple[tuple[Architecture, str], ...] = ()
    is_complete: bool = True


class NothingFitsError(InfeasibleError):
    """No candidate fits the budget.

    Attributes:
        n_candidates: number of costed candidates.
        closest: sentence about the candidate closest to the budget and its excess.
        missed: the limit with the largest excess of that candidate.
        smallest: smallest value of each quantity over all candidates, as compared with its limit.
    """

    def __init__(self, n_candidates: int, architecture: Architecture, near: Closest, smallest: dict[str, float]):
        self.n_candidates, self.missed, self.smallest = n_candidates, near.name, smallest
        self.closest = f"{near.describe()}: {format_architecture(architecture)}"
        super().__init__(f"none of {n_candidates:,} candidates fits the budget; {self.closest}")


def nothing_on_target(n_candidates: int, n_off_target: int, misfits: Mapping[str, int]) -> InfeasibleError:
    """Build the error for a search of which no candidate fits budget and target chip.

    Args:
        n_candidates: number of costed candidates.
        n_off_target: number of these that meet the budget.
        misfits: number of the latter that break each limit of the chip.
    """
    limits = ", ".join(f"{name} {n:,}" for name, n in sorted(misfits.items(), key=lambda item: -item[1]))
    space = "; for sum, give a --space with operation none" if "sum" in misfits else ""
    return InfeasibleError(
        f"none of {n_candidates:,} candidates fits the target: {n_off_target:,} keep the budget and break limits of "
        f"the chip ({limits}){space}; for the others see what mends one of them: neuronas fit ARCH"
    )
