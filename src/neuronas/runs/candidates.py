"""All candidates of a search as columns, read from its history."""

from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from pathlib import Path

import numpy as np

from neuronas.config import is_there
from neuronas.errors import VerificationError
from neuronas.hardware.cost import Array
from neuronas.hardware.pareto import non_dominated
from neuronas.hardware.units import BUDGETED
from neuronas.runs.history_file import TARGET, HistorySnapshot


@dataclass(frozen=True)
class Candidates:
    """n candidates in the order of proposal.

    Attributes:
        architectures: their texts.
        costs: each budgeted quantity, [n] in the unit of its name.
        fitness: fitness on the full batch, [n]; NaN where it was not computed or is not finite.
        screened: fitness on the small batch of the screen, [n]; NaN as for ``fitness``.
        rejected: for each candidate, the limits that it breaks.
    """

    architectures: tuple[str, ...]
    costs: dict[str, Array]
    fitness: Array
    screened: Array
    rejected: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.architectures)

    @property
    def n_rejected(self) -> int:
        """Candidates that break any limit."""
        return sum(map(bool, self.rejected))

    def number_of(self, architecture: str) -> int | None:
        """Index (from 0) of the first candidate with this architecture; None if it was not proposed."""
        return self.architectures.index(architecture) if architecture in self.architectures else None

    def breaks(self, name: str) -> tuple[int, int]:
        """Number of candidates that break a limit, and of those that break only this limit."""
        return sum(name in limits for limits in self.rejected), sum(limits == (name,) for limits in self.rejected)

    def representatives(self, most: int) -> list[int]:
        """Indices (from 0) of about ``most`` representative candidates, ascending; all if there are no more.

        The sample contains every candidate on a Pareto front of the costs (with fitness, with screened fitness, with
        both or with neither; among feasible candidates and among all), every improvement, and a regular subsample of
        the rest.
        """
        if len(self) <= most:
            return list(range(len(self)))
        chosen = {number - 1 for number, _ in self.improvements}
        costs = np.stack([self.costs[name] for name in BUDGETED], axis=1)
        fits = ~np.fromiter(map(bool, self.rejected), bool, len(self))
        for group in (fits, np.ones_like(fits)):
            for fitness in ((self.fitness,), (self.screened,), (self.fitness, self.screened), ()):
                points = np.column_stack([*(-one for one in fitness), costs])
                members = np.flatnonzero(group & np.isfinite(points).all(axis=1))
                chosen.update(members[non_dominated(points[members])].tolist())
        return sorted(chosen.union(range(0, len(self), -(-len(self) // most))))

    @cached_property
    def improvements(self) -> tuple[tuple[int, float], ...]:
        """Feasible candidates that were fitter than all before: their numbers (from 1), and their fitness."""
        found: list[tuple[int, float]] = []
        for number, (fitness, limits) in enumerate(zip(self.fitness.tolist(), self.rejected, strict=True), start=1):
            if not limits and fitness == fitness and (not found or fitness > found[-1][1]):
                found.append((number, fitness))
        return tuple(found)


def read_candidates(path: Path) -> Candidates | None:
    """Read a history, which a search may be writing; None if it is missing or has no candidates.

    Raises:
        VerificationError: the file is damaged, or not a history.
        RunDirectoryError: the file cannot be opened.
    """
    if not is_there(path):
        return None
    with closing(HistorySnapshot(path)) as history:
        if history.is_empty:
            return None
        architectures, keys, rejected, *numbers = history.columns("architecture", "key", "rejected", *BUDGETED)
        full, small = history.fitness(screened=False), history.fitness(screened=True)
    if not architectures:
        return None
    if any(set(map(type, column)) != {str} for column in (architectures, keys, rejected)):
        raise VerificationError(f"{path}: a candidate holds no text; the history was changed")
    limits = _limits(path, set(rejected))
    try:
        costs = {name: np.array(column, dtype=np.float64) for name, column in zip(BUDGETED, numbers, strict=True)}
        known = [_of_keys(values, keys) for values in (full, small)]
    except (TypeError, ValueError):
        raise VerificationError(f"{path}: a cost or a fitness is not a number; the history was changed") from None
    if not all(np.isfinite(column).all() for column in costs.values()):
        raise VerificationError(f"{path}: a cost is not finite; the history was changed")
    return Candidates(tuple(architectures), costs, known[0], known[1], tuple(map(limits.__getitem__, rejected)))


def _limits(path: Path, texts: set[str]) -> dict[str, tuple[str, ...]]:
    """The limits named by each text of the column ``rejected``."""
    found = {text: tuple(text.split(",")) if text else () for text in texts}
    for text, names in found.items():
        if not {*BUDGETED, TARGET, ""}.issuperset(names):
            raise VerificationError(f"{path}: a candidate breaks the unknown limit '{text}'; the history was changed")
    return found


def _of_keys(fitness: dict[str, float], keys: list[str]) -> Array:
    values = np.fromiter(map(fitness.get, keys, repeat(np.nan)), np.float64, len(keys))
    values[np.isinf(values)] = np.nan
    return values
