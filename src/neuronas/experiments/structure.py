"""Accuracy predictors from the structure of a network alone, as baselines for a fitness."""

from collections.abc import Callable, Mapping

from neuronas.space.genotype import Architecture

LONGEST_PATH, N_CONVOLUTIONS = "longest path", "convolutions"


def longest_path(architecture: Architecture, n_cells: int) -> int:
    """Most convolutions on one forward path from input to output, over all cells; see ``Genotype.depth``."""
    return sum(cell.depth for cell in architecture.expanded(n_cells))


def n_convolutions(architecture: Architecture, n_cells: int) -> int:
    """Number of edges with weights over all cells; dead edges do not count."""
    return sum(
        edge.kind.identity == "weights" for cell in architecture.cleaned.expanded(n_cells) for edge in cell.edges
    )


PREDICTORS: Mapping[str, Callable[[Architecture, int], int]] = {
    LONGEST_PATH: longest_path,
    N_CONVOLUTIONS: n_convolutions,
}
