"""Tighter budgets than the published ones, which hardly bind: which algorithm finds the fittest network that fits?

Every level limits parameters, area, latency and energy together, each to the same share of the way from the smallest
to the largest network. Algorithm 1 has a fixed number of candidates; random search and evolution then get as many
evaluations as it made (candidates that break a budget cost next to nothing and are not counted). With one seed all see
the same weights and images, so fitness is compared seed by seed.
"""

from collections.abc import Iterable

from neuronas.experiments.cases import extremes
from neuronas.experiments.figures import Figure
from neuronas.experiments.sizes import FULL, SMALL
from neuronas.experiments.study import Bench, Searched, Settings, Size, Study
from neuronas.hardware.cost import BUDGETED

LEVELS = (1.0, 0.5, 0.3, 0.2, 0.1)
NAMES = {"neuronas": "Algorithm 1", "snasnet": "random search", "evolution": "evolution (NSGA-II)"}
_MOST_CANDIDATES = 20_000
_POPULATION = 50


def run(bench: Bench) -> Iterable[Figure]:
    """Search at every level with every algorithm and seed."""
    least, most = extremes(bench, {})
    for level in LEVELS:
        limits = {
            name: getattr(least, name) + level * (getattr(most, name) - getattr(least, name)) for name in BUDGETED
        }
        # Limits are reached exactly by the largest network; rounding must not exclude it.
        budget = {f"max_{name}": limit * (1 + 1e-9) for name, limit in limits.items()}
        base = [_search(bench, "neuronas", seed, level, budget) for seed in bench.seeds]
        yield from _figures(level, "neuronas", base, base)
        for name in ("snasnet", "evolution"):
            pairs = zip(bench.seeds, base, strict=True)
            found = [_search(bench, name, seed, level, budget, one.n_evaluated) for seed, one in pairs]
            yield from _figures(level, name, found, base)


def _search(
    bench: Bench, algorithm: str, seed: int, level: float, budget: Settings, n_evaluated: int | None = None
) -> Searched:
    settings = {"algorithm": algorithm, "n_draws": _MOST_CANDIDATES, "population": _POPULATION}
    config = bench.config(seed, {"search": settings, "budget": budget})
    return bench.search(_case(level, algorithm), config, n_evaluated)


def _case(level: float, algorithm: str) -> str:
    return f"{level:.0%}, {NAMES[algorithm]}"


def _figures(level: float, algorithm: str, found: list[Searched], base: list[Searched]) -> Iterable[Figure]:
    case = _case(level, algorithm)
    yield Figure(case, "fitness", tuple(one.fitness for one in found))
    yield Figure(
        case,
        "more than Algorithm 1",
        tuple(one.fitness - other.fitness for one, other in zip(found, base, strict=True)),
    )
    yield Figure(case, "evaluated", tuple(float(one.n_evaluated) for one in found))
    yield Figure(case, "candidates", tuple(float(one.n_candidates) for one in found))
    yield Figure(case, "energy, µJ", tuple(one.energy_uj for one in found))


STUDY = Study(
    name="constraints",
    shows="fitness under ever tighter budgets for Algorithm 1, random search and evolution at equal evaluations",
    needs="CIFAR-10 images (or others: --dataset)",
    takes="small: 30 minutes on one busy thread; full: hours, not yet run",
    source="no paper: the published budgets (10M parameters, 1000 mm2, 500 ms, 1000 uJ) hardly bind",
    difference=(
        "nothing is published to compare with; of the published budgets only the one on latency binds at 16 bits or "
        "fewer"
    ),
    run=run,
    sizes={
        "small": Size(SMALL.settings, n_seeds=5),
        "full": Size({**FULL.settings, "fitness": {"name": "sahd", "exact": True}}, n_seeds=5),
    },
    trains=False,
)
