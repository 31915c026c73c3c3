"""Fig. 13 of NeuroNAS (arXiv 2407.00641): the time of its search compared with SNASNet's.

SNASNet as in its tool: its own space of five operations and one cell, FxP32, 5,000 draws, the fitness of its code
over two batches with the neurons of the head. NeuroNAS: its own space, Algorithm 1, the printed fitness, at a low, the
headline's and the highest precision. Each uses the image sides of the papers' data sets, with images of ``--dataset``.
The plain engine evaluates each distinct function separately, as the published tools do for each candidate.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from neuronas.config import merged
from neuronas.experiments.earlier_papers import SNASNET
from neuronas.experiments.figures import Figure
from neuronas.experiments.published import CIFAR, HEADLINE, HIGH, LOW, NEURONAS, TINY_IMAGENET, published
from neuronas.experiments.study import SearchPiece, Settings, Size, Study

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Pieces

PRECISIONS, HEADLINE_BITS = (4, 8, 16), 8
SHAPES = ((1, CIFAR), (2, (TINY_IMAGENET,)))
"""Side of the images as a multiple of CIFAR's, and the data sets with this side."""
SECONDS, CANDIDATES, DISTINCT = "seconds", "candidates", "distinct functions"
FASTER, AT_LEAST, AT_MOST = "times faster", "times faster at the slowest precision", "times faster at the fastest"
EACH = "times faster, equal functions evaluated again"
_FAST, _PLAIN = "fast", "reference"
_QUANTITY = "search, times faster"
_SNASNET_TOOL: Settings = merged(SNASNET, {"space": "snasnet", "fitness": {"name": "sahd-snasnet"}})


def search_time(pieces: "Pieces") -> Iterable[Figure]:
    """Time both searches for each image side and each engine."""
    for factor, datasets in SHAPES:
        side = factor * pieces.size.settings["data"]["image_side"]
        for engine in pieces.size.engines:
            where = f"{side}x{side} pixels, {engine} engine"
            changes: Settings = {"data": {"image_side": side}, "engine": {"name": engine}}
            yield from _compared(pieces, where, changes, datasets)


def _compared(pieces: "Pieces", where: str, changes: Settings, datasets: Sequence[str]) -> Iterable[Figure]:
    base = pieces.search_each(f"SNASNet, FxP32, {where}", merged(_SNASNET_TOOL, changes))
    yield from _figures(base)
    factors = []
    for bits in PRECISIONS:
        own: Settings = {"network": {"weight_bits": bits}, "search": {"algorithm": "neuronas"}}
        found = pieces.search_each(f"NeuroNAS, FxP{bits}, {where}", merged(own, changes))
        yield from _figures(found)
        factors.append([other.seconds / one.seconds for one, other in zip(found, base, strict=True)])
        printed = {f"at most, {one.where}": one.value for one in published().select("search-time", HEADLINE)}
        yield Figure.of(found[0].case, FASTER, factors[-1], printed if bits == HEADLINE_BITS else None)
        if changes["engine"]["name"] == _PLAIN:
            each = [_of_all(other) / _of_all(one) for one, other in zip(found, base, strict=True)]
            yield Figure.of(found[0].case, EACH, each)
    by_seed = list(zip(*factors, strict=True))
    for quantity, extreme, end in ((AT_LEAST, min, LOW), (AT_MOST, max, HIGH)):
        ends = published().by_dataset(NEURONAS, _QUANTITY, end=end)
        printed = {name: value for name, value in ends.items() if name in datasets}
        yield Figure.of(f"NeuroNAS, all precisions, {where}", quantity, map(extreme, by_seed), printed)


def _figures(found: Sequence[SearchPiece]) -> Iterable[Figure]:
    case = found[0].case
    yield Figure.of(case, SECONDS, [one.seconds for one in found])
    yield Figure.of(case, CANDIDATES, [one.n_candidates for one in found])
    yield Figure.of(case, DISTINCT, [one.n_evaluated for one in found])


def _of_all(one: SearchPiece) -> float:
    """Search time in seconds if every candidate took as long as those that were evaluated."""
    return one.seconds / one.n_evaluated * one.n_candidates


def _size(side: int, channels: int, batch_size: int, engines: tuple[str, ...] = (_FAST,), **data: str) -> Size:
    settings = {
        "data": {"image_side": side, **data},
        "network": {"channels": channels},
        "fitness": {"batch_size": batch_size},
        "search": {"n_draws": 5000},
    }
    return Size(settings=settings, n_seeds=3, engines=engines)


STUDY = Study(
    "search-time",
    search_time,
    {
        "small": _size(8, 4, 16, (_FAST, _PLAIN), name="digits"),
        "medium": _size(32, 32, 64),
        "full": _size(32, 128, 256),
    },
    trains=False,
)
