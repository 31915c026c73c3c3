"""Imported networks with their weights compute the same as the file or module."""

from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.nir_exchange import import_from_nir
from torch import Tensor, nn

from neuronas.config import FULL_PRECISION
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export.formats import format_named
from neuronas.importing.module import read_module_arrays
from neuronas.importing.read import read_network, read_network_arrays
from neuronas.snn.imported import ImportedNetwork
from neuronas.snn.imported_network import ImportedClassifier
from neuronas.snn.trainable import WeightFormat
from test_export import content_of, make_network
from test_own_network import IN_NIR, TEXTS, LeNet, Residual, lenet_file

FORMS = (WeightFormat(8), WeightFormat(4, "lsq-channel"), WeightFormat(32))


def computed(network: ImportedNetwork, images: Tensor, timesteps: int = 1, bits: int = FULL_PRECISION) -> Tensor:
    with torch.no_grad():
        return ImportedClassifier(network, timesteps, bits).eval()(images)


@pytest.mark.parametrize(
    ("text", "format_name"), [*((text, "onnx") for text in TEXTS), *((text, "nir") for text in IN_NIR)]
)
@pytest.mark.parametrize(("head", "n_cells"), [("gap", 2), ("linear", 2), ("gap", 3)])
def test_an_exported_file_computes_what_its_network_does(
    text: str, format_name: str, head: str, n_cells: int, tmp_path: Path
) -> None:
    images = torch.randn(16, 2, 8, 8, generator=torch.Generator().manual_seed(3))
    for form in FORMS:
        network, path = make_network(text, form, head, n_cells), tmp_path / f"{form.bits}.{format_name}"
        write, _ = format_named(format_name).load()
        write(content_of(network), path)
        found = read_network_arrays(path, (9, 9, 9))
        with torch.no_grad():
            expected = network(images)
        assert torch.allclose(computed(found, images, 3, form.bits).expand_as(expected), expected, atol=1e-5)
        about = found.recorded
        assert (about.timesteps, about.mean, about.std) == (3, (0.5, 0.5), (0.25, 0.25))
        assert about.weight_bits == (None if form.bits == FULL_PRECISION else form.bits)


def randomised(module: nn.Module) -> nn.Module:
    """A module in evaluation mode with effective batch normalisation."""
    generator = torch.Generator().manual_seed(4)
    for norm in module.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            for values in (norm.running_mean, norm.weight.data, norm.bias.data):
                values.copy_(torch.randn(values.shape, generator=generator))
            norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=generator) + 0.1)
    return module.eval()


class PreActivation(nn.Module):
    """Batch normalisation in all places: before and after layers, and on a value that is also read without it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.inner, self.last = nn.BatchNorm2d(3), nn.BatchNorm2d(4), nn.BatchNorm1d(4)
        self.c1 = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.c2, self.n2 = nn.Conv2d(4, 4, 2, groups=2, bias=False), nn.BatchNorm2d(4)
        self.relu, self.fc = nn.ReLU(), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.c1(self.first(x))
        y = self.n2(self.c2(self.relu(self.inner(x) + 0.5)))
        y = self.relu(y) + nn.functional.avg_pool2d(x, 2, 1)
        return self.fc(self.last(torch.relu(y).mean((2, 3))))


@pytest.mark.parametrize(
    "make",
    [
        LeNet,
        PreActivation,
        lambda: nn.Sequential(nn.Conv2d(3, 4, 5, padding=3), nn.ReLU6(), nn.AdaptiveMaxPool2d(1), nn.Flatten()),
        lambda: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(3 * 64), nn.Linear(3 * 64, 4), nn.BatchNorm1d(4)),
    ],
)
def test_a_module_of_relu_by_torch(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module = randomised(make())
    shape = (1, 28, 28) if isinstance(module, LeNet) else (3, 8, 8)
    images = 3 * torch.randn(8, *shape)
    with torch.no_grad():
        expected = module(images)
    found = read_module_arrays(module, shape)
    assert not found.is_spiking
    assert torch.allclose(computed(found, images)[0], expected, atol=1e-4)
    rounded = computed(found, images, bits=12)[0]
    assert 0 < float((rounded - expected).abs().max()) < 0.02 * float(expected.abs().max())


@pytest.mark.parametrize("kind", [neuron.LIFNode, neuron.ParametricLIFNode, neuron.IFNode])
@pytest.mark.parametrize("v_reset", [0.0, -0.1, None])
@pytest.mark.parametrize("decay_input", [True, False])
def test_a_module_of_spikes_by_spikingjelly(kind: type[nn.Module], v_reset: float | None, decay_input: bool) -> None:
    torch.manual_seed(1)
    more = {} if kind is neuron.IFNode else {"decay_input": decay_input}
    module = randomised(
        nn.Sequential(
            layer.Conv2d(3, 8, 3, padding=1),
            layer.BatchNorm2d(8),
            kind(v_reset=v_reset, v_threshold=0.4, **more),
            layer.AvgPool2d(2),
            layer.Flatten(),
            layer.Linear(8 * 16, 6),
            kind(v_reset=v_reset, v_threshold=0.05, **more),
        )
    )
    images = torch.randn(8, 3, 8, 8)
    module[5].weight.data *= 5
    with torch.no_grad():
        expected = torch.stack([module(images) for _ in range(6)])
    found = read_module_arrays(module, (3, 8, 8))
    assert found.is_spiking and 0.01 < float(expected.mean()) < 0.99
    assert torch.equal(computed(found, images, 6), expected)
    functional.reset_net(module)


def test_a_block_that_adds_spikes_to_spikes() -> None:
    torch.manual_seed(2)
    module = randomised(Residual())
    images = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        expected = torch.stack([module(images) for _ in range(3)])
    assert torch.allclose(computed(read_module_arrays(module, (3, 32, 32)), images, 3), expected, atol=1e-6)


def onnx_file(path: Path, nodes: list[onnx.NodeProto], shapes: dict[str, tuple[int, ...]], n_classes: int = 4) -> Path:
    """A file with random constants of given shapes, and an input of 3 x 8 x 8 pixels."""
    drawn = np.random.default_rng(5)
    constants = [
        numpy_helper.from_array((drawn.random(shape) + 0.2).astype(np.float32), name) for name, shape in shapes.items()
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
        for name, shape in (("x", (3, 8, 8)), ("y", (n_classes,)))
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


MIXED = [
    helper.make_node("Sub", ["x", "mean"], ["a0"]),
    helper.make_node("Div", ["a0", "std"], ["a1"]),
    helper.make_node("Conv", ["a1", "w1"], ["a2"], strides=[2, 2], pads=[1, 1, 1, 1]),
    helper.make_node("BatchNormalization", ["a2", "s", "b", "m", "v"], ["a3"], epsilon=1e-3),
    helper.make_node("Clip", ["a3", "zero", "six"], ["a4"]),
    helper.make_node("Mul", ["a4", "scale"], ["a5"]),
    helper.make_node("Add", ["shift", "a5"], ["a6"]),
    helper.make_node("Sub", ["one", "a6"], ["a7"]),
    helper.make_node("AveragePool", ["a7"], ["a8"], kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("Flatten", ["a8"], ["a9"]),
    helper.make_node("Transpose", ["w2"], ["w2t"], perm=[1, 0]),
    helper.make_node("MatMul", ["a9", "w2t"], ["b0"]),
    helper.make_node("Add", ["b0", "bias"], ["b1"]),
    helper.make_node("Relu", ["b1"], ["b2"]),
    helper.make_node("Gemm", ["b2", "w3", "c3"], ["y"], alpha=0.5, beta=2.0),
]
MIXED_SHAPES = {
    "mean": (1, 3, 1, 1), "std": (3, 1, 1), "w1": (6, 3, 3, 3), **dict.fromkeys("sbmv", (6,)), "scale": (6, 1, 1),
    "shift": (), "one": (1,), "w2": (10, 24), "bias": (10,), "w3": (10, 4), "c3": (4,), "zero": (), "six": (),
}  # fmt: skip


def with_limits(path: Path) -> Path:
    """ReLU6's limits instead of random ones."""
    model = onnx.load(path)
    for name, value in (("zero", 0), ("six", 6)):
        (one,) = [one for one in model.graph.initializer if one.name == name]
        one.CopyFrom(numpy_helper.from_array(np.array(value, np.float32), name))
    onnx.save(model, path)
    return path


def run_onnx(path: Path, images: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    return torch.from_numpy(found)


def test_files_of_other_exporters_by_onnxruntime(tmp_path: Path) -> None:
    images = torch.randn(5, 1, 28, 28, generator=torch.Generator().manual_seed(6))
    path = lenet_file(tmp_path)
    assert torch.allclose(
        computed(read_network_arrays(path, (1, 28, 28)), images)[0], run_onnx(path, images), atol=1e-5
    )
    path = with_limits(onnx_file(tmp_path / "mixed.onnx", MIXED, MIXED_SHAPES))
    images = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(7))
    found = read_network_arrays(path, (3, 8, 8))
    assert torch.allclose(computed(found, images)[0], run_onnx(path, images), rtol=1e-4, atol=1e-3)
    assert read_network(path).nodes[0].shape == (3, 8, 8)
    assert len(found.graph.nodes) > len(read_network(path).nodes)  # scalings that no layer can include


class ResidualBlock(nn.Module):
    """As in ResNet: one ReLU module called twice, an in-place sum, a strided shortcut."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out)
        self.c2, self.n2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out)
        self.shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.n2(self.c2(self.relu(self.n1(self.c1(x)))))
        y += self.shortcut(x)
        return self.relu(y)


@pytest.mark.filterwarnings("ignore")  # PyTorch's exporter without further dependencies is deprecated
@pytest.mark.parametrize("folds", [True, False])
def test_a_residual_network_as_pytorch_exports_it(folds: bool, tmp_path: Path) -> None:
    torch.manual_seed(3)
    module = randomised(
        nn.Sequential(
            nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
            ResidualBlock(8, 8, 1), ResidualBlock(8, 16, 2),
            nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(16, 5),
        )
    )  # fmt: skip
    images, path = torch.randn(2, 3, 32, 32), tmp_path / "network.onnx"
    with torch.no_grad():
        expected = module(images)
    mode = torch.onnx.TrainingMode.EVAL if folds else torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(module, (images,), path, dynamo=False, training=mode, do_constant_folding=folds)
    for found in (read_module_arrays(module, (3, 32, 32)), read_network_arrays(path, (3, 32, 32))):
        assert torch.allclose(computed(found, images)[0], expected, rtol=1e-4, atol=1e-4)
        assert not found.scalings


@pytest.mark.parametrize(
    ("nodes", "shapes", "message"),
    [
        (
            [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Greater", ["a", "t"], ["b"], "spike")],
            {"w": (4, 3, 8, 8), "t": ()},
            "layer 'spike' of type Greater: comparison without LIF",
        ),
        (
            [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Clip", ["a", "t", "u"], ["b"], "clip")],
            {"w": (4, 3, 8, 8), "t": (), "u": ()},
            "layer 'clip' of type Clip: limits",
        ),
        (
            [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Mul", ["a", "t"], ["b"], "mul")],
            {"w": (4, 3, 7, 7), "t": (4,)},
            "layer 'mul' of type Mul: constants of shape",
        ),
    ],
)
def test_layers_of_onnx_that_cannot_be_simulated(
    nodes: list[onnx.NodeProto], shapes: dict[str, tuple[int, ...]], message: str, tmp_path: Path
) -> None:
    last = helper.make_node("Cast", ["b"], ["c"], to=TensorProto.FLOAT)
    path = onnx_file(tmp_path / "bad.onnx", [*nodes, last, helper.make_node("Flatten", ["c"], ["y"])], shapes)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_network_arrays(path, (3, 8, 8))
    assert "\n" not in str(caught.value)


def nir_file(path: Path, nodes: dict[str, nir.NIRNode]) -> Path:
    """A chain of nodes."""
    chain = {"input": nir.Input(np.array([3, 8, 8])), **nodes, "output": nir.Output(np.array([4]))}
    names = list(chain)
    nir.write(path, nir.NIRGraph(chain, list(pairwise(names))))
    return path


def nir_layers(neurons: nir.NIRNode) -> dict[str, nir.NIRNode]:
    drawn = np.random.default_rng(8)
    weights = drawn.normal(size=(6, 3, 3, 3)).astype(np.float32)
    matrix = drawn.normal(size=(4, 96)).astype(np.float32)
    return {
        "conv": nir.Conv2d((8, 8), weights, 1, 1, 1, 1, drawn.normal(size=6).astype(np.float32)),
        "fire": neurons,
        "pool": nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([6, 4, 4])}, 0, -1),
        "fc": nir.Affine(matrix, drawn.normal(size=4).astype(np.float32)),
    }


def full(value: float) -> np.ndarray:
    return np.full((6, 8, 8), value)


@pytest.mark.parametrize(
    "neurons",
    [
        nir.LIF(full(3e-4), full(1.0), full(-0.2), full(0.9), full(-0.2)),
        nir.LIF(full(3e-4), full(3.0), full(0.0), full(0.9), full(0.0)),  # decay_input=False
        nir.IF(full(1e4), full(2.0), full(0.1)),
    ],
)
def test_a_nir_file_by_spikingjelly(neurons: nir.NIRNode, tmp_path: Path) -> None:
    path = nir_file(tmp_path / "network.nir", nir_layers(neurons))
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    network, state, expected = import_from_nir(nir.read(path), dt=1e-4), None, []
    with torch.no_grad():
        for _ in range(5):
            scores, state = network(images, state)
            expected.append(scores)
    assert torch.allclose(computed(read_network_arrays(path, (3, 8, 8)), images, 5), torch.stack(expected), atol=1e-5)


def test_pixels_in_a_row_are_an_image(tmp_path: Path) -> None:
    """Typical for fully connected networks: an input of 192 numbers."""
    matrix = np.random.default_rng(8).normal(size=(4, 192)).astype(np.float32)
    nodes = {"input": nir.Input(np.array([192])), "fc": nir.Linear(matrix), "output": nir.Output(np.array([4]))}
    nir.write(tmp_path / "network.nir", nir.NIRGraph(nodes, [("input", "fc"), ("fc", "output")]))
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    found = read_network_arrays(tmp_path / "network.nir", (3, 8, 8))
    expected = images.flatten(1) @ torch.tensor(matrix).T
    assert torch.allclose(computed(found, images)[0], expected, atol=1e-4)
    with pytest.raises(ConfigurationError, match=r"shape \[192\] given"):
        read_network_arrays(tmp_path / "network.nir", (3, 9, 9))


def test_every_neuron_has_its_own_parameters(tmp_path: Path) -> None:
    drawn = np.random.default_rng(10)
    tau, threshold, r = (drawn.uniform(low, high, (6, 8, 8)) for low, high in ((1e-4, 1e-3), (0.1, 2), (0.5, 3)))
    reset, leak = drawn.uniform(-0.5, 0, (6, 8, 8)), drawn.uniform(-0.5, 0.2, (6, 8, 8))
    chain = nir_layers(nir.LIF(tau, r, leak, threshold, reset))
    found = read_network_arrays(nir_file(tmp_path / "network.nir", chain), (3, 8, 8))
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    conv, affine = chain["conv"], chain["fc"]
    x = nn.functional.conv2d(images, torch.tensor(conv.weight), torch.tensor(conv.bias), padding=1).double()
    v, expected = torch.tensor(reset), []
    for _ in range(4):
        h = v + 1e-4 / torch.tensor(tau) * (torch.tensor(r) * x - (v - torch.tensor(leak)))
        spikes = h >= torch.tensor(threshold)
        v = torch.where(spikes, torch.tensor(reset), h)
        mean = nn.functional.avg_pool2d(spikes.float(), 2).flatten(1)
        expected.append(nn.functional.linear(mean, torch.tensor(affine.weight), torch.tensor(affine.bias)))
    assert torch.allclose(computed(found, images, 4), torch.stack(expected), atol=1e-4)


def test_scales_and_sums_of_nir_by_hand(tmp_path: Path) -> None:
    layers = nir_layers(nir.Threshold(full(0.5)))
    layers["pool"] = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    scale = np.linspace(-1, 1, 6)[:, None, None] * np.ones((6, 8, 8))
    chain = {"conv": layers.pop("conv"), "scale": nir.Scale(scale), **layers}
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    found = read_network_arrays(nir_file(tmp_path / "network.nir", chain), (3, 8, 8))
    conv, affine = chain["conv"], chain["fc"]
    y = nn.functional.conv2d(images, torch.tensor(conv.weight), torch.tensor(conv.bias), padding=1)
    spikes = (y * torch.tensor(scale).float() >= 0.5).float()
    counts = 4 * nn.functional.avg_pool2d(spikes, 2)
    expected = nn.functional.linear(counts.flatten(1), torch.tensor(affine.weight), torch.tensor(affine.bias))
    assert torch.allclose(computed(found, images, 2), expected.expand(2, -1, -1), atol=1e-4)
    assert list(found.scalings) == ["fire"]  # the factor of the sum moves to the following layer


@pytest.mark.parametrize(
    ("neurons", "dt_s", "message"),
    [
        (
            nir.LIF(full(1e-5), full(1.0), full(0.0), full(1.0)),
            None,
            "'fire' of type LIF: time constant of 0.1 time",
        ),
        (
            nir.CubaLIF(full(1e-3), full(1e-3), full(1.0), full(0.0), full(1.0)),
            None,
            "'fire' of type CubaLIF: neurons with synaptic currents",
        ),
    ],
)
def test_neurons_of_nir_that_cannot_be_simulated(
    neurons: nir.NIRNode, dt_s: float | None, message: str, tmp_path: Path
) -> None:
    path = nir_file(tmp_path / "network.nir", nir_layers(neurons))
    assert read_network(path).nodes
    with pytest.raises(ConfigurationError, match=message):
        read_network_arrays(path, (3, 8, 8), dt_s)


def test_time_steps_of_files(tmp_path: Path) -> None:
    path, network = tmp_path / "own.nir", make_network(IN_NIR[0])
    write, _ = format_named("nir").load()
    write(content_of(network), path)
    assert read_network_arrays(path, (2, 8, 8), 1e-4).recorded.timesteps == 3
    with pytest.raises(ConfigurationError, match=r"--dt 0.001 given .* whose time step is 0.0001 s"):
        read_network_arrays(path, (2, 8, 8), 1e-3)
    slow = nir_file(tmp_path / "slow.nir", nir_layers(nir.LIF(full(2e-3), full(1.0), full(0.0), full(1.0))))
    rules = [read_network_arrays(slow, (3, 8, 8), dt_s).neurons["fire"] for dt_s in (1e-3, 1e-4)]
    assert [float(rule.tau) for rule in rules] == pytest.approx([2, 20])  # type: ignore[union-attr]
    with pytest.raises(ConfigurationError, match="expected it with NIR files only"):
        read_network_arrays(lenet_file(tmp_path), (1, 28, 28), 1e-3)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), neuron.QIFNode()), "layer '1' of type QIFNode: neurons that cannot"),
        (
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
            "layer '1' of type BatchNorm2d: batch normalisation without running statistics",
        ),
    ],
)
def test_layers_of_modules_that_cannot_be_simulated(network: nn.Module, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_module_arrays(network, (3, 8, 8))


def test_weights_that_are_no_numbers_are_refused() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3))
    network[0].weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(ConfigurationError, match="layer '0' of type Conv2d: weights with infinite or NaN values"):
        read_module_arrays(network, (3, 8, 8))


def test_damaged_metadata_are_refused(tmp_path: Path) -> None:
    path, network = tmp_path / "own.onnx", make_network(TEXTS[0])
    write, _ = format_named("onnx").load()
    write(content_of(network), path)
    model = onnx.load(path)
    for one in model.metadata_props:
        one.value = "many" if one.key == "pixel_mean" else one.value
    onnx.save(model, path)
    with pytest.raises(VerificationError, match="metadata cannot be read"):
        read_network_arrays(path, (2, 8, 8))
