"""What the structure of a network alone says of its accuracy: predictors that a fitness has to beat."""

from collections.abc import Callable, Mapping

from neuronas.space.genotype import Architecture, Edge, Genotype

LONGEST_PATH, N_CONVOLUTIONS = "longest path", "convolutions"


def longest_path(architecture: Architecture, n_cells: int) -> int:
    """Most convolutions on one path from input to output, over all cells.

    A path meets no node twice; backward edges are followed from the later to the earlier node.
    """
    return sum(map(_longest, architecture.cleaned.expanded(n_cells)))


def n_convolutions(architecture: Architecture, n_cells: int) -> int:
    """Number of edges with weights over all cells; dead edges do not count."""
    return sum(_has_weights(edge) for cell in architecture.cleaned.expanded(n_cells) for edge in cell.edges)


PREDICTORS: Mapping[str, Callable[[Architecture, int], int]] = {
    LONGEST_PATH: longest_path,
    N_CONVOLUTIONS: n_convolutions,
}


def _longest(cell: Genotype) -> int:
    def back_from(node: int, met: frozenset[int]) -> int | None:
        """Most convolutions on a path from the input to a node that avoids some others; None if there is none."""
        if node == 0:
            return 0
        found = [
            before + _has_weights(incoming.edge)
            for incoming in cell.incoming(node)
            if incoming.source not in met
            and (before := back_from(incoming.source, met | {incoming.source})) is not None
        ]
        return max(found, default=None)

    return back_from(cell.n_nodes - 1, frozenset({cell.n_nodes - 1})) or 0


def _has_weights(edge: Edge) -> bool:
    return edge.kind.identity == "weights"
