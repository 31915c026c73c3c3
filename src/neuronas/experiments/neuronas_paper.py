"""NeuroNAS (arXiv 2407.00641): effect of its search space and of its memory limit; see ``precision`` for precision.

- ``operations`` (Fig. 8): removes one operation of SNASNet's space at a time, and replaces 3x3 with 5x5 and 7x7.
- ``memory-case-study`` (Fig. 2): SNASNet's search without and with a memory limit.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from neuronas.experiments.earlier_papers import SNASNET, at_full_width, snasnet_accuracy
from neuronas.experiments.figures import Figure
from neuronas.experiments.published import published
from neuronas.experiments.study import Study
from neuronas.space.spaces import Space, load_space

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Case, Pieces

GAIN_OVER_BASE = "accuracy against SNASNet, points"
SIGNIFICANCE, RANK = "significance, points", "rank of significance"
_WITHOUT = "without"


def variants() -> Iterator[tuple[str, Space]]:
    """Every space of the study ``operations`` by name; the unchanged space is first."""
    base = load_space("snasnet")
    yield "all operations", base
    for removed in base.operations:
        left = tuple(name for name in base.operations if name != removed)
        yield f"{_WITHOUT} {removed}", base.model_copy(update={"operations": left})
    for larger in ("conv_5x5", "conv_7x7"):
        replaced = tuple(larger if name == "conv_3x3" else name for name in base.operations)
        yield f"{larger} for conv_3x3", base.model_copy(update={"operations": replaced})


def operations(pieces: "Pieces") -> Iterable[Figure]:
    """Search each space by random draws as SNASNet does, in full precision, and train the networks found.

    The significance of an operation is the accuracy lost without it; for 5x5 and 7x7, which SNASNet's space does not
    contain, the accuracy gained by using them in place of 3x3. Ranks are computed per seed; the highest is 1.
    """
    cases = [pieces.search_and_train(name, {"space": space, **SNASNET}) for name, space in variants()]
    base, *others = cases
    gains = {one.name: _gains(one, base) for one in others}
    significances = {name: [-x for x in own] if name.startswith(_WITHOUT) else own for name, own in gains.items()}
    for case in cases:
        yield from case.figures()
        if case.name in significances:
            own = significances[case.name]
            ranks = [1 + sum(other[seed] > value for other in significances.values()) for seed, value in enumerate(own)]
            yield Figure.of(case.name, SIGNIFICANCE, own)
            yield Figure.of(case.name, RANK, ranks, published().by_dataset(case.name, RANK))


def memory_case_study(pieces: "Pieces") -> Iterable[Figure]:
    """SNASNet without a budget, and with the parameter limit of Fig. 2 at full width; both in full precision.

    At other widths, the limit is the same share of the largest network.
    """
    from neuronas.experiments.hardware_networks import largest_parameters

    base = pieces.search_and_train("SNASNet", {"space": "snasnet", **SNASNET})
    printed = next(one for one in published().select("memory-case-study") if one.quantity == "parameters")
    limit = printed.value / largest_parameters() * pieces.extremes({"space": "snasnet"})[1].parameters
    budgeted = {"space": "snasnet", **SNASNET, "budget": {"max_parameters": limit}}
    limited = pieces.search_and_train(f"memory-aware SNASNet, at most {limit:,.0f} parameters", budgeted)
    for case, accuracy in ((base, snasnet_accuracy()), (limited, None)):
        yield from case.figures(accuracy)
        yield from at_full_width(case.name, case.searched)
    yield Figure.of(limited.name, GAIN_OVER_BASE, _gains(limited, base))


def _gains(one: "Case", base: "Case") -> list[float]:
    """Gain in accuracy per seed, in percentage points."""
    return [own - other for own, other in zip(one.accuracy(), base.accuracy(), strict=True)]


STUDIES = (
    Study("operations", operations),
    Study("memory-case-study", memory_case_study),
)
