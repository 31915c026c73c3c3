"""Imported networks on simulated chips: exported files of a run give the run's results, others what they compute."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import neuronas
from neuronas.chip.activations import round_inputs
from neuronas.chip.design import make_design
from neuronas.chip.layer_inputs import input_format
from neuronas.chip.mapped_layer import pixel_format
from neuronas.cli.main import run as command
from neuronas.data.datasets import open_dataset
from neuronas.data.memory import InMemoryDataSet
from neuronas.errors import ConfigurationError
from neuronas.importing.module import read_module_arrays
from neuronas.runs.chip_evaluations import ChipEvaluation
from neuronas.snn.imported_network import ImportedClassifier
from neuronas.snn.weighted import InputFormat
from relu_network import prepared, trained
from test_chip import IDEAL as IDEAL_CHIP
from test_own_network import Residual, lenet_file

ARCH = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|avg_pool_3x3~1|conv_3x3~2|"
SMALL = ["--channels", "4", "--timesteps", "2", "--epochs", "3", "--quiet", "--weight-bits", "6"]
IDEAL = "adc,read_noise,write_variation,wire_resistance,stuck_cells,off_conductance"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained run and its files ``export/network.onnx`` and ``.nir``."""
    run = tmp_path_factory.mktemp("own") / "run"
    assert command(["train", ARCH, "--out", str(run), *SMALL]) == 0
    for name in ("onnx", "nir"):
        assert command(["export", str(run), "--format", name, "--quiet"]) == 0
    return run


@pytest.mark.parametrize("ending", ["onnx", pytest.param("nir", marks=pytest.mark.slow)])
def test_a_file_of_a_run_gives_what_the_run_gives(
    run: Path, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Time steps, bits, mean and standard deviation are those of the file; every chip is the same."""
    chips = ["--hardware", "isaac-rram", "--chips", "2", "--seed", "3"]
    options = ["--chip", "--json", "--quiet", "--limit", "120", *chips]
    found = []
    for given in ([str(run)], [str(run / "export" / f"network.{ending}"), "--out", str(tmp_path)]):
        capsys.readouterr()
        assert command(["evaluate", *given, *options]) == 0
        found.append(json.loads(capsys.readouterr().out))
    expected, own = found
    same = ("top1_per_chip", "quantised_network_top1", "weight_bits", "timesteps", "n_images", "model")
    assert {key: own[key] for key in same} == {key: expected[key] for key in same}
    assert [one["snr_db"] for one in own["layers"].values()] == pytest.approx(
        [one["snr_db"] for one in expected["layers"].values()], rel=1e-3
    )
    assert own["run"] == f"network.{ending}" and expected["float_network_top1"] is None
    assert own["float_network_top1"] == own["quantised_network_top1"]  # its weights are codes already
    for key in ("causes", "remedies"):
        assert own["verdict"][key] == expected["verdict"][key]
    assert own["verdict"]["retrain"] == "" and "noise-aware" not in own["verdict"]["text"]
    assert ChipEvaluation.read(tmp_path / "chips" / "isaac-rram.json").plain() == own


def test_other_settings_than_the_files(run: Path) -> None:
    file = run / "export" / "network.onnx"
    options = {"limit": 60, "chips": 1, "diagnosis": False, "without": IDEAL.split(",")}
    found = neuronas.evaluate_on_chips(file, timesteps=4, weight_bits=4, dataset="digits", **options)
    assert (found.timesteps, found.weight_bits) == (4, 4)
    assert found.top1_mean == found.quantised_network_top1
    assert repr(found).endswith(">") and "next:" not in repr(found)


def test_finished_chips_of_a_file_are_kept(run: Path, tmp_path: Path) -> None:
    file, options = run / "export" / "network.nir", {"limit": 40, "diagnosis": False, "hardware": "isaac-rram"}
    first = neuronas.evaluate_on_chips(file, out=tmp_path, chips=1, **options)
    lines = (tmp_path / "chips/isaac-rram.jsonl").read_text().splitlines()
    more = neuronas.evaluate_on_chips(file, out=tmp_path, chips=2, **options)
    assert more.top1_per_chip[:1] == first.top1_per_chip
    assert (tmp_path / "chips/isaac-rram.jsonl").read_text().splitlines()[:1] == lines
    assert (tmp_path / "chips/isaac-rram.jsonl").read_text().count("\n") == 2


@pytest.fixture(scope="module")
def relu_network() -> nn.Module:
    return trained((12, 16), 8, 5e-3)


def test_a_module_of_relu_keeps_its_accuracy(relu_network: nn.Module) -> None:
    """One pass, 8-bit inputs; fewer bits lose more, and an ideal chip computes the rounded network."""
    data = open_dataset("digits")
    test = data.load("test", data.image_size)
    with torch.no_grad():
        decided = relu_network(prepared(data, test.images)).argmax(dim=1)
    expected = float((decided == torch.from_numpy(test.labels)).double().mean())
    options = {"dataset": data, "diagnosis": False, "chips": 1, "without": IDEAL.split(",")}
    found = neuronas.evaluate_on_chips(relu_network, **options)
    assert found.timesteps == 1 and found.run == "Sequential" and list(found.layers) == ["0", "4", "8"]
    assert found.float_network_top1 == pytest.approx(expected) and expected > 0.85
    assert found.top1_mean == found.quantised_network_top1 > expected - 0.01
    coarse = neuronas.evaluate_on_chips(relu_network, activation_bits=2, weight_bits=4, **options)
    assert coarse.quantised_network_top1 < found.quantised_network_top1 - 0.05
    assert coarse.float_network_top1 == found.float_network_top1


def test_a_module_of_relu_on_a_noisy_chip(relu_network: nn.Module, tmp_path: Path) -> None:
    found = neuronas.evaluate_on_chips(
        relu_network, dataset="digits", limit=60, chips=2, hardware="isaac-rram", out=tmp_path, activation_bits=4
    )
    assert 0.4 < found.top1_mean <= 1 and all(1 < one.snr_db < 200 for one in found.layers.values())
    assert found.verdict is not None and found.verdict.split == "validation" and found.verdict.retrain == ""


def test_sums_of_spikes_are_counted_and_an_ideal_chip_is_exact() -> None:
    """SEW-ResNet's block: the head reads means of 0, 1 and 2, as 10-bit counts; nothing is rounded."""
    torch.manual_seed(0)
    imported = read_module_arrays(Residual().eval(), (3, 32, 32))
    network, images = ImportedClassifier(imported, 3, 8).eval(), torch.rand(4, 3, 32, 32)
    round_inputs(network, images, 4)
    assert not network.input_formats()
    pixels = pixel_format((0.0,) * 3, (1.0,) * 3, 8)
    formats = [input_format(network, network.graph.by_name[name], pixels) for name in ("stem.0", "conv", "head")]
    assert formats == [pixels, InputFormat(), InputFormat(10, 1 / 256)]
    design = make_design(network, replace(IDEAL_CHIP, weight_bits=8, crossbar_size=64), pixels, images)
    with torch.no_grad():
        assert torch.allclose(design.chip(0, 0)(images), network(images), atol=1e-5)


def images_of(shape: tuple[int, ...], n_classes: int) -> InMemoryDataSet:
    labels = torch.arange(2 * n_classes) % n_classes
    pixels = torch.randint(0, 256, (len(labels), *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return InMemoryDataSet(train=(pixels, labels), test=(pixels, labels))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "digits", "image_side": 8}, "--image-side 8x8 given with lenet.onnx; expected 28x28"),
        ({"dataset": images_of((3, 28, 28), 10)}, "lenet.onnx given, which reads images of 1 channels, with data set"),
        ({"dataset": images_of((28, 28), 7)}, "lenet.onnx given, which has 10 class scores, .* of 7 classes"),
        ({"timesteps": 4}, "--timesteps 4 given with lenet.onnx, whose neurons do not spike"),
        ({"weight_bits": 32}, "weight_bits 32 given; expected 2 to 16"),
        ({"hardware": "sram-65nm"}, "section 'device' not found"),
        ({"assignments": ["network.tau=2"]}, "network.tau given with a network of your own"),
        ({"assignments": ["train.epochs=2"]}, "--epochs given with a network of your own"),
        ({"retrain_epochs": 2}, "--retrain-epochs given with a network of your own"),
        ({"dt_s": 1e-3}, "--dt 0.001 given with .*lenet.onnx; expected it with NIR files only"),
    ],
)
def test_mistakes(options: dict[str, object], message: str, tmp_path: Path) -> None:
    options = {"dataset": "digits", "diagnosis": False, "chips": 1, **options}
    with pytest.raises(ConfigurationError, match=message) as caught:
        neuronas.evaluate_on_chips(lenet_file(tmp_path), **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Conv2d(1, 4, 3, dilation=2)), "layer '0' of type Conv2d: dilation 2 given"),
        (nn.Sequential(nn.Conv2d(1, 4, (1, 3))), r"layer '0' of type Conv2d: kernel \[1, 3\] given"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2, ceil_mode=True)), "layer '1' of type MaxPool2d: ceil_mode"),
        (nn.Sequential(nn.Conv2d(1, 10, 3), nn.Softmax(1)), "layer '1' of type Softmax: unsupported"),
        (nn.Sequential(nn.Conv2d(1, 10, 3)), r"Sequential: output of shape \[10, 6, 6\] given; expected one score"),
        (3, "3 given; expected a run's directory, a network file, or an nn.Module"),
    ],
)
def test_networks_that_cannot_be_simulated(network: nn.Module, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        neuronas.evaluate_on_chips(network, dataset="digits")


def test_mistakes_on_the_command_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(run / "export" / "network.onnx")
    for arguments, message in (
        ([file], "given without --chip"),
        ([str(run), "--out", "there"], "--out given without --chip"),
        ([str(run), "--chip", "--out", "there"], "--out given with a run"),
        ([str(run), "--chip", "--dt", "0.1"], "--dt given with a run"),
        ([str(run), "--chip", "--weight-bits", "4"], "--weight-bits given with run"),
        ([str(run), "--image-side", "9"], "--image-side given with run"),
        ([str(run), "--set", "network.tau=3"], "network.tau=3.0 given with run"),
        ([str(run), "--chip", "--set", "train.validation_share=0.5"], "train.validation_share=0.5 given with run"),
        (["missing.onnx", "--chip"], "missing.onnx given, which is not found"),
    ):
        capsys.readouterr()
        assert command(["evaluate", *arguments]) == 2, arguments
        assert message in " ".join(capsys.readouterr().err.split())
    assert command(["evaluate", str(run), "--weight-bits", "6", "--quiet", "--limit", "20"]) == 0  # the run's own
    (run / "broken.onnx").write_bytes(b"nothing")
    assert command(["evaluate", str(run / "broken.onnx"), "--chip"]) == 4
    with pytest.raises(ConfigurationError, match="given without --chip; expected a run's directory"):
        neuronas.evaluate(file)


def test_the_table_of_a_file(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(run / "export" / "network.onnx")
    assert command(["evaluate", file, "--chip", "--chips", "1", "--limit", "30", "--no-diagnosis"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "with float weights" in out and "signal to noise" in out
