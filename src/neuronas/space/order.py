"""An order of architectures in which neighbours share the longest prefix of their edges."""

from neuronas.space.genotype import Architecture

EdgeKey = tuple[str, float, bool]


def edge_order(architecture: Architecture, n_cells: int) -> tuple[EdgeKey, ...]:
    """Sort key: the edges of all cells from input to output, dead ones left out.

    What an edge computes depends on the edges before it alone: up to where two keys differ, they compute the same.
    """
    return tuple(
        (edge.operation, edge.threshold or 0.0, edge.backward)
        for cell in architecture.cleaned.expanded(n_cells)
        for edge in cell.edges
    )
