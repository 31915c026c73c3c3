"""SpikeNAS (arXiv 2402.11322): accuracy under memory budgets, its only ones."""

from collections.abc import Iterable

from neuronas.experiments.cases import extremes, search_and_train
from neuronas.experiments.figures import Figure
from neuronas.experiments.sizes import NEEDS, SIZES, SMALLER
from neuronas.experiments.study import Bench, Study

SHARES = (1.0, 0.5, 0.3, 0.15)
"""Budgets as shares of the parameters of the space's largest network."""
_ALGORITHM = {"algorithm": "spikenas"}


def run(bench: Bench) -> Iterable[Figure]:
    """Search and train under each budget."""
    largest = extremes(bench, {})[1].parameters
    for share in SHARES:
        limit = share * largest
        changes = {"search": _ALGORITHM, "budget": {"max_parameters": limit}}
        yield from search_and_train(bench, f"at most {limit:,.0f} parameters ({share:.0%})", changes).figures()


STUDY = Study(
    name="spikenas",
    shows="accuracy and parameters under memory budgets (SpikeNAS, arXiv 2402.11322)",
    needs=NEEDS,
    takes="small: 10 minutes on one busy thread; full: 12 trainings on a GPU, not yet run",
    source="arXiv 2402.11322",
    difference=(
        "the paper's budgets and accuracies are not stated in the sources that we have, so budgets are shares of the "
        f"largest network; {SMALLER}"
    ),
    run=run,
    sizes=SIZES,
)
