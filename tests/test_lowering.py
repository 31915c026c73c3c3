"""The layer graph of an architecture: the same as what is trained, exported and costed."""

from random import Random

import pytest

from neuronas.config.registry import OPERATIONS
from neuronas.errors import ArchitectureError
from neuronas.export import graph as exported
from neuronas.export.from_network import graph_of
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.space.genotype import Architecture, Edge, Genotype, node_pairs
from neuronas.space.graph import Graph, Image, Neurons, Node, Pool, Sum, Votes, Weights
from neuronas.space.lowering import lower
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space, load_space, preset_names
from neuronas.space.workload import rows


def draws(n: int, n_nodes: int = 4) -> list[Architecture]:
    """Architectures of every preset space, or with another number of nodes."""
    rng = Random(n_nodes)
    spaces = [load_space(name) for name in preset_names()]
    if n_nodes != 4:
        spaces = [Space.model_validate(space.model_dump() | {"nodes": n_nodes}) for space in spaces]
    return [space.random_architecture(rng) for space in spaces for _ in range(n)]


def shape_of(architecture: Architecture, head: str = "gap", side: int | tuple[int, int] = 8) -> NetworkShape:
    return NetworkShape(2, side, 3, 4, n_cells=max(2, len(architecture.cells)), head_width=12, head=head)


@pytest.mark.parametrize("head", ["gap", "linear"])
def test_the_graph_is_what_a_trained_network_exports(head: str) -> None:
    settings = ClassifierSettings(WeightFormat(8), NeuronParameters(), timesteps=3)
    for architecture in draws(6):
        shape = shape_of(architecture, head)
        graph, written = lower(architecture, shape), graph_of(Classifier(architecture, shape, settings))
        names = dict(zip((node.name for node in written.nodes), (node.name for node in graph.nodes), strict=True))
        for ours, theirs in zip(graph.nodes, written.nodes, strict=True):
            assert described(ours, graph) == described_export(theirs)
            assert [(link.source, link.delayed) for link in ours.links] == [
                (names[link.source], link.delayed) for link in theirs.links
            ]
        assert graph.static == {names[name] for name in written.static()}


def described(node: Node, graph: Graph) -> tuple[object, ...]:
    match node.operation:
        case Weights() as weights:
            return (node.shape, graph.weight_shape(node), weights.stride, weights.normalised)
        case Neurons(threshold, normalised):
            return (node.shape, 1.0 if threshold is None else threshold, normalised)
        case Pool(kernel, stride, padding):
            return (node.shape, kernel[0], stride[0], padding)
        case Image() | Sum() | Votes() as other:
            return (node.shape, type(other).__name__)


def described_export(node: exported.Node) -> tuple[object, ...]:
    match node.operation:
        case exported.Weights() as weights:
            return (node.shape, weights.values.shape, weights.stride, weights.gain is not None)
        case exported.Neurons() as neurons:
            return (node.shape, float(neurons.threshold), neurons.gain is not None)
        case exported.Pool(kernel, stride, padding):
            return (node.shape, kernel, stride, padding)
    return (node.shape, type(node.operation).__name__)


@pytest.mark.parametrize("head", ["gap", "linear"])
def test_the_graph_has_the_layers_of_the_cost_models(head: str) -> None:
    for architecture in draws(20):
        shape = shape_of(architecture, head)
        graph = lower(architecture, shape)
        work = rows(architecture, shape)
        costed = {
            row.name: (row.out_channels, row.in_channels, *(row.kernel,) * 2 * (row.kind == "conv"))
            for row in work
            if row.kind in ("conv", "linear")
        }
        nodes = {
            kind: [node for node in graph.nodes if isinstance(node.operation, kind)] for kind in (Weights, Pool, Sum)
        }
        assert {node.name: graph.weight_shape(node) for node in nodes[Weights]} == costed
        assert {node.name for node in nodes[Pool]} == {row.name for row in work if row.kind == "avg_pool"}
        sums = {node.name: len(node.links) for node in nodes[Sum] if len(node.links) > 1}
        assert sums == {row.name: row.in_channels // row.out_channels for row in work if row.kind == "add"}


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
        "conv_1x1", "conv_3x3", "conv_5x5", "conv_7x7",
    ]  # fmt: skip
    assert [name for name in OPERATIONS if not OPERATIONS[name].connects] == ["none"]
