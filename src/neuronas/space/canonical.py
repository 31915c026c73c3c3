"""Canonical form: a key that is equal for two cells exactly if they compute the same function.

Each node of a cell is a sum of atoms, each passed through linear maps and counted with a multiplicity. An atom is the
cell's input or the result of one operation. The effect of an operation on a sum follows from its ``identity``: a copy
leaves it unchanged; a linear map is appended to the maps of each atom; an operation with weights creates a new atom for
each edge; any other function creates an atom identified by the function and its input, so that edges with the same
input share it. Two cells compute the same function, up to the naming of their random weights, if a renaming of the
atoms with weights transforms one system of sums into the other; the key is the smallest description over all renamings.

Cells with backward edges are cyclic; their key is the cleaned cell itself, which is sound (equal keys mean equal
functions) but does not merge every pair of twins.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import permutations, product
from typing import Any

from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.notation import format_genotype


def architecture_key(architecture: Architecture) -> str:
    """Key of an architecture: equal keys mean equal functions. Eight hexadecimal digits per 32 bits, 128 bits."""
    keys = tuple(genotype_key(cell) for cell in architecture.cells)
    description = repr(keys[:1] if len(set(keys)) == 1 else keys)  # equivalent cells at all places count as one cell
    return blake2b(description.encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=1 << 16)
def genotype_key(cell: Genotype) -> str:
    """Key of one cell (see the module's docstring)."""
    cell = cell.cleaned
    if cell.has_backward:
        return format_genotype(cell)
    system = _System(cell)
    return min(map(system.description, system.renamings()))


@dataclass(frozen=True)
class _Applied:
    """Result of a function without weights on a sum; equal for equal sums."""

    operation: str
    terms: frozenset[tuple["_Term", int]]


_Atom = int | _Applied
"""``_INPUT``, the number of an edge with weights, or a function's result."""
_Term = tuple[_Atom, tuple[str, ...]]
"""An atom, and the names of the linear maps applied to it."""
_Sum = Mapping[_Term, int]
"""Terms and their multiplicities."""
_Names = Mapping[int, int]
"""New numbers of the edges with weights."""
_INPUT = -1


class _System:
    """The sums of a cell without backward edges: the input of each edge with weights, and the output."""

    def __init__(self, cell: Genotype):
        self.edges = cell.edges
        self.inputs: dict[int, _Sum] = {}
        nodes: list[_Sum] = []
        for target in range(cell.n_nodes):
            total = Counter[_Term]({(_INPUT, ()): 1} if target == 0 else {})
            for incoming in cell.incoming(target):
                total.update(self._result(incoming.number, nodes[incoming.source]))
            nodes.append(total)
        self.output = nodes[-1]

    def description(self, names: _Names) -> str:
        """Description of the system with its edges renamed; names are numbers from 0."""
        order = sorted(names, key=lambda number: names[number])
        return repr(([self._edge(number, names) for number in order], _described(self.output, names)))

    def renamings(self) -> Iterator[_Names]:
        """Candidate renamings; edges that differ in operation, inputs or uses keep their order.

        Edges are partitioned into classes by their operation and the classes of their inputs, then by the classes of
        the edges that use them; this is repeated until no class is split further (colour refinement).
        """
        classes, n_classes = dict.fromkeys(self.inputs, 0), 0
        while n_classes < (n_found := len(set(classes.values()))) < len(classes):
            n_classes = n_found
            signatures = {number: self._signature(number, classes) for number in classes}
            ranks = {signature: rank for rank, signature in enumerate(sorted(set(signatures.values())))}
            classes = {number: ranks[signatures[number]] for number in classes}
        ties = [[number for number in classes if classes[number] == rank] for rank in sorted(set(classes.values()))]
        for choice in product(*(permutations(group) for group in ties)):
            yield {number: name for name, number in enumerate(number for group in choice for number in group)}

    def _result(self, number: int, source: _Sum) -> _Sum:
        edge = self.edges[number]
        match edge.kind.identity:
            case "copy":
                return source
            case "linear":
                return {(atom, (*maps, edge.operation)): n for (atom, maps), n in source.items()}
            case "weights":
                self.inputs[number] = source
                return {(number, ()): 1}
        return {(_Applied(edge.operation, frozenset(source.items())), ()): 1}

    def _edge(self, number: int, names: _Names) -> tuple[Any, ...]:
        edge = self.edges[number]
        return edge.operation, edge.threshold or 0.0, _described(self.inputs[number], names)

    def _signature(self, number: int, classes: _Names) -> tuple[Any, ...]:
        marked = {**classes, number: -1 - classes[number]}  # individualise the edge in its uses
        uses = tuple(sorted(self._edge(other, marked) for other in self.inputs if other != number))
        return classes[number], self._edge(number, classes), uses, _described(self.output, marked)


def _described(total: _Sum, names: _Names) -> tuple[Any, ...]:
    """Description of a sum with its edges renamed; independent of the order of the terms."""
    return tuple(sorted((_described_atom(atom, names), maps, n) for (atom, maps), n in total.items()))


def _described_atom(atom: _Atom, names: _Names) -> tuple[Any, ...]:
    if isinstance(atom, _Applied):
        return atom.operation, _described(dict(atom.terms), names)
    return ("", ()) if atom == _INPUT else ("", (names[atom],))
