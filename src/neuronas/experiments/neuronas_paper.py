"""NeuroNAS (arXiv 2407.00641): what its search space, its quantisation-aware fitness (QaFE) and its budgets bring.

- ``operations`` (section III-A): removes one operation of SNASNet's space at a time, and replaces 3x3 by 5x5 and 7x7.
- ``memory-case-study`` (Fig. 2): from SNASNet's networks without budget to NeuroNAS's under one, step by step. What
  exactly the figure plots is not stated in the sources that we have.
- ``qafe`` (Fig. 9) and ``precision`` (Fig. 11): searched and trained at a precision, against rounding afterwards.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from neuronas.config import EVALUATED_BITS, FULL_PRECISION
from neuronas.experiments.earlier_papers import SNASNET, at_full_width
from neuronas.experiments.figures import ACCURACY, MEMORY, PARAMETERS, Figure
from neuronas.experiments.study import Study
from neuronas.space.spaces import Space, load_space

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Pieces

_BITS, _SHARE = 8, 0.5
GAIN = "accuracy against rounding, points"


def variants() -> Iterator[tuple[str, Space]]:
    """Every space of the study ``operations`` by name, the unchanged one first."""
    base = load_space("snasnet")
    yield "all operations", base
    for removed in base.operations:
        left = tuple(name for name in base.operations if name != removed)
        yield f"without {removed}", base.model_copy(update={"operations": left})
    for larger in ("conv_5x5", "conv_7x7"):
        replaced = tuple(larger if name == "conv_3x3" else name for name in base.operations)
        yield f"{larger} for conv_3x3", base.model_copy(update={"operations": replaced})


def operations(pieces: "Pieces") -> Iterable[Figure]:
    """Search in each space by random draws as SNASNet does, in full precision, and train what was found."""
    for name, space in variants():
        yield from pieces.search_and_train(name, {"space": space, **SNASNET}).figures()


def memory_case_study(pieces: "Pieces") -> Iterable[Figure]:
    """SNASNet in full precision; rounded to 8 bits; NeuroNAS at 8 bits; that with half of the largest's parameters."""
    base = pieces.search_and_train("SNASNet, no budget, float", {"space": "snasnet", **SNASNET})
    yield from base.figures()
    yield from at_full_width(base.name, base.searched, ["parameters"])
    rounded = f"the same, rounded to FxP{_BITS}"
    parameters = [one.parameters for one in base.searched]
    yield Figure.of(rounded, PARAMETERS, parameters)
    yield Figure.of(rounded, MEMORY, [_BITS * n / 1000 for n in parameters])
    yield Figure.of(rounded, ACCURACY, base.accuracy(_BITS))
    quantised = {"network": {"weight_bits": _BITS}}
    yield from pieces.search_and_train(f"NeuroNAS, QaFE, FxP{_BITS}", quantised).figures()
    limit = _SHARE * pieces.extremes(quantised)[1].parameters
    budgeted = {**quantised, "search": {"algorithm": "spikenas"}, "budget": {"max_parameters": limit}}
    yield from pieces.search_and_train(f"the same, at most {limit:,.0f} parameters", budgeted).figures()


def at_precisions(pieces: "Pieces", precisions: Sequence[int]) -> Iterable[Figure]:
    """Full precision; then, at each precision, that network rounded and one that was searched and trained so."""
    full = pieces.search_and_train("float", {"network": {"weight_bits": FULL_PRECISION}})
    yield from full.figures()
    for bits in precisions:
        quantised = pieces.search_and_train(f"QaFE, FxP{bits}", {"network": {"weight_bits": bits}})
        rounded, own = full.accuracy(bits), quantised.accuracy()
        yield Figure.of(f"rounded after training, FxP{bits}", ACCURACY, rounded)
        yield from quantised.figures()
        yield Figure.of(quantised.name, GAIN, [one - other for one, other in zip(own, rounded, strict=True)])


STUDIES = (
    Study("operations", operations),
    Study("memory-case-study", memory_case_study),
    Study("qafe", lambda pieces: at_precisions(pieces, (4, 8))),
    Study("precision", lambda pieces: at_precisions(pieces, EVALUATED_BITS)),
)
