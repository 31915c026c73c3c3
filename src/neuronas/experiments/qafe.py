"""Fig. 9 of NeuroNAS (arXiv 2407.00641): full precision, rounding afterwards, quantisation-aware fitness (QaFE).

QaFE searches with quantised weights and trains what was found at the same precision. The other two share a search and
a training in full precision.
"""

from collections.abc import Iterable

from neuronas.experiments.cases import ACCURACY, Case, search_and_train
from neuronas.experiments.figures import Figure
from neuronas.experiments.sizes import NEEDS, SIZES, SMALLER
from neuronas.experiments.study import Bench, Study
from neuronas.snn.quantisation import FULL_PRECISION

GAIN = "accuracy against rounding, points"
_BITS = (4, 8)


def aware(bench: Bench, bits: int) -> Case:
    """Search and train with weights of so many bits."""
    return search_and_train(bench, f"QaFE, FxP{bits}", {"network": {"weight_bits": bits}})


def full_precision(bench: Bench) -> Case:
    """Search and train in full precision."""
    return search_and_train(bench, "float", {"network": {"weight_bits": FULL_PRECISION}})


def compared(full: Case, quantised: Case) -> Iterable[Figure]:
    """Rounding after training and QaFE at one precision, and their difference seed by seed."""
    rounded = full.accuracy(quantised.bits)
    yield Figure(f"rounded after training, FxP{quantised.bits}", ACCURACY, rounded)
    yield from quantised.figures()
    gain = tuple(one - other for one, other in zip(quantised.accuracy(), rounded, strict=True))
    yield Figure(quantised.name, GAIN, gain)


def run(bench: Bench) -> Iterable[Figure]:
    """Compare the three ways at 4 and 8 bits."""
    full = full_precision(bench)
    yield from full.figures()
    for bits in _BITS:
        yield from compared(full, aware(bench, bits))


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
