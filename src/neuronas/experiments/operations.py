"""Section III-A of NeuroNAS (arXiv 2407.00641): which operations of SNASNet's space matter.

Scenario 1 removes one operation at a time, scenario 2 replaces the 3x3 convolution by 5x5 and by 7x7. Each space is
searched by random draws as SNASNet does, and what was found is trained; all in full precision.
"""

from collections.abc import Iterable, Iterator

from neuronas.experiments.cases import search_and_train
from neuronas.experiments.figures import Figure
from neuronas.experiments.sizes import NEEDS, SIZES, SMALLER
from neuronas.experiments.study import Bench, Study
from neuronas.space.spaces import Space, load_space

_BASE = "snasnet"


def variants() -> Iterator[tuple[str, Space]]:
    """Every space of the study by name, the unchanged one first."""
    base = load_space(_BASE)
    yield "all operations", base
    for removed in base.operations:
        left = tuple(name for name in base.operations if name != removed)
        yield f"without {removed}", base.model_copy(update={"operations": left})
    for larger in ("conv_5x5", "conv_7x7"):
        replaced = tuple(larger if name == "conv_3x3" else name for name in base.operations)
        yield f"{larger} for conv_3x3", base.model_copy(update={"operations": replaced})


def run(bench: Bench) -> Iterable[Figure]:
    """Search and train in each space."""
    for name, space in variants():
        file = _BASE if space == load_space(_BASE) else bench.space(name.replace(" ", "-"), space)
        changes = {"space": file, "network": {"weight_bits": 32}, "search": {"algorithm": "snasnet"}}
        yield from search_and_train(bench, name, changes).figures()


STUDY = Study(
    name="operations",
    shows="what is lost when one operation is removed, or 3x3 becomes 5x5 or 7x7 (section III-A of arXiv 2407.00641)",
    needs=NEEDS,
    takes="small: 15 minutes on one thread; full: 24 trainings on a GPU, not yet run",
    source="arXiv 2407.00641, section III-A",
    difference=f"the paper's figures are not stated in the sources that we have; {SMALLER}",
    run=run,
    sizes=SIZES,
)
