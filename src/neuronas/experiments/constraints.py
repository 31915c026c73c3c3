"""Tighter budgets than the published ones, which hardly bind: which algorithm finds the fittest feasible network?

Every level limits parameters, area, latency and energy together, each to the same position between the smallest and the
largest network. Algorithm 1 has a fixed number of candidates; random search and evolution get the same number of
evaluations (candidates that exceed a budget take little time and are not counted). With the same seed, all use the same
weights and images, so fitness is compared seed by seed.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from neuronas.experiments.figures import Figure
from neuronas.experiments.study import SearchPiece, Study, with_seeds
from neuronas.hardware.units import BUDGETED

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Pieces

LEVELS = (1.0, 0.5, 0.3, 0.2, 0.1)
NAMES = {"neuronas": "Algorithm 1", "snasnet": "random search", "evolution": "evolution (NSGA-II)"}
_MOST_CANDIDATES, _POPULATION = 20_000, 50


def run(pieces: "Pieces") -> Iterable[Figure]:
    """Search at every level with every algorithm and seed."""
    least, most = pieces.extremes({})
    for level in LEVELS:
        limits = {
            name: getattr(least, name) + level * (getattr(most, name) - getattr(least, name)) for name in BUDGETED
        }
        # Limits are reached exactly by the largest network; rounding must not exclude it.
        budget = {f"max_{name}": limit * (1 + 1e-9) for name, limit in limits.items()}
        base: list[SearchPiece] = []  # of Algorithm 1, whose evaluations limit the others
        for algorithm, title in NAMES.items():
            case = f"{level:.0%}, {title}"
            search = {"algorithm": algorithm, "n_draws": _MOST_CANDIDATES, "population": _POPULATION}
            efforts: list[int | None] = [one.n_evaluated for one in base] or [None] * len(pieces.seeds)
            found = [
                pieces.search(case, seed, {"search": {**search, "max_evaluated": effort}, "budget": budget})
                for seed, effort in zip(pieces.seeds, efforts, strict=True)
            ]
            base = base or found
            yield from _figures(case, found, base)


def _figures(case: str, found: Sequence[SearchPiece], base: Sequence[SearchPiece]) -> Iterable[Figure]:
    gain = [one.fitness - other.fitness for one, other in zip(found, base, strict=True)]
    yield Figure.of(case, "fitness", [one.fitness for one in found])
    yield Figure.of(case, "more than Algorithm 1", gain)
    yield Figure.of(case, "evaluated", [one.n_evaluated for one in found])
    yield Figure.of(case, "candidates", [one.n_candidates for one in found])
    yield Figure.of(case, "energy, µJ", [one.energy_uj for one in found])


STUDY = Study(
    "constraints",
    run,
    with_seeds(5),
    trains=False,
)
