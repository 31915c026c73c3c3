"""Fig. 9 and Fig. 11 of NeuroNAS (arXiv 2407.00641) as a 2x2 design: searched at FxP32 or FxPb, trained at either.

The paper compares a network that is searched and trained in full precision and then rounded with one that is searched
with its quantisation-aware fitness (QaFE) and trained with quantised weights. These differ in two respects. Here each
network found at either precision is trained at both; networks trained at FxP32 are rounded afterwards. With equal
random seeds, the differences between the rows separate the gain of the search from that of the training.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuronas.config import EVALUATED_BITS, FULL_PRECISION
from neuronas.experiments.figures import ACCURACY, MEMORY, PARAMETERS, Figure
from neuronas.experiments.published import NEURONAS, published
from neuronas.experiments.study import Settings, Study, with_seeds
from neuronas.space.canonical import architecture_key
from neuronas.space.notation import parse_architecture

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Case, Pieces
    from neuronas.experiments.study import SearchPiece

SEARCHING, TRAINING = "searching at this precision adds, points", "training at this precision adds, points"
EQUAL = "seeds that find the network of FxP32, %"


@dataclass(frozen=True)
class Way:
    """Precision of search, training and evaluation; ``bits``: weight bits at which accuracy is measured."""

    searched: int
    trained: int
    bits: int

    @property
    def name(self) -> str:
        """Name of the case."""
        rounded = f", rounded to FxP{self.bits}" if self.bits != self.trained else ""
        return f"searched at FxP{self.searched}, trained at FxP{self.trained}{rounded}"


def at(bits: int) -> Settings:
    """Settings for a precision."""
    return {"network": {"weight_bits": bits}}


def two_by_two(pieces: "Pieces", precisions: Sequence[int]) -> Iterable[Figure]:
    """Full precision; then, at each precision, the four combinations and their differences."""
    whole = Way(FULL_PRECISION, FULL_PRECISION, FULL_PRECISION)
    base = pieces.search_and_train(whole.name, at(FULL_PRECISION))
    yield from _figures(whole, base, None)
    for bits in precisions:
        yield from _of_precision(pieces, base, bits)


def _of_precision(pieces: "Pieces", base: "Case", bits: int) -> Iterable[Figure]:
    own = pieces.search_each(f"searched at FxP{bits}", at(bits))
    equal = [_key(one) == _key(other) for one, other in zip(own, base.searched, strict=True)]
    # If two architectures compute the same function, only one is trained.
    found = [
        one.model_copy(update={"architecture": other.architecture}) if same else one
        for one, other, same in zip(own, base.searched, equal, strict=True)
    ]
    cases = {Way(FULL_PRECISION, FULL_PRECISION, bits): base}
    for searched, trained, networks in (
        (FULL_PRECISION, bits, base.searched),
        (bits, FULL_PRECISION, found),
        (bits, bits, found),
    ):
        name = f"searched at FxP{searched}, trained at FxP{trained}"
        cases[Way(searched, trained, bits)] = pieces.train_each(name, at(trained), networks)
    for way, case in cases.items():
        as_printed = way.searched == way.trained == bits
        printed = published().by_dataset(NEURONAS, "test accuracy", bits) if as_printed else None
        yield from _figures(way, case, printed)
        if way.searched == bits:
            yield _gain(SEARCHING, way, Way(FULL_PRECISION, way.trained, bits), cases)
            yield Figure.of(way.name, EQUAL, [100.0 * one for one in equal])
        if way.trained == bits:
            yield _gain(TRAINING, way, Way(way.searched, FULL_PRECISION, bits), cases)


def _gain(quantity: str, way: Way, other: Way, cases: Mapping[Way, "Case"]) -> Figure:
    """Difference in accuracy between two combinations, per seed."""
    values = zip(cases[way].accuracy(way.bits), cases[other].accuracy(way.bits), strict=True)
    return Figure.of(way.name, quantity, [one - less for one, less in values])


def _key(piece: "SearchPiece") -> str:
    return architecture_key(parse_architecture(piece.architecture))


def _figures(way: Way, case: "Case", printed: Mapping[str, float] | None) -> Iterable[Figure]:
    parameters = [one.parameters for one in case.searched]
    yield Figure.of(way.name, PARAMETERS, parameters)
    yield Figure.of(way.name, MEMORY, [way.bits * n / 1000 for n in parameters])
    yield Figure.of(way.name, ACCURACY, case.accuracy(way.bits), printed)


def remarks(figures: Sequence[Figure]) -> tuple[str, ...]:
    """A sentence for each precision: whether the searches differ at all, and which intervals exclude 0."""
    by_place = {(one.case, one.quantity): one for one in figures}
    return tuple(_remark(bits, by_place) for bits in EVALUATED_BITS if (Way(bits, bits, bits).name, EQUAL) in by_place)


def _remark(bits: int, by_place: Mapping[tuple[str, str], Figure]) -> str:
    own = Way(bits, bits, bits).name
    equal, training = by_place[own, EQUAL], by_place[Way(FULL_PRECISION, bits, bits).name, TRAINING]
    n_equal = sum(value == 100 for value in equal.values)
    text = f"FxP{bits}: {n_equal} of {equal.n_seeds} seeds find the network of FxP32"
    if n_equal == equal.n_seeds:
        text += ", so the search at this precision contributes nothing"
    else:
        text += f"; searching at this precision adds {_words(by_place[own, SEARCHING])} to what is trained at it"
    return f"{text}; training at it adds {_words(training)} to what is searched at FxP32"


def _words(figure: Figure) -> str:
    if figure.interval is None:
        return f"{figure.ours:+.1f} points (one seed, no interval)"
    low, high = figure.interval
    verdict = "no difference is shown" if low <= 0 <= high else "more than the seeds differ"
    return f"{figure.ours:+.1f} points [{low:+.1f}, {high:+.1f}] ({verdict})"


STUDIES = (
    Study("qafe", lambda pieces: two_by_two(pieces, (4, 8)), with_seeds(5), remarks=remarks),
    Study("precision", lambda pieces: two_by_two(pieces, EVALUATED_BITS), with_seeds(5), remarks=remarks),
)
