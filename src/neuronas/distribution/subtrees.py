"""Splits a set of candidates into pieces whose candidates share their first layers.

Sorted by ``space.genotype.edge_order``, a set of candidates is the leaves of a prefix tree: candidates with the same
first layers are adjacent. The work of a candidate is the number of edges that it does not share with its predecessor.
If two neighbours are in different pieces, their common edges are computed twice. Therefore the splits are near equal
shares of the work, where neighbours have the fewest edges in common.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from neuronas.space.genotype import Architecture, EdgeKey, edge_order


def subtrees(architectures: Sequence[Architecture], n_cells: int, n_pieces: int) -> list[list[int]]:
    """Split a set of candidates.

    Args:
        architectures: the candidates.
        n_cells: number of cells of the network.
        n_pieces: maximum number of pieces, at least 1.

    Returns:
        lists of indices into ``architectures``, each in the order of ``edge_order``.
    """
    if not architectures:
        return []
    keys = [edge_order(architecture, n_cells) for architecture in architectures]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    shared = [0, *(_shared(keys[one], keys[other]) for one, other in pairwise(order))]
    done = list(accumulate((max(1, len(keys[index]) - n) for index, n in zip(order, shared, strict=True)), initial=0))
    cuts = _cuts(shared, done, min(n_pieces, len(order)))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def _cuts(shared: Sequence[int], done: Sequence[int], n_pieces: int) -> list[int]:
    """Positions of the splits, ascending; each is the first index of a piece.

    Args:
        shared: for each candidate, the number of edges in common with its predecessor.
        done: cumulative work before each candidate; the last value is the total.
        n_pieces: number of pieces.
    """
    cuts: list[int] = []
    share = done[-1] / n_pieces
    first = 1
    for number in range(1, n_pieces):
        target = number * share
        near = range(
            max(first, bisect_left(done, target - share / 2)), min(len(shared), bisect_right(done, target + share / 2))
        )
        if near:
            cuts.append(min(near, key=lambda place: (shared[place], abs(done[place] - target))))
            first = cuts[-1] + 1
    return cuts


def _shared(one: Sequence[EdgeKey], other: Sequence[EdgeKey]) -> int:
    return next((n for n, (left, right) in enumerate(zip(one, other, strict=True)) if left != right), len(one))
