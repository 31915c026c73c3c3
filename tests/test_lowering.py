"""The layer graph of an architecture has the layers that are costed; exports of it are tested in ``test_export``."""

import pytest

from neuronas.api.setup.compose import plan
from neuronas.config import given
from neuronas.config.registry import OPERATIONS
from neuronas.errors import ArchitectureError
from neuronas.space.genotype import Architecture, Edge, Genotype, node_pairs
from neuronas.space.lowering import lower
from neuronas.space.node_operations import Neurons, Pool, Sum, Votes, Weights
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import rows
from strategies import draws


def shape_of(architecture: Architecture, head: str = "gap", side: int | tuple[int, int] = 8) -> NetworkShape:
    return NetworkShape(2, side, 3, 4, n_cells=max(2, len(architecture.cells)), head_width=12, head=head)


@pytest.mark.parametrize("head", ["gap", "linear"])
def test_the_graph_has_the_layers_of_the_cost_models(head: str) -> None:
    for architecture in draws(20):
        shape = shape_of(architecture, head)
        graph = lower(architecture, shape)
        work = rows(architecture, shape)
        costed = {
            row.name: (row.out_channels, row.in_channels // row.groups, *(row.kernel,) * 2 * (row.kind == "conv"))
            for row in work
            if row.kind in ("conv", "linear")
        }
        nodes = {
            kind: [node for node in graph.nodes if isinstance(node.operation, kind)] for kind in (Weights, Pool, Sum)
        }
        assert {node.name: graph.weight_shape(node) for node in nodes[Weights]} == costed
        assert {node.name for node in nodes[Pool]} == {row.name for row in work if row.is_pool}
        sums = {node.name: len(node.links) for node in nodes[Sum] if len(node.links) > 1}
        assert sums == {row.name: row.in_channels // row.out_channels for row in work if row.kind == "add"}


@pytest.mark.parametrize(
    ("dataset", "hidden", "outputs", "votes"),
    [("cifar10", 1024, 100, 10), ("cifar100", 1024, 500, 5), ("tiny-imagenet-200", 4096, 1000, 5)],
)
def test_heads_of_snasnet(dataset: str, hidden: int, outputs: int, votes: int) -> None:
    """Defaults of its code (arXiv 2201.10355): ten votes per class for CIFAR-10, five for the others."""
    shape = plan(given({"preset": "paper", "data": {"name": dataset}}, "test")).shape
    graph = lower(parse_architecture("|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|"), shape)
    weights = {node.name: node.operation for node in graph.nodes if isinstance(node.operation, Weights)}
    assert (weights["head.1"].n_out, weights["head.2"].n_out) == (hidden, outputs)
    assert graph.nodes[-1].operation == Votes(votes)
    assert graph.nodes[-1].shape == (shape.n_classes,)


@pytest.mark.parametrize("n_nodes", [3, 4, 5, 6])
@pytest.mark.parametrize("side", [8, (8, 12)])
def test_graphs_are_sound_with_any_number_of_nodes_and_sides(n_nodes: int, side: int | tuple[int, int]) -> None:
    for architecture in draws(5, n_nodes):
        shape = shape_of(architecture, "gap", side)
        graph = lower(architecture, shape)
        graph.check()
        assert graph.nodes[-1].shape == (3,)
        assert graph.by_name["B." + str(n_nodes - 1)].shape == (8, *shape.cell_size(1))
        assert parse_architecture(format_architecture(architecture)) == architecture


def test_edges_that_leave_a_node_share_neurons_of_the_same_threshold() -> None:
    text = "|conv_3x3~0|+|conv_1x1~0|conv_3x3@0.5~1|+|conv_3x3^0|conv_1x1@0.5~1|skip~2|"
    graph = lower(parse_architecture(text), NetworkShape(1, 8, 2, 4, n_cells=1, head="gap"))
    origins = {node.name: node.origin for node in graph.nodes if isinstance(node.operation, Neurons)}
    assert list(origins) == ["A.3.lif.delayed", "A.0.lif", "A.1.lif@0.5", "head.lif"]
    assert [origin and origin.number for origin in origins.values()] == [3, 0, 1, None]
    weights = graph.by_name["A.03"]
    assert weights.links[0].source == "A.3.lif.delayed"
    assert weights.origin
    assert (weights.origin.place, weights.origin.edge, weights.origin.operation) == (0, (0, 3), "conv_3x3")


def test_an_output_that_nothing_reaches_is_an_empty_sum() -> None:
    none = Genotype((Edge("none"),) * 6)
    graph = lower(Architecture((none,)), NetworkShape(1, 8, 2, 4, head="gap"))
    assert graph.by_name["A.3"].links == ()
    assert "A.1" not in graph.by_name


def test_numbers_of_nodes() -> None:
    assert [len(node_pairs(n)) for n in (3, 4, 5, 6)] == [3, 6, 10, 15]
    with pytest.raises(ArchitectureError, match="a cell of 4 edges given; expected 3, 6, 10, 15"):
        Genotype((Edge("skip"),) * 4)
    three, four = (Genotype((Edge("skip"),) * n) for n in (3, 6))
    with pytest.raises(ArchitectureError, match="cells of 3 and 4 nodes given"):
        Architecture((three, four))


def test_operations_say_what_they_are() -> None:
    assert [name for name in OPERATIONS if OPERATIONS[name].has_neurons] == [
        "conv_1x1", "conv_3x3", "conv_5x5", "conv_7x7", "dwconv_3x3",
    ]  # fmt: skip
    assert OPERATIONS["dwconv_3x3"].n_neuron_layers == 2
    assert [OPERATIONS[name].largest_kernel for name in ("skip", "max_pool_3x3", "dwconv_3x3", "conv_7x7")] == [
        0,
        0,
        3,
        7,
    ]
    assert [name for name in OPERATIONS if not OPERATIONS[name].connects] == ["none"]
