"""Fig. 13 of NeuroNAS (arXiv 2407.00641): how long Algorithm 1 searches against random search with 5,000 draws."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from neuronas.api.search import search
from neuronas.experiments.deviations import deviations_of
from neuronas.experiments.published import HEADLINE, published
from neuronas.experiments.study import TimedScale, experiments
from neuronas.runs.document import Document, Finite
from neuronas.runs.observer import Observer, RunEnded
from neuronas.runs.work import Work

SIZES: dict[TimedScale, dict[str, Any]] = {
    "small": {"dataset": "digits", "channels": 4, "batch_size": 16},
    "full": {"dataset": "cifar10"},
}
ENGINES: dict[TimedScale, tuple[str, ...]] = {"small": ("fast", "reference"), "full": ("fast",)}


class TimedSearch(Document):
    """One search.

    Attributes:
        algorithm: ``neuronas`` (Algorithm 1) or ``snasnet`` (random search).
        engine: what computed fitness.
        n_candidates: architectures proposed.
        n_evaluated: distinct functions evaluated.
        seconds: wall-clock time without reading images and building the evaluator.
    """

    algorithm: str
    engine: str
    seed: int
    n_candidates: int
    n_evaluated: int
    fitness: Finite
    seconds: float


class SearchTimeResult(Document):
    """``search-time-SCALE.json``; ``speed_up`` by engine: seconds of random search over those of Algorithm 1."""

    experiment: str = "search-time"
    scale: str
    source: str
    n_draws: int
    published_speed_up: float
    speed_up: dict[str, float]
    searches: tuple[TimedSearch, ...]
    deviations: tuple[str, ...]


def run(
    scale: TimedScale, n_draws: int, n_seeds: int, data_dir: str | None, observer: Observer | None = None
) -> SearchTimeResult:
    """Search with both algorithms, each engine and each seed, every time from nothing.

    Args:
        scale: ``small`` or ``full``.
        n_draws: of random search.
        n_seeds: searches of each kind.
        data_dir: folder of downloaded data sets.
        observer: follows the progress.
    """
    timed = []
    work = Work("reproduce", Path(), "runs", observer)
    work.start(2 * n_seeds * len(ENGINES[scale]))
    with TemporaryDirectory() as folder:
        for seed in range(n_seeds):
            for engine in ENGINES[scale]:
                for algorithm in ("neuronas", "snasnet"):  # budgets bind Algorithm 1; random search has none
                    part = f"{engine}, {algorithm}, seed {seed}"
                    found = search(
                        **SIZES[scale],
                        preset="paper",
                        data_dir=data_dir,
                        engine=engine,
                        algorithm=algorithm,
                        n_draws=n_draws,
                        seed=seed,
                        out=Path(folder) / f"{engine}-{algorithm}-{seed}",
                        observer=work.within(part),
                    ).summary
                    one = TimedSearch(
                        algorithm=algorithm,
                        engine=engine,
                        seed=seed,
                        n_candidates=found.n_candidates,
                        n_evaluated=found.n_evaluated,
                        fitness=found.fitness,
                        seconds=found.seconds,
                    )
                    timed.append(one)
                    text = (
                        f"{part}: {one.seconds:.1f} s, {one.n_candidates:,} candidates, "
                        f"{one.n_evaluated:,} distinct functions, fitness {found.fitness:.6g}"
                    )
                    work.advance(1, part, detail=RunEnded(text))
    factors = {engine: speed_up(timed, engine) for engine in ENGINES[scale]}
    about = experiments()["search-time"]
    result = SearchTimeResult(
        scale=scale,
        source=about.source,
        n_draws=n_draws,
        published_speed_up=published().select("search-time", HEADLINE)[0].value,
        speed_up=factors,
        searches=tuple(timed),
        deviations=deviations_of("search-time", scale),
    )
    work.finish(result)
    return result


def speed_up(searches: list[TimedSearch], engine: str) -> float:
    """Seconds of random search over those of Algorithm 1, summed over the seeds."""
    total = {
        name: sum(one.seconds for one in searches if (one.algorithm, one.engine) == (name, engine))
        for name in ("snasnet", "neuronas")
    }
    return total["snasnet"] / total["neuronas"]
