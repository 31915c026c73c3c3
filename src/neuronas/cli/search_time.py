"""``neuronas reproduce search-time``: Algorithm 1 against random search."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from neuronas.api.evaluators import make_evaluators
from neuronas.api.settings import planned
from neuronas.cli import console, options
from neuronas.search.loop import Problem
from neuronas.search.screening import Evaluators

_SMALL = {"dataset": "digits", "channels": 4, "batch_size": 16, "fitness": "sahd"}
_FULL = {"dataset": "cifar10", "fitness": "sahd"}


def search_time(
    scale: Annotated[
        Literal["small", "full"],
        typer.Option(help="small: digits, 4 channels, batch 16, both engines; full: CIFAR-10, the fast engine."),
    ] = "small",
    n_draws: Annotated[int, typer.Option(min=1, help="Of the random search.")] = 5000,
    n_seeds: Annotated[int, typer.Option(min=1, help="Searches of each kind.")] = 1,
    data_dir: Annotated[str | None, typer.Option(metavar="DIR", help="Folder of downloaded data sets.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for search-time-SCALE.json.")] = Path("results"),
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Time Algorithm 1 against random search with the same fitness, once for each engine and seed (Fig. 13)."""
    from neuronas.experiments.search_time import DIFFERENCE, PUBLISHED_SPEED_UP, SOURCE, speed_up, time_searches

    given: dict[str, Any] = {**(_SMALL if scale == "small" else _FULL), "data_dir": data_dir, "exact": True}
    engines = ("fast", "reference") if scale == "small" else ("fast",)
    run = planned("search", given)

    def make(engine: str, seed: int) -> Evaluators:
        return make_evaluators(planned("search", {**given, "engine": engine, "seed": seed}), download=False)

    timings = []
    problem = Problem(run.space, run.shape, run.cost_model, run.budget)
    for one in time_searches(problem, n_draws, range(n_seeds), make, engines):
        timings.append(one)
        if not quiet:
            console.notes.print(
                f"{one.engine}, {one.algorithm}, seed {one.seed}: {one.seconds:.1f} s, "
                f"{one.n_candidates:,} candidates, {one.n_evaluated:,} distinct functions, fitness {one.fitness:.6g}"
            )
    factors = {engine: speed_up(timings, engine) for engine in engines}
    document: dict[str, Any] = {
        "experiment": "search-time",
        "scale": scale,
        "source": SOURCE,
        "n_draws": n_draws,
        "published_speed_up": PUBLISHED_SPEED_UP,
        "speed_up": factors,
        "searches": [asdict(one) for one in timings],
        "difference": DIFFERENCE,
    }
    options.write_document(out, f"search-time-{scale}.json", document)
    if as_json:
        console.print_json(document)
        return
    ours = ", ".join(f"{factor:.1f} with the {engine} engine" for engine, factor in factors.items())
    console.answers.print(f"Algorithm 1 is faster by {ours}; published: up to {PUBLISHED_SPEED_UP}; {DIFFERENCE}")
