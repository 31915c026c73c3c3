"""Fig. 11 of NeuroNAS (arXiv 2407.00641): accuracy at 4 to 16 bits, found and trained at each precision."""

from collections.abc import Iterable

from neuronas.experiments.figures import Figure
from neuronas.experiments.qafe import compare
from neuronas.experiments.sizes import NEEDS, SIZES, SMALLER
from neuronas.experiments.study import Bench, Study
from neuronas.snn.quantisation import BITS


def run(bench: Bench) -> Iterable[Figure]:
    """Search and train at every precision."""
    return compare(bench, BITS)


STUDY = Study(
    name="precision",
    shows="accuracy at FxP4 to FxP16, found and trained at each precision (Fig. 11 of arXiv 2407.00641)",
    needs=NEEDS,
    takes="small: 42 minutes on one busy thread; full: 24 trainings on a GPU, not yet run",
    source="arXiv 2407.00641, Fig. 11",
    difference=f"the paper's accuracies are not stated in the sources that we have; {SMALLER}",
    run=run,
    sizes=SIZES,
)
