"""The memory case study (Fig. 2 of NeuroNAS, arXiv 2407.00641): what SNASNet's networks take, and what helps.

What exactly the figure plots is not stated in the sources that we have. Here: SNASNet's random search without budget in
full precision; the same network rounded to 8 bits; NeuroNAS's operations, algorithm and QaFE at 8 bits; and that with a
budget of half of the largest network's parameters.
"""

from collections.abc import Iterable

from neuronas.experiments.cases import ACCURACY, MEMORY, PARAMETERS, extremes, search_and_train
from neuronas.experiments.figures import Figure
from neuronas.experiments.sizes import NEEDS, SIZES, SMALLER
from neuronas.experiments.snasnet import SETTINGS, at_full_width
from neuronas.experiments.study import Bench, Study

_BITS = 8
_SHARE = 0.5


def run(bench: Bench) -> Iterable[Figure]:
    """Go from SNASNet to NeuroNAS step by step."""
    base = search_and_train(bench, "SNASNet, no budget, float", {"space": "snasnet", **SETTINGS})
    yield from base.figures()
    yield from at_full_width(base.name, base.searched, ["parameters"])
    rounded = f"the same, rounded to FxP{_BITS}"
    parameters = tuple(float(one.parameters) for one in base.searched)
    yield Figure(rounded, PARAMETERS, parameters)
    yield Figure(rounded, MEMORY, tuple(_BITS * n / 1000 for n in parameters))
    yield Figure(rounded, ACCURACY, base.accuracy(_BITS))
    quantised = {"network": {"weight_bits": _BITS}}
    yield from search_and_train(bench, f"NeuroNAS, QaFE, FxP{_BITS}", quantised).figures()
    limit = _SHARE * extremes(bench, quantised)[1].parameters
    yield from search_and_train(
        bench,
        f"the same, at most {limit:,.0f} parameters",
        {**quantised, "search": {"algorithm": "spikenas"}, "budget": {"max_parameters": limit}},
    ).figures()


STUDY = Study(
    name="memory-case-study",
    shows="memory and accuracy from SNASNet's search without budget to NeuroNAS with one (Fig. 2 of arXiv 2407.00641)",
    needs=NEEDS,
    takes="small: 6 minutes on one thread; full: 9 trainings on a GPU, not yet run",
    source="arXiv 2407.00641, Fig. 2; parameters as its Fig. 12 prints them for SNASNet on CIFAR",
    difference=(
        "what exactly the figure plots, and its accuracies, are not stated in the sources that we have; the printed "
        f"parameters are those of one network, here each seed finds another; {SMALLER}"
    ),
    run=run,
    sizes=SIZES,
)
