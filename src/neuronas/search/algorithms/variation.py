"""How new architectures come from old ones: crossover and mutation, edge by edge."""

from random import Random

from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.spaces import Space


def crossover(first: Architecture, second: Architecture, n_places: int, random: Random) -> Architecture:
    """Take each edge from either parent with equal chance.

    Args:
        first: one parent.
        second: the other.
        n_places: places where a cell of its own may stand.
        random: decides.
    """
    pairs = zip(first.expanded(n_places), second.expanded(n_places), strict=True)
    return Architecture(
        tuple(
            Genotype(tuple(random.choice(edges) for edges in zip(one.edges, other.edges, strict=True)))
            for one, other in pairs
        )
    )


def mutate(architecture: Architecture, space: Space, n_places: int, random: Random) -> Architecture:
    """Draw at least one edge anew; of all edges one on average, beyond the first.

    Args:
        architecture: what to change.
        space: what an edge may hold.
        n_places: places where a cell of its own may stand.
        random: decides.
    """
    edges = [list(cell.edges) for cell in architecture.expanded(n_places)]
    numbers = [(place, number) for place, cell in enumerate(edges) for number in range(len(cell))]
    certain = random.choice(numbers)
    for place, number in numbers:
        if (place, number) == certain or random.random() < 1 / len(numbers):
            edges[place][number] = random.choice(space.edge_choices)
    return Architecture(tuple(Genotype(tuple(cell)) for cell in edges))
