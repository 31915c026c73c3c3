"""Canonical form: a key that cells share exactly when they compute the same function.

A cell is linear between its convolutions, so each node is a sum of atoms (the cell's input, or the output of
one convolution), each pooled some number of times and counted with a multiplicity. ``skip`` copies a sum,
``avg_pool`` raises each atom's pooling count (pooling is linear), a convolution makes a new atom. Two cells
compute the same function, up to the naming of their random weights, when a renaming of the convolutions
turns one system of sums into the other; the key is the smallest description over all renamings.

Cells with backward edges are cyclic; their key is the cleaned cell itself, which is sound (equal keys mean
equal functions) but does not merge every pair of twins.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import permutations, product
from typing import Any

from neuronas.space.genotype import N_NODES, NODE_PAIRS, Architecture, Edge, Genotype
from neuronas.space.notation import format_genotype

_INPUT = -1
_Sum = dict[tuple[int, int], int]
"""(atom, pooling count) -> multiplicity; an atom is ``_INPUT`` or the number of a convolution edge."""


def architecture_key(architecture: Architecture) -> str:
    """Key of an architecture: equal keys mean equal functions. Eight hexadecimal digits per 32 bits, 128 bits."""
    keys = tuple(genotype_key(cell) for cell in architecture.cells)
    description = repr(keys[:1] if len(set(keys)) == 1 else keys)  # twins at all places are one cell at all places
    return blake2b(description.encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=1 << 16)
def genotype_key(cell: Genotype) -> str:
    """Key of one cell (see the module's docstring)."""
    cell = cell.cleaned
    if cell.has_backward:
        return format_genotype(cell)
    inputs, output = _sums(cell)
    shapes = {atom: _tree(atom, cell, inputs) for atom in inputs}
    return min(_describe(order, cell, inputs, output) for order in _orders(shapes))


def _sums(cell: Genotype) -> tuple[dict[int, _Sum], _Sum]:
    """Return the sum that enters each live convolution edge, and the sum at the output node."""
    nodes: list[_Sum] = [{(_INPUT, 0): 1}]
    inputs: dict[int, _Sum] = {}
    for high in range(1, N_NODES):
        total: _Sum = {}
        for number, (low, target) in enumerate(NODE_PAIRS):
            if target == high:
                for term, count in _edge_sum(cell.edges[number], number, nodes[low], inputs).items():
                    total[term] = total.get(term, 0) + count
        nodes.append(total)
    return inputs, nodes[-1]


def _edge_sum(edge: Edge, number: int, source: _Sum, inputs: dict[int, _Sum]) -> _Sum:
    kind = edge.kind.kind
    if kind == "none" or not source:
        return {}
    if kind == "skip":
        return source
    if kind == "pool":
        return {(atom, pooled + 1): count for (atom, pooled), count in source.items()}
    inputs[number] = source
    return {(number, 0): 1}


def _tree(atom: int, cell: Genotype, inputs: dict[int, _Sum]) -> tuple[Any, ...]:
    """Name-free description of a convolution: its operation and, recursively, what enters it."""
    if atom == _INPUT:
        return ()
    edge = cell.edges[atom]
    terms = sorted((_tree(source, cell, inputs), pooled, count) for (source, pooled), count in inputs[atom].items())
    return (edge.operation, edge.threshold or 0.0, tuple(terms))


def _orders(shapes: dict[int, tuple[Any, ...]]) -> Iterator[tuple[int, ...]]:
    """All orders of the convolutions that a renaming could produce: sorted by shape, ties in every order."""
    by_shape: dict[tuple[Any, ...], list[int]] = {}
    for atom in sorted(shapes, key=lambda atom: (_depth(shapes[atom]), shapes[atom])):
        by_shape.setdefault(shapes[atom], []).append(atom)
    for choice in product(*(permutations(group) for group in by_shape.values())):
        yield tuple(atom for group in choice for atom in group)


def _depth(shape: tuple[Any, ...]) -> int:
    return 1 + max((_depth(term[0]) for term in shape[2]), default=0) if shape else 0


def _describe(order: tuple[int, ...], cell: Genotype, inputs: dict[int, _Sum], output: _Sum) -> str:
    names = {_INPUT: _INPUT} | {atom: name for name, atom in enumerate(order)}
    rename: Callable[[_Sum], list[tuple[int, int, int]]] = lambda total: sorted(  # noqa: E731
        (names[atom], pooled, count) for (atom, pooled), count in total.items()
    )
    convolutions = [(cell.edges[atom].operation, cell.edges[atom].threshold, rename(inputs[atom])) for atom in order]
    return repr((convolutions, rename(output)))
