"""Imported networks: files and modules become layers, which cost the same as an architecture with these layers."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from spikingjelly.activation_based import layer, neuron
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import neuronas
from neuronas.cli.main import run as command
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export.formats import format_named
from neuronas.importing import read
from neuronas.importing.read import read_network
from neuronas.space.graph import Graph
from neuronas.space.lowering import lower
from neuronas.space.workload import Layer, graph_rows, rows
from test_export import BACKWARD, CONV, DEAD, POOLS, SKIPS, THRESHOLDS, UNREACHED, content_of, make_network

DEPTHWISE = "|dwconv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|dwconv_3x3~2|"
MAXIMUM = "|max_pool_3x3~0|+|skip~0|max_pool_3x3~1|+|none~0|skip~1|dwconv_3x3~2|"
TEXTS = (CONV, SKIPS, POOLS, THRESHOLDS, UNREACHED, DEPTHWISE, BACKWARD, DEAD, MAXIMUM)
IN_NIR = tuple(text for text in TEXTS if text not in (BACKWARD, DEAD, MAXIMUM))


def unnamed(work: tuple[Layer, ...]) -> Counter[Layer]:
    """Rows without names, in any order."""
    return Counter(replace(row, name="") for row in work)


def exported(text: str, format_name: str, folder: Path, head: str = "gap", n_cells: int = 2) -> tuple[Graph, Path]:
    network, path = make_network(text, head=head, n_cells=n_cells), folder / f"network.{format_name}"
    write, _ = format_named(format_name).load()
    write(content_of(network), path)
    return network.graph, path


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("head", ["gap", "linear"])
def test_the_rows_of_a_lowered_graph_are_those_of_the_architecture(text: str, head: str) -> None:
    network = make_network(text, head=head)
    assert unnamed(graph_rows(lower(network.architecture, network.shape))) == unnamed(
        rows(network.architecture, network.shape)
    )


@pytest.mark.parametrize(
    ("text", "format_name"), [*((text, "onnx") for text in TEXTS), *((text, "nir") for text in IN_NIR)]
)
@pytest.mark.parametrize(("head", "n_cells"), [("gap", 2), ("linear", 2), ("gap", 3)])
def test_an_exported_file_costs_what_its_architecture_does(
    text: str, format_name: str, head: str, n_cells: int, tmp_path: Path
) -> None:
    graph, path = exported(text, format_name, tmp_path, head, n_cells)
    assert unnamed(graph_rows(read_network(path))) == unnamed(graph_rows(graph))
    network = make_network(text, head=head, n_cells=n_cells)
    found = neuronas.estimate(path, weight_bits=8, timesteps=3)
    for name, cost in found.by_all_models().items():
        expected = found.plan.model_named(name).estimate(rows(network.architecture, network.shape))
        for total in ("parameters", "area_mm2", "latency_ms", "energy_uj"):
            assert getattr(cost, total) == pytest.approx(getattr(expected, total), rel=1e-12)
    assert len(found.floorplan().layers) == sum(row.has_weights for row in found.work)


class Residual(nn.Module):
    """A typical SpikingJelly network: a block that adds spikes to spikes (SEW-ResNet)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(layer.Conv2d(3, 16, 3, padding=1), layer.BatchNorm2d(16), neuron.LIFNode())
        self.pool, self.conv = layer.MaxPool2d(2), layer.Conv2d(16, 16, 3, padding=1, bias=False)
        self.norm, self.lif = layer.BatchNorm2d(16), neuron.IFNode()
        self.mean, self.head = layer.AdaptiveAvgPool2d(1), layer.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x))
        return self.head(self.mean(self.lif(self.norm(self.conv(x))) + x).flatten(1))


class LeNet(nn.Module):
    """Valid convolutions, functions instead of layers, and a computed shape."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.f1, self.f2 = nn.Linear(16 * 4 * 4, 120), nn.Linear(120, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.c2(F.max_pool2d(F.relu(self.c1(x)), 2))), 2)
        return self.f2(F.relu(self.f1(x.view(x.size(0), -1))))


LENET = (  # kind, in, out, kernel, in side, out side, reads, spikes per input, preceding neurons
    ("conv", 1, 6, 5, 28, 24, "image", 1, False),
    ("max_pool", 6, 6, 2, 24, 12, "spikes", 1, True),
    ("conv", 6, 16, 5, 12, 8, "spikes", 1, False),
    ("max_pool", 16, 16, 2, 8, 4, "spikes", 1, True),
    ("linear", 256, 120, 1, 1, 1, "spikes", 1, False),
    ("linear", 120, 10, 1, 1, 1, "spikes", 1, True),
)


def shown(row: Layer) -> tuple[object, ...]:
    window = row.in_channels, row.out_channels, row.kernel, row.in_side, row.out_side
    return (row.kind, *window, row.reads, row.n_pooled, row.has_neurons)


def lenet_file(folder: Path) -> Path:
    """LeNet as written by an exporter of PyTorch, with an open batch dimension."""
    path, model = folder / "lenet.onnx", LeNet()
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, list(one.shape), one.detach().numpy().ravel())
        for name, one in model.named_parameters()
    ] + [
        helper.make_tensor("sizes", TensorProto.INT64, [1], [-1]),
        helper.make_tensor("zero", TensorProto.INT64, [], [0]),
    ]
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("Conv", ["x", "c1.weight", "c1.bias"], ["a"], "/c1"),
        helper.make_node("Relu", ["a"], ["b"], "/relu1"),
        helper.make_node("MaxPool", ["b"], ["c"], "/pool1", **window),
        helper.make_node("Conv", ["c", "c2.weight", "c2.bias"], ["d"], "/c2"),
        helper.make_node("Relu", ["d"], ["e"], "/relu2"),
        helper.make_node("MaxPool", ["e"], ["f"], "/pool2", **window),
        helper.make_node("Shape", ["x"], ["g"]),
        helper.make_node("Gather", ["g", "zero"], ["h"]),
        helper.make_node("Unsqueeze", ["h", "zero_axis"], ["i"]),
        helper.make_node("Concat", ["i", "sizes"], ["j"], axis=0),
        helper.make_node("Reshape", ["f", "j"], ["k"]),
        helper.make_node("Gemm", ["k", "f1.weight", "f1.bias"], ["l"], "/f1", transB=1),
        helper.make_node("Relu", ["l"], ["m"], "/relu3"),
        helper.make_node("Gemm", ["m", "f2.weight", "f2.bias"], ["y"], "/f2", transB=1),
    ]
    constants.append(helper.make_tensor("zero_axis", TensorProto.INT64, [1], [0]))
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 28, 28])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 10])
    onnx.save(helper.make_model(helper.make_graph(nodes, "lenet", [given], [out], constants)), path)
    return path


def test_a_module_by_hand() -> None:
    found = neuronas.estimate(LeNet(), input_shape=(1, 28, 28), timesteps=4)
    assert tuple(map(shown, found.work)) == LENET
    assert found.text == found.report.architecture == "LeNet"
    assert repr(found).startswith("<estimate: of LeNet, parameters 34,470")
    assert "<table" in found._repr_html_()
    assert found.cost.parameters == 25 * 6 + 25 * 6 * 16 + 256 * 120 + 120 * 10


def test_a_file_of_another_exporter_by_hand(tmp_path: Path) -> None:
    found = neuronas.estimate(lenet_file(tmp_path))
    assert tuple(map(shown, found.work)) == LENET
    assert [row.name for row in found.work] == ["/c1", "/pool1", "/c2", "/pool2", "/f1", "/f2"]


def test_a_sum_of_spikes_is_read_as_counts() -> None:
    work = neuronas.estimate(Residual(), input_shape=(3, 32, 32)).work
    assert [(row.name, row.kind, row.reads, row.n_pooled, row.has_neurons) for row in work] == [
        ("stem.0", "conv", "image", 1, False),
        ("pool", "max_pool", "spikes", 1, True),
        ("conv", "conv", "spikes", 1, False),
        ("lif", "lif", "spikes", 1, True),  # no layer reads only these spikes
        ("add", "add", "values", 1, False),
        ("mean", "avg_pool", "spikes", 2, False),
        ("head", "linear", "spikes", 2 * 16 * 16, False),
    ]


def test_linear_layers_alone_are_costed_and_the_paper_model_counts_none() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    costs = neuronas.estimate(network, input_shape=(1, 8, 8)).by_all_models()
    assert costs["mapped"].parameters == 64 * 32 + 32 * 10
    assert costs["paper"].parameters == costs["paper"].area_mm2 == 0


def test_a_trained_network_of_ours_is_its_graph() -> None:
    network = make_network(CONV)
    assert neuronas.estimate(network).architecture == network.graph


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softmax(1)), "layer '1' of type Softmax: unsupported"),
        (nn.Sequential(nn.Conv2d(3, 4, 3, dilation=2)), "layer '0' of type Conv2d: dilation 2 given"),
        (nn.Sequential(nn.Conv2d(3, 4, (1, 3))), r"layer '0' of type Conv2d: kernel \[1, 3\] given"),
        (nn.Sequential(nn.Conv2d(4, 4, 3)), r"layer '0' of type Conv2d: weights of shape \[4, 4, 3, 3\] given"),
        (nn.Sequential(nn.Conv2d(3, 4, 9)), "layer '0' of type Conv2d: image of .* pixels given"),
        (nn.Sequential(nn.ReLU()), "no convolution or linear layer"),
        (nn.Sequential(*[nn.Conv2d(3, 3, 3)] * 2), "layer '0' of type Conv2d: called twice"),
    ],
)
def test_what_cannot_be_costed_is_named(network: nn.Module, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        neuronas.estimate(network, input_shape=(3, 8, 8))
    assert "\n" not in str(caught.value)


def test_settings_of_architectures_are_refused(tmp_path: Path) -> None:
    path = lenet_file(tmp_path)
    for options in ({"channels": 8}, {"dataset": "digits"}, {"assignments": ["network.head=gap"]}):
        with pytest.raises(ConfigurationError, match="network of your own"):
            neuronas.estimate(path, **options)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="input_shape"):
        neuronas.estimate(LeNet())
    with pytest.raises(ConfigurationError, match="input_shape"):
        neuronas.estimate(CONV, input_shape=(1, 8, 8))
    with pytest.raises(ConfigurationError, match="expected an architecture, a path"):
        neuronas.estimate(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["onnx", "nir"])
def test_a_damaged_file_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"network.{ending}"
    with pytest.raises(ConfigurationError, match="not found"):
        read_network(path)
    for content in (b"", b"no network"):
        path.write_bytes(content)
        with pytest.raises(VerificationError, match="cannot be read"):
            read_network(path)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"needs onnx; run: pip install 'neuronas\[export\]'"):
        read_network(lenet_file(tmp_path))


def test_the_command_costs_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, plan = lenet_file(tmp_path), tmp_path / "plan.json"
    sweep = ["--sweep", "crossbar_size=64,128", "--floorplan", str(plan)]
    assert command(["estimate", str(path), "--json", "--hardware", "isaac-rram", "--weight-bits", "8", *sweep]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["architecture"] == "lenet.onnx"
    assert document["weight_bits"] == 8
    assert len(document["layers"]) == len(LENET)
    assert document["other_model"]["parameters"] == 25 * 6 + 25 * 6 * 16
    assert {tile["layer"] for tile in json.loads(plan.read_text())["tiles"]} == {"/c1", "/c2", "/f1", "/f2"}
    assert command(["estimate", str(path), "--input-shape", "1,32"]) == 2
    assert "expected channels, height and width" in capsys.readouterr().err
