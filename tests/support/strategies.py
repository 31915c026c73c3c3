"""Cells and architectures: hypothesis strategies, and draws from the search spaces."""

from random import Random

from hypothesis import strategies as st

from neuronas.config.registry import OPERATIONS, SPACES
from neuronas.space.genotype import NONE, Architecture, Edge, Genotype
from neuronas.space.spaces import Space, load_space

FORWARD = [Edge(name) for name in OPERATIONS]


def cells(edges: st.SearchStrategy[Edge]) -> st.SearchStrategy[Genotype]:
    return st.tuples(*[edges] * 6).map(Genotype)


any_edges = st.one_of(
    st.just(NONE),
    st.builds(Edge, st.sampled_from(["skip", "avg_pool_3x3", "max_pool_3x3"]), st.none(), st.booleans()),
    st.builds(
        Edge,
        st.sampled_from(["conv_1x1", "conv_3x3", "conv_5x5", "conv_7x7", "dwconv_3x3"]),
        st.none() | st.floats(1e-3, 1e3),
        st.booleans(),
    ),
)
any_architectures = st.lists(cells(any_edges), min_size=1, max_size=4).map(lambda found: Architecture(tuple(found)))
forward_cells = cells(st.sampled_from(FORWARD))
neuronas_cells = cells(st.sampled_from([Edge("skip"), Edge("conv_3x3"), Edge("avg_pool_3x3")]))


def draws(n: int, n_nodes: int = 4) -> list[Architecture]:
    """Architectures of every preset space and of one with all operations, or with another number of nodes."""
    rng = Random(n_nodes)
    spaces = [*map(load_space, SPACES), Space(operations=tuple(OPERATIONS), backward=True)]
    if n_nodes != 4:
        spaces = [Space.model_validate(space.model_dump() | {"nodes": n_nodes}) for space in spaces]
    return [space.random_architecture(rng) for space in spaces for _ in range(n)]
