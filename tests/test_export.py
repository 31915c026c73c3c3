"""Export: files contain what the network computes; unsupported networks are rejected; neuronas.load."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import neuronas
from neuronas.api.reporting import export as export_module
from neuronas.api.reporting.run_facts import read_run
from neuronas.cli.main import run as command
from neuronas.config import EXPORT_FORMATS, ExportConfig, HardwareConfig
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export import formats, rtl_format
from neuronas.export.content import ExportContent
from neuronas.export.crossbars import crossbars_document
from neuronas.export.formats import format_named
from neuronas.export.from_network import bind
from neuronas.export.integer import read_integer, write_integer
from neuronas.export.integer_document import NetworkDocument
from neuronas.export.interpreter import interpret
from neuronas.export.round_trip import export_network
from neuronas.export.rtl_format import SIMULATION
from neuronas.export.synthesis import grouped
from neuronas.export.verification import Computed, compare, make_probe
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.mapped.activity import DENSE
from neuronas.hardware.models import mapped_cost_model
from neuronas.report.verdict import verdict
from neuronas.runs.directory import TRAINING
from neuronas.runs.inputs import NetworkInput
from neuronas.runs.results import ExportManifest, TrainingResult
from neuronas.snn.bound_graph import BoundGraph, NeuronArrays, WeightArrays
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.decision import are_same
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.normalisation import BatchNorm
from neuronas.snn.trainable import WeightFormat
from neuronas.space.genotype import Architecture
from neuronas.space.graph import Graph, Link, Node
from neuronas.space.node_operations import Image, Neurons, Weights
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space
from neuronas.space.workload import rows
from strategies import draws

DOCS = Path(__file__).parents[1] / "docs"
CONV = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"
SKIPS = "|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|"
POOLS = "|avg_pool_3x3~0|+|skip~0|skip~1|+|conv_1x1~0|avg_pool_3x3~1|conv_5x5~2|"
THRESHOLDS = "|conv_3x3@0.5~0|+|conv_3x3@1.5~0|none~1|+|none~0|skip~1|conv_3x3~2|"
BACKWARD = "|conv_3x3~0|+|skip^0|conv_3x3~1|+|conv_3x3^0|avg_pool_3x3^1|conv_3x3~2|"
UNREACHED = "|none~0|+|conv_3x3~0|skip~1|+|none~0|conv_1x1~1|conv_3x3~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
EIGHT = WeightFormat(8)
FLOAT_FORMATS = [name for name in EXPORT_FORMATS if not EXPORT_FORMATS[name].is_integer]


def make_network(
    architecture: str | Architecture,
    form: WeightFormat = EIGHT,
    head: str = "gap",
    n_cells: int = 2,
    neuron: NeuronParameters | None = None,
    side: int | tuple[int, int] = 8,
) -> Classifier:
    """An untrained network with batch normalisation far from the identity, including negative factors."""
    if isinstance(architecture, str):
        architecture = parse_architecture(architecture)
    shape = NetworkShape(2, side, 3, 4, n_cells=n_cells, head_width=12, head=head)
    settings = ClassifierSettings(form, neuron or NeuronParameters(), timesteps=3)
    network = Classifier(architecture, shape, settings, seed=1)
    generator = torch.Generator().manual_seed(2)
    for module in network.modules():
        if isinstance(module, BatchNorm):
            for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                drawn = torch.randn(tensor.shape, generator=generator)
                tensor.data = drawn.abs() + 0.1 if name == "running_var" else drawn + (name == "weight")
    return network.eval()


def content_of(network: Classifier, dt_s: float = 1e-4, replication: int = 1) -> ExportContent:
    bits, timesteps = network.settings.form.bits, network.timesteps
    work = rows(network.architecture, network.shape)
    hardware = HardwareConfig(replication=replication)
    model = mapped_cost_model(hardware, load_accelerator("spikeflow-rram"), bits, timesteps, DENSE)
    crossbars = crossbars_document(work, model.work(work), "spikeflow-rram")
    text = format_architecture(network.architecture)
    shown = NetworkInput(channels=2, height=8, width=8, mean=(0.5, 0.5), std=(0.25, 0.25))
    return ExportContent(bind(network), text, bits, shown, ("ant", "bee", "fly"), crossbars, ExportConfig(dt_s=dt_s))


def a_neuron(neurons: NeuronArrays) -> BoundGraph:
    """One neuron that reads the image's only pixel, with its spikes as the score."""
    graph = Graph(
        (
            Node("image", Image(), (), (1, 1, 1)),
            Node("in", Weights(1, 1, normalised=False), (Link("image"),), (1, 1, 1)),
            Node("lif", Neurons(normalised=neurons.gain is not None), (Link("in"),), (1, 1, 1)),
            Node("out", Weights(1, normalised=False), (Link("lif"),), (1,)),
        )
    )
    weights = {
        name: WeightArrays(np.ones(shape, np.float32)) for name, shape in (("in", (1, 1, 1, 1)), ("out", (1, 1)))
    }
    bound = BoundGraph(graph, 4, weights, {"lif": neurons})
    bound.check()
    return bound


@pytest.mark.parametrize(
    ("v_reset", "x", "spikes"),
    [
        # h = v + (x - (v - v_reset)) / 2, by hand
        (0.0, 1.5, [0, 1, 0, 1]),  # 0.75; 1.125, reset; 0.75; 1.125
        (-0.5, 2.0, [0, 1, 0, 1]),  # 0.5; exactly 1.0, which fires; 0.5; 1.0
        (-0.5, 1.5, [0, 0, 0, 0]),  # 0.25; 0.625; 0.8125; 0.90625: approaches 1.0 without reaching it
        (0.5, 0.8, [0, 1, 0, 1]),  # 0.9; 1.1, reset to 0.5; 0.9; 1.1
    ],
)
@pytest.mark.parametrize("format_name", ["interpreter", "nir", "onnx"])
@pytest.mark.parametrize("dt_s", [1e-4, 1e-3])
def test_a_neuron_by_hand(
    v_reset: float, x: float, spikes: list[int], format_name: str, dt_s: float, tmp_path: Path
) -> None:
    bound = a_neuron(NeuronArrays(2.0, np.array(1.0), np.array(v_reset), v_reset))
    image = torch.full((1, 1, 1, 1), x)
    if format_name == "interpreter":
        scores = interpret(bound, image).scores
    else:
        content = replace(content_of(make_network(SKIPS)), network=bound, settings=ExportConfig(dt_s=dt_s))
        write, compute = format_named(format_name).load()
        write(content, tmp_path / "file")
        scores = compute(tmp_path / "file", image).scores
    assert scores.flatten().tolist() == spikes


@given(
    st.floats(1.1, 8), st.floats(0.2, 2), st.floats(-1, 1), st.floats(-3, 3), st.floats(-2, 2), st.floats(-3, 3)
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_folding_keeps_every_spike(
    tau: float, threshold: float, v_reset: float, gain: float, offset: float, x: float
) -> None:
    """Batch normalisation before neurons is folded into threshold and reset, for factors of either sign."""
    reset = min(v_reset, threshold - 0.1)
    neurons = NeuronArrays(tau, np.array(threshold), np.array(reset), reset, np.array([gain]), np.array([offset]))
    image = torch.full((1, 1, 1, 1), x)
    whole, folded = (interpret(a_neuron(one), image) for one in (neurons, neurons.folded))
    if whole.margin > 1e-9:
        assert torch.equal(whole.scores, folded.scores)


FORMS = {
    "fixed": WeightFormat(8),
    "four": WeightFormat(4, "lsq-channel"),
    "sixteen": WeightFormat(16, "lsq"),
    "none": WeightFormat(32),
}


@pytest.mark.parametrize(
    ("text", "form", "head", "n_cells"),
    [
        (f"{CONV} / {POOLS}", "fixed", "linear", 2),
        (SKIPS, "fixed", "gap", 2),
        (POOLS, "four", "gap", 2),
        (THRESHOLDS, "sixteen", "linear", 2),
        (BACKWARD, "fixed", "gap", 2),
        (CONV, "none", "linear", 2),
        (CONV, "four", "gap", 3),
        (UNREACHED, "fixed", "gap", 2),
        (DEAD, "fixed", "gap", 2),
    ],
)
@pytest.mark.parametrize("format_name", FLOAT_FORMATS)
def test_files_say_what_the_network_computes(
    text: str, form: str, head: str, n_cells: int, format_name: str, tmp_path: Path
) -> None:
    network = make_network(text, FORMS[form], head, n_cells, NeuronParameters(1.7, 0.9, -0.1), 8 << (n_cells - 2))
    place = tmp_path / "file"

    def export() -> object:
        return export_network(network, content_of(network), format_named(format_name), place)

    if (form == "none" and format_name == "integer") or (text in (BACKWARD, DEAD) and format_name == "nir"):
        with pytest.raises(ConfigurationError, match="expect"):
            export()
        assert not any(tmp_path.iterdir())
        return
    assert export().largest_difference < 1e-5  # type: ignore[attr-defined]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("head", ["gap", "linear"])
@pytest.mark.parametrize(("n_nodes", "side"), [(3, (8, 12)), (4, 8), (5, (9, 8)), (6, 8)])
def test_the_bound_graph_of_any_architecture_computes_what_the_network_computes(
    head: str, n_nodes: int, side: int | tuple[int, int]
) -> None:
    """Architectures of all spaces: backward edges, thresholds of edges, several cells."""
    agreed = 0
    for architecture in draws(3, n_nodes):
        network = make_network(architecture, head=head, n_cells=max(2, len(architecture.cells)), side=side)
        bound = bind(network)
        bound.check()
        for node in bound.graph.nodes:
            if isinstance(node.operation, Weights):
                assert (bound.weights[node.name].gain is not None) == node.operation.normalised
            elif isinstance(node.operation, Neurons):
                assert (bound.neurons[node.name].gain is not None) == node.operation.normalised
        probe = make_probe(network, bound, (0.5, 0.5), (0.25, 0.25))
        if probe.expected.scores.any():
            found = interpret(bound, probe.images)
            agreed += compare("the graph", probe, Computed(found.scores, found.n_spikes)).n_images
    assert agreed > 8 * 8


@pytest.mark.parametrize("n_nodes", [3, 4, 5])
@pytest.mark.parametrize("format_name", ["integer", "onnx"])
def test_files_hold_groups_maxima_and_images_that_are_not_square(
    own_operations: tuple[str, ...], format_name: str, n_nodes: int, tmp_path: Path
) -> None:
    rng, easy = Random(n_nodes), NeuronParameters(v_threshold=0.3)  # so that no network is silent
    for backward in (False, True):
        space = Space(operations=("skip", *own_operations), nodes=n_nodes, backward=backward)
        network = make_network(space.random_architecture(rng), head="linear", side=(12, 8), neuron=easy)
        agreement = export_network(network, content_of(network), format_named(format_name), tmp_path / "file")
        assert agreement.largest_difference < 1e-4 * agreement.largest_score


def test_nir_holds_groups_and_refuses_maxima(own_operations: tuple[str, ...], tmp_path: Path) -> None:
    text = "|own_depthwise~0|+|own_grouped~0|own_mean_5x5~1|+|skip~0|{}~1|conv_3x3~2|"
    network = make_network(text.format("skip"), side=(12, 8))
    agreement = export_network(network, content_of(network), format_named("nir"), tmp_path / "file")
    assert agreement.largest_difference < 1e-4 * agreement.largest_score
    network = make_network(text.format("own_max"))
    with pytest.raises(ConfigurationError, match=r"node A\.13 given, which pools by maximum; NIR has no such node"):
        export_network(network, content_of(network), format_named("nir"), tmp_path / "other")


def test_an_artificial_network_is_refused() -> None:
    network = make_network(SKIPS)
    settings = replace(network.settings, spiking=False)
    with pytest.raises(ConfigurationError, match="--ann"):
        bind(Classifier(network.architecture, network.shape, settings))


@pytest.mark.parametrize("format_name", FLOAT_FORMATS)
def test_a_wrong_file_is_found_and_not_kept(format_name: str, tmp_path: Path) -> None:
    """One code of one layer is changed while writing; the older file is kept."""
    network = make_network(CONV)
    content = content_of(network)
    place = tmp_path / "file"
    export_network(network, content, format_named(format_name), place)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    head = content.network.weights["head"]
    codes, values = head.codes.copy(), head.values.copy()  # type: ignore[union-attr]
    codes[0] += 20
    values[0] = codes[0] * head.step
    weights = {**content.network.weights, "head": replace(head, codes=codes, values=values)}
    wrong = replace(content.network, weights=weights)
    with pytest.raises(VerificationError, match=r"scores of \d of 8 images differ .* at most by \d"):
        export_network(network, replace(content, network=wrong), format_named(format_name), place)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_damaged_integer_files_are_found(tmp_path: Path) -> None:
    write_integer(content_of(make_network(CONV)), tmp_path)
    network, weights = tmp_path / "network.json", tmp_path / "weights.safetensors"
    kept, text = weights.read_bytes(), network.read_text()
    weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with pytest.raises(VerificationError, match=r"does not match network\.json"):
        read_integer(tmp_path)
    weights.write_bytes(kept)
    for broken in (
        text[:-20],
        text.replace("stem.codes", "stem.nothing"),
        text.replace('"timesteps":3', '"timesteps":0'),
    ):
        network.write_text(broken)
        with pytest.raises(VerificationError):
            read_integer(tmp_path)
    weights.unlink()
    network.write_text(text)
    with pytest.raises(VerificationError, match="cannot be read"):
        read_integer(tmp_path)


@pytest.mark.parametrize("replication", [1, 3])
def test_every_weight_lies_on_as_many_crossbars_as_it_has_copies(replication: int) -> None:
    network = make_network(f"{CONV} / {POOLS}", head="linear")
    crossbars = content_of(network, replication=replication).crossbars
    n = crossbars.columns_per_output
    assert n == 14  # 7-bit magnitudes on one-bit cells, two signs
    counts = {
        layer.name: np.zeros((layer.out_channels * n, layer.in_channels, layer.kernel**2), int)
        for layer in rows(network.architecture, network.shape)
        if layer.n_weights
    }
    pixels = {layer.name: layer.out_side**2 for layer in rows(network.architecture, network.shape)}
    for tile in crossbars.tiles:
        assert len(tile.pes) <= crossbars.n_pes_per_tile
        for pe in tile.pes:
            assert len(pe.crossbars) <= crossbars.n_crossbars_per_pe
            for one in pe.crossbars:
                assert max(one.n_channels, one.n_columns) <= crossbars.crossbar_size
                columns = slice(one.first_column, one.first_column + one.n_columns)
                channels = slice(one.first_channel, one.first_channel + one.n_channels)
                counts[tile.layer][columns, channels, one.kernel_position] += 1
    for name, found in counts.items():
        assert (found == min(replication, pixels[name])).all(), name


def test_the_file_keeps_to_the_published_schema(tmp_path: Path) -> None:
    write_integer(content_of(make_network(CONV)), tmp_path)
    text = (tmp_path / "network.json").read_text()
    assert json.loads(NetworkDocument.model_validate_json(text).model_dump_json()) == json.loads(text)
    schema, document = json.loads((DOCS / "schemas" / "integer.schema.json").read_text()), json.loads(text)
    assert set(document) == set(schema["properties"]) >= set(schema["required"])
    known = {kind["const"] for kind in _operations(schema)}
    assert {node["operation"] for node in document["nodes"]} <= known == {
        "image", "weights", "neurons", "pool", "sum", "votes"
    }  # fmt: skip


def _operations(schema: dict) -> list[dict]:
    kinds = [one["properties"] for one in schema["$defs"].values() if "operation" in one.get("properties", {})]
    return [kind["operation"] for kind in kinds]


def test_nir_holds_codes_time_constants_and_multiplicities(tmp_path: Path) -> None:
    import nir

    network = make_network(f"{SKIPS} / {CONV}", neuron=NeuronParameters(tau=2.5))
    content = content_of(network, dt_s=2e-3)
    format_named("nir").load()[0](content, tmp_path / "file")
    graph = nir.read(tmp_path / "file")
    assert float(graph.metadata["dt_s"]) == 2e-3 and int(graph.metadata["weight_bits"]) == 8
    assert graph.metadata["architecture"] == content.architecture
    lifs = [node for node in graph.nodes.values() if isinstance(node, nir.LIF)]
    assert all(np.allclose(node.tau, 2.5 * 2e-3) and (node.r == 1).all() for node in lifs)
    about = graph.nodes["B_01"].metadata
    expected = about["codes"] * about["step"][0] * about["gain"][:, None, None, None]
    assert np.allclose(graph.nodes["B_01"].weight, expected, rtol=1e-6)
    # all skips: node 1 is 1, node 2 is 2 and node 3 is 4 times what enters the cell
    assert np.array_equal(graph.nodes["stem_times_4"].weight[:, :, 0, 0], 4 * np.eye(4))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(ConfigurationError, match=r"needs onnxruntime; run: pip install 'neuronas\[export\]'"):
        format_named("onnx")
    with pytest.raises(ConfigurationError, match="did you mean 'onnx'"):
        format_named("onx")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    options = [
        "--channels",
        "8",
        "--timesteps",
        "2",
        "--epochs",
        "4",
        "--batch-size",
        "128",
        "--quiet",
        "--head",
        "gap",
    ]
    assert command(["train", BACKWARD, "--out", str(path), "--space", "snasnet-backward", *options]) == 0
    return path


def test_export_into_the_current_folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert command(["export", str(trained), "--format", "integer", "--out", "."]) == 0
    assert {path.name for path in Path().iterdir()} == {"network.json", "weights.safetensors"}
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert command(["export", str(trained), "--format", "integer", "--out", "/"]) == 2


@pytest.mark.parametrize(
    ("format_name", "place", "kinds"),
    [("onnx", "folder", "a folder; expected a file"), ("integer", "file", "a file; expected a folder")],
)
def test_a_folder_in_the_place_of_a_file_is_named(format_name: str, place: str, kinds: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept")
    network = make_network(SKIPS)
    with pytest.raises(ConfigurationError, match=f"--out .*{place} given, which is {kinds}, or a new name"):
        export_network(network, content_of(network), format_named(format_name), tmp_path / place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "kept"


def test_a_place_that_cannot_be_written_is_named(
    trained: Path, mount: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    disk = mount("disk", "ro")
    for format_name in ("c", "integer", "onnx"):
        assert command(["export", str(trained), "--format", format_name, "--out", str(disk / "new" / "file")]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said == f"neuronas: {disk}/new/file: cannot be written (Read-only file system)"


def test_export_of_a_trained_run(trained: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    capsys.readouterr()
    for format_name, place in (("onnx", "network.onnx"), ("integer", "integer")):
        assert command(["export", str(trained), "--format", format_name, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["path"] == str(trained / "export" / place) and Path(document["path"]).exists()
        assert document["largest_difference"] < 1e-4
        weights = document["weights"]
        assert (weights["weight_bits"], weights["split"]) == (8, "validation") and weights["n_images"] > 100
        # Training evaluated the same images at the same precision, possibly with convolutions in bfloat16.
        assert weights["top1"] == pytest.approx(TrainingResult.read(trained / TRAINING).validation_accuracy, abs=0.02)
        assert weights["float_top1"] > 0
        assert "integer" not in document
    assert command(["export", str(trained), "--format", "onnx", "--out", str(tmp_path / "mine.onnx")]) == 0
    assert (tmp_path / "mine.onnx").exists()
    said = capsys.readouterr().out
    assert "8-bit weights: top-1" in said and f"before rounding ({weights['float_top1']:.2%})" in said
    assert command(["export", str(trained), "--format", "c"]) == 0
    said = capsys.readouterr().out
    assert "8-bit weights: top-1" in said and f"of {weights['n_images']} validation images" in said
    manifest = ExportManifest.read(trained / "export" / "c.json")
    assert manifest.integer is not None and manifest.integer.float_top1 == weights["top1"]
    assert len(manifest.costs) == 2


@pytest.mark.parametrize("format_name", ["c", "rtl", "crossbars", "integer", "onnx"])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    format_name: str, trained: Path, mount: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    disk = mount("disk", "size=8k")
    assert command(["export", str(trained), "--format", format_name, "--quiet", "--out", str(disk / "file")]) == 2
    said = capsys.readouterr().err
    assert "cannot be written (No space left on device)" in said and said.count("\n") == 1
    assert not list(disk.iterdir())


@pytest.mark.skipif(shutil.which(SIMULATION) is None, reason="Icarus Verilog is not installed")
def test_counted_cells_are_in_the_manifest(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings of the run apply unless given; a previous number of spikes is not kept."""
    run = shutil.copytree(trained, tmp_path / "run")
    config = (run / "config.yaml").read_text()
    assert "lanes: 4\n" in config
    (run / "config.yaml").write_text(config.replace("lanes: 4\n", "lanes: 8\n"))
    cells = grouped("Yosys 1", {"LUT6": 1234, "FDRE": 5, "RAMB18E1": 2, "CARRY4": 7})
    monkeypatch.setattr(export_module, "check_synthesis", lambda: None)
    monkeypatch.setattr(rtl_format, "synthesised", lambda folder: cells)
    export = ["export", str(run), "--format", "rtl"]
    assert command([*export, "--synthesise"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "by Yosys 1: 1,234 LUTs, 5 flip-flops, 0 DSP48E1, 2 block RAMs of 36,864 bits" in said
    assert ExportManifest.read(run / "export" / "rtl.json").synthesis == cells
    assert "computed at a time) 8\n" in (run / "export" / "rtl" / "report.txt").read_text()
    assert command([*export, "--set", "export.lanes=2", "--quiet"]) == 0
    assert "synthesis" not in json.loads((run / "export" / "rtl.json").read_text())
    assert "computed at a time) 2\n" in (run / "export" / "rtl" / "report.txt").read_text()


@pytest.mark.parametrize(("format_name", "needed"), [("c", "cc"), ("rtl", SIMULATION)])
def test_programs_that_verify_are_looked_for_and_given_room(
    format_name: str,
    needed: str,
    trained: Path,
    mount: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["export", str(trained), "--format", format_name, "--quiet", "--out", str(tmp_path / "file")]

    def refused() -> str:
        capsys.readouterr()
        assert command(arguments) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and not list(tmp_path.glob("file*"))
        return said

    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        patch.setenv("CC", "none")
        assert {"c": "install gcc or clang", "rtl": "install iverilog"}[format_name] in refused()
    if shutil.which(needed) is None:
        pytest.skip(f"{needed} is not installed")
    monkeypatch.setattr(tempfile, "tempdir", str(mount("little", "size=128k")))
    assert re.search(r"little: 0\.1 MiB free; expected [\d.]+ MiB to verify the export; free some", refused())


@pytest.mark.parametrize("format_name", ["c", "rtl", "integer"])
def test_an_interrupted_export_leaves_what_was_there(
    format_name: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "there"
    place.mkdir()
    (place / "older").write_text("kept")

    def interrupt(*_: object) -> None:
        assert len(list(tmp_path.iterdir())) == 2  # the new files are written
        raise KeyboardInterrupt

    write, _ = format_named(format_name).load()
    changed = replace(format_named(format_name), load=lambda: (write, interrupt))
    monkeypatch.setitem(formats.BUILTIN, format_name, changed)
    capsys.readouterr()
    assert command(["export", str(trained), "--format", format_name, "--quiet", "--out", str(place)]) == 130
    assert capsys.readouterr().err == "neuronas: interrupted\n"
    assert [(path.name, path.read_text()) for path in place.iterdir()] == [("older", "kept")]
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "c", "--max-ram", "1"], "--max-ram 1 KiB given; the values and state need"),
        (["--format", "rtl", "--max-ram", "1"], "--max-ram 1 given with --format rtl; expected --format c"),
        (["--format", "nir"], "backward edges given"),
        (["--format", "tflite"], "unknown export format 'tflite'"),
        (["--format", "nir", "--dt", "0"], "export.dt_s"),
        (["--format", "c", "--dt", "0.001"], "--dt 0.001 given with --format c; expected --format nir"),
        (["--format", "c", "--max-flash", "-1"], "export.max_flash_kib"),
        (["--format", "rtl", "--lanes", "65"], "export.lanes"),
        (["--format", "c", "--set", "export.fraction_bits=13"], "export.fraction_bits"),
        (["--format", "nir", "--set", "export.lanes=2"], "--lanes 2 given with --format nir; expected --format rtl"),
        ([], "--format"),
    ],
)
def test_wrong_use_is_one_line(
    trained: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert command(["export", str(trained), *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_what_is_no_trained_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["export", str(tmp_path / "nothing"), "--format", "integer"]) == 2
    assert "expected the directory of a trained run" in capsys.readouterr().err
    assert command(["export", str(tmp_path), "--format", "integer"]) == 2  # as in report, estimate and evaluate
    assert "holds no architecture.json; expected a run directory" in capsys.readouterr().err


def test_load_in_one_line(trained: Path) -> None:
    network = neuronas.load(trained)
    assert isinstance(network, torch.nn.Module) and not network.training
    images = torch.rand(2, 1, 8, 8)
    assert torch.equal(network(images), neuronas.load(str(trained))(images))
    assert network(images).shape == (2, 2, 10)


def test_importing_neuronas_imports_no_torch() -> None:
    code = "import sys, neuronas; neuronas.load; sys.exit('torch' in sys.modules or 'typer' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_documented_python_runs(trained: Path) -> None:
    for name in ("integer", "crossbars"):
        assert command(["export", str(trained), "--format", name, "--quiet"]) == 0
    text = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("export.md", "reference/export-formats.md"))
    known: dict[str, object] = {}
    for block in text.split("```python\n")[1:]:
        exec(block.split("```")[0].replace("RUN", str(trained)), known)  # our own documentation
    assert known["codes"].shape == (8, 1, 3, 3) and known["codes"].dtype == np.int8  # type: ignore[attr-defined]
    assert known["first_crossbar"]["n_channels"] == 1  # type: ignore[index]


VERIFIED_BY = {"c": "cc", "rtl": SIMULATION}
"""Programs that verify a format."""


@pytest.mark.parametrize(
    ("format_name", "silent"),
    [
        *(pytest.param(name, True, marks=[pytest.mark.slow] * (name == "rtl")) for name in EXPORT_FORMATS),
        *((name, False) for name in ("integer", "nir", "c")),
    ],
)
def test_a_dead_network_is_exported_in_every_format_and_named(format_name: str, silent: bool, tmp_path: Path) -> None:
    if format_name in VERIFIED_BY and shutil.which(VERIFIED_BY[format_name]) is None:
        pytest.skip(f"{VERIFIED_BY[format_name]} is not installed")
    network = make_network(SKIPS, neuron=NeuronParameters(v_threshold=1e6) if silent else None)
    if not silent:
        with torch.no_grad():
            network.weighted_layers()["head"].weight.zero_()
    content = replace(content_of(network), accelerator=load_accelerator("spikeflow-rram"))
    agreement = export_network(network, content, format_named(format_name), tmp_path / "file")
    assert (agreement.same_scores, agreement.largest_difference) == (True, 0)
    assert (tmp_path / "file").exists()


def test_a_file_of_a_dead_network_that_is_not_dead_is_found() -> None:
    network = make_network(SKIPS)
    with torch.no_grad():
        network.weighted_layers()["head"].weight.zero_()
    probe = make_probe(network, bind(network), (0.5, 0.5), (0.25, 0.25))
    with pytest.raises(VerificationError, match="scores of 8 of 8 images differ"):
        compare("file", probe, Computed(probe.expected.scores + 1e-9))


def test_scores_that_do_not_depend_on_the_image() -> None:
    scores = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])
    assert are_same(scores) and are_same(scores.expand(4, 3, 2)) and not are_same(scores[:1])
    scores[2, 0] = 3.0
    assert not are_same(scores) and are_same(scores[:2])
    assert not are_same(torch.stack([scores, scores])), "over the images, not over the time steps"


def test_a_dead_run_is_named_by_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    run = str(tmp_path / "run")
    small = ["--channels", "4", "--timesteps", "2", "--epochs", "1", "--limit", "64", "--batch-size", "32", "--quiet"]
    assert command(["train", CONV, *small, "--set", "network.v_threshold=1000000", "--out", run]) == 0
    caplog.clear()
    assert command(["evaluate", run, "--limit", "20", "--own-precision", "--quiet"]) == 0
    assert command(["export", run, "--format", "integer", "--quiet"]) == 0
    dead, doubt = (one.getMessage() for one in caplog.records)
    assert f"run {run}: the network is dead: it gives all 20 test images the same scores; train it" in dead
    assert "the verification says little: the network gives all images of it the same scores; train it" in doubt
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    manifest = ExportManifest.read(tmp_path / "run" / "export" / "integer.json")
    assert evaluation["same_scores"] and manifest.same_scores and manifest.largest_score == 0
    rows = {topic: (finding, alert) for topic, finding, alert in verdict(read_run(tmp_path / "run"))}
    assert "the network is dead" in rows["test accuracy"][0] and rows["test accuracy"][1]
