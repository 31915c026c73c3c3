"""SNASNet (arXiv 2201.10355): the fittest of random draws, with forward cells and with backward ones, no budget."""

from collections.abc import Iterable

from neuronas.experiments.cases import search_and_train
from neuronas.experiments.figures import Figure
from neuronas.experiments.hardware import SNASNET_PRINTED, full_width_cost
from neuronas.experiments.sizes import NEEDS, SIZES, SMALLER
from neuronas.experiments.study import Bench, Searched, Study
from neuronas.hardware.units import UNITS
from neuronas.snn.quantisation import FULL_PRECISION
from neuronas.space.notation import parse_architecture

SETTINGS = {"network": {"weight_bits": FULL_PRECISION}, "search": {"algorithm": "snasnet"}}


def at_full_width(name: str, searched: Iterable[Searched], quantities: Iterable[str]) -> Iterable[Figure]:
    """What the networks found would cost with 128/256 channels, beside what NeuroNAS prints for SNASNet's."""
    costs = [full_width_cost(parse_architecture(one.architecture), FULL_PRECISION) for one in searched]
    for quantity in quantities:
        values = tuple(float(getattr(cost, quantity)) for cost in costs)
        title = f"{quantity.split('_')[0]} at 128 channels, {UNITS[quantity]}".removesuffix(", ")
        yield Figure(name, title, values, SNASNET_PRINTED[quantity])


def run(bench: Bench) -> Iterable[Figure]:
    """Search both spaces and train what was found."""
    for space, name in (("snasnet", "forward cells"), ("snasnet-backward", "forward and backward cells")):
        case = search_and_train(bench, name, {"space": space, **SETTINGS})
        yield from case.figures()
        if space == "snasnet":
            yield from at_full_width(name, case.searched, SNASNET_PRINTED)


STUDY = Study(
    name="snasnet",
    shows="accuracy and cost of the fittest of random draws, forward and backward cells (SNASNet, arXiv 2201.10355)",
    needs=NEEDS,
    takes="small: 9 minutes on one busy thread; full: 6 trainings on a GPU, not yet run",
    source="arXiv 2201.10355; costs as NeuroNAS (arXiv 2407.00641, Fig. 12) prints them for SNASNet on CIFAR, float",
    difference=(
        "the printed costs are those of one network with four convolutions in its cell, three of them 1x1; each seed "
        f"here finds another; SNASNet's accuracies are not stated in the sources that we have; {SMALLER}"
    ),
    run=run,
    sizes=SIZES,
)
