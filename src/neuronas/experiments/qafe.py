"""Fig. 9 of NeuroNAS (arXiv 2407.00641): full precision, rounding afterwards, quantisation-aware fitness (QaFE).

QaFE searches with quantised weights and trains what was found at the same precision. The other two share a search and
a training in full precision.
"""

from collections.abc import Iterable, Sequence

from neuronas.experiments.cases import ACCURACY, Case, search_and_train
from neuronas.experiments.figures import Figure
from neuronas.experiments.sizes import NEEDS, SIZES, SMALLER
from neuronas.experiments.study import Bench, Study
from neuronas.snn.quantisation import FULL_PRECISION

GAIN = "accuracy against rounding, points"
_BITS = (4, 8)


def _search_and_train(bench: Bench, name: str, bits: int) -> Case:
    return search_and_train(bench, name, {"network": {"weight_bits": bits}})


def _compared(full: Case, quantised: Case) -> Iterable[Figure]:
    """Rounding after training and QaFE at one precision, and their difference seed by seed."""
    rounded = full.accuracy(quantised.bits)
    yield Figure(f"rounded after training, FxP{quantised.bits}", ACCURACY, rounded)
    yield from quantised.figures()
    gain = tuple(one - other for one, other in zip(quantised.accuracy(), rounded, strict=True))
    yield Figure(quantised.name, GAIN, gain)


def compare(bench: Bench, precisions: Sequence[int]) -> Iterable[Figure]:
    """Full precision, rounding and QaFE at several precisions."""
    full = _search_and_train(bench, "float", FULL_PRECISION)
    yield from full.figures()
    for bits in precisions:
        yield from _compared(full, _search_and_train(bench, f"QaFE, FxP{bits}", bits))


def run(bench: Bench) -> Iterable[Figure]:
    """Compare the three ways at 4 and 8 bits."""
    return compare(bench, _BITS)


STUDY = Study(
    name="qafe",
    shows="accuracy in full precision, rounded after training, and with quantisation-aware fitness (Fig. 9)",
    needs=NEEDS,
    takes="small: 12 minutes on one busy thread; full: 9 trainings on a GPU, not yet run",
    source="arXiv 2407.00641, Fig. 9",
    difference=f"the paper's figures are not stated in the sources that we have; {SMALLER}",
    run=run,
    sizes=SIZES,
)
