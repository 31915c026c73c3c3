"""The papers that NeuroNAS builds on.

- ``spikenas`` (SpikeNAS, arXiv 2402.11322): search time against SNASNet and NeuroNAS; accuracy under memory budgets,
  its only budgets; and accuracy loss by its last step, quantisation.
- ``snasnet`` (SNASNet, arXiv 2201.10355): the fittest of random draws, forward and backward cells, no budget.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from neuronas.config import FULL_PRECISION
from neuronas.experiments.figures import ACCURACY, MEMORY, Figure
from neuronas.experiments.published import SNASNET as PAPERS_SNASNET, published
from neuronas.experiments.study import SearchPiece, Study, effort
from neuronas.hardware.units import BUDGETED, UNITS, word
from neuronas.space.notation import parse_architecture

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Pieces

SHARES = (1.0, 0.5, 0.3, 0.15)
"""Budgets as shares of the parameters of the space's largest network."""
SNASNET = {
    "network": {"weight_bits": FULL_PRECISION},
    "fitness": {"n_batches": 2},
    "search": {"algorithm": "snasnet"},
}
"""Settings of SNASNet's search: random draws in full precision, mean fitness over two batches."""
_BITS = 8
_TIMES_FASTER = "search, times faster"
"""Printed speed-up over SNASNet."""


def spikenas(pieces: "Pieces") -> Iterable[Figure]:
    """Time the searches of SNASNet and NeuroNAS; search and train in float under each budget, then round."""
    base = pieces.search_each("SNASNet", {"space": "snasnet", **SNASNET})
    yield from effort("SNASNet", base)
    ours = f"NeuroNAS, FxP{_BITS}"
    yield from _timed(ours, pieces.search_each(ours, {"network": {"weight_bits": _BITS}}), base)
    in_float = {"network": {"weight_bits": FULL_PRECISION}}
    largest = pieces.extremes(in_float)[1].parameters
    for share in SHARES:
        limit = share * largest
        name = f"SpikeNAS, at most {limit:,.0f} parameters ({share:.0%})"
        changes = {**in_float, "search": {"algorithm": "spikenas"}, "budget": {"max_parameters": limit}}
        case = pieces.search_and_train(name, changes)
        yield from _timed(name, case.searched, base, published().by_dataset("SpikeNAS", _TIMES_FASTER))
        yield from case.figures()
        rounded = f"{name}, rounded to FxP{_BITS}"
        yield Figure.of(rounded, MEMORY, [_BITS * one.parameters / 1000 for one in case.searched])
        yield Figure.of(rounded, ACCURACY, case.accuracy(_BITS))


def _timed(
    case: str, found: Sequence[SearchPiece], base: Sequence[SearchPiece], printed: Mapping[str, float] | None = None
) -> Iterable[Figure]:
    yield from effort(case, found)
    factors = [slow.seconds / fast.seconds for slow, fast in zip(base, found, strict=True)]
    yield Figure.of(case, _TIMES_FASTER, factors, printed)


def snasnet(pieces: "Pieces") -> Iterable[Figure]:
    """Search both spaces and train the networks found."""
    for space, name in (("snasnet", "forward cells"), ("snasnet-backward", "forward and backward cells")):
        case = pieces.search_and_train(name, {"space": space, **SNASNET})
        if space == "snasnet":
            yield from case.figures(snasnet_accuracy())
            yield from at_full_width(name, case.searched)
        else:
            yield from case.figures()


def snasnet_accuracy() -> Mapping[str, float]:
    """Test accuracy of SNASNet's networks as NeuroNAS prints it, in percent by data set."""
    return published().by_dataset(PAPERS_SNASNET, "test accuracy", FULL_PRECISION)


def at_full_width(name: str, searched: Iterable[SearchPiece]) -> Iterable[Figure]:
    """Cost of the networks found at 128/256 channels, and the costs that NeuroNAS prints for SNASNet's."""
    from neuronas.experiments.hardware_networks import full_width_cost

    costs = [full_width_cost(parse_architecture(one.architecture), FULL_PRECISION) for one in searched]
    for quantity in BUDGETED:
        title = f"{word(quantity)} at 128 channels, {UNITS[quantity]}".removesuffix(", ")
        printed = published().by_dataset(PAPERS_SNASNET, quantity, FULL_PRECISION)
        yield Figure.of(name, title, [getattr(cost, quantity) for cost in costs], printed)


STUDIES = (Study("spikenas", spikenas), Study("snasnet", snasnet))
