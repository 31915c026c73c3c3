"""Settings of the search; see ``neuronas.config.schema``."""

from typing import Literal

from neuronas.config.needs import Needs
from neuronas.config.registry import ALGORITHMS
from neuronas.config.setting import Before, Section, setting
from neuronas.config.values import BY_ALGORITHM, DESIGN, SEARCH

_FINALISTS = Needs("search.finalists", is_met=bool, expected="--finalists K", verbs=(SEARCH,))


class SearchConfig(Section):
    """Search: the algorithm, and the selection of finalists."""

    algorithm: str = setting("Search algorithm", "neuronas", (SEARCH, DESIGN), choices=ALGORITHMS)
    n_draws: int = setting(
        "Number of candidates drawn by snasnet and evolution", 5000, (SEARCH, DESIGN), needs=BY_ALGORITHM, ge=1
    )
    max_evaluated: int | None = setting(
        "Stop after this many evaluated functions",
        None,
        (SEARCH,),
        is_option=False,
        unset="no limit",
        before=Before.DEFAULT,
        ge=1,
    )
    population: int = setting("Population size of evolution", 100, (SEARCH,), needs=BY_ALGORITHM, ge=2)
    prefer: Literal["fitness", "parameters", "area_mm2", "latency_ms", "energy_uj", "knee"] = setting(
        "How the result is chosen from the Pareto front (evolution, exhaustive)", "fitness", (SEARCH,)
    )
    finalists: int = setting(
        "Number of fittest distinct candidates that are trained briefly; the most accurate one is the result; 0: none",
        0, (SEARCH,), before=Before.DEFAULT, ge=0, le=1000,
    )  # fmt: skip
    finalist_epochs: int = setting(
        "Training epochs of the last finalists", 12, (SEARCH, DESIGN),
        before=Before.DEFAULT, needs=_FINALISTS, ge=1, le=10_000,
    )  # fmt: skip
    finalist_images: int = setting(
        "Maximum number of training images on which finalists are trained and compared", 5000, (SEARCH, DESIGN),
        metavar="IMAGES", before=Before.DEFAULT, needs=_FINALISTS, ge=2,
    )  # fmt: skip
    finalist_eta: int = setting(
        "Reduction factor of halving: one in this many finalists is kept, and trained this many times as long", 2,
        (SEARCH,), is_option=False, before=Before.DEFAULT, needs=_FINALISTS, ge=2, le=100,
    )  # fmt: skip
    finalist_validation: float = setting(
        "Fraction of the finalists' images that is held out to compare them", 0.25, (SEARCH,), is_option=False,
        before=Before.DEFAULT, needs=_FINALISTS, gt=0, lt=1,
    )  # fmt: skip
