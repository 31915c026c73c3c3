"""Hypothesis strategies for cells and architectures."""

from hypothesis import strategies as st

from neuronas.config.registry import OPERATIONS
from neuronas.space.genotype import NONE, Architecture, Edge, Genotype

FORWARD = [Edge(name) for name in OPERATIONS]


def cells(edges: st.SearchStrategy[Edge]) -> st.SearchStrategy[Genotype]:
    return st.tuples(*[edges] * 6).map(Genotype)


any_edges = st.one_of(
    st.just(NONE),
    st.builds(Edge, st.sampled_from(["skip", "avg_pool_3x3"]), st.none(), st.booleans()),
    st.builds(
        Edge,
        st.sampled_from(["conv_1x1", "conv_3x3", "conv_5x5", "conv_7x7"]),
        st.none() | st.floats(1e-3, 1e3),
        st.booleans(),
    ),
)
any_architectures = st.lists(cells(any_edges), min_size=1, max_size=4).map(lambda found: Architecture(tuple(found)))
forward_cells = cells(st.sampled_from(FORWARD))
neuronas_cells = cells(st.sampled_from([Edge("skip"), Edge("conv_3x3"), Edge("avg_pool_3x3")]))
