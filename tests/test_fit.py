"""Networks compared with the limits of commercial chips: by hand, with a slow search for cores, and by command."""

import json
from dataclasses import replace
from itertools import permutations
from math import prod
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given, settings, strategies as st
from torch.nn import functional as F  # noqa: N812

import neuronas
from neuronas.cli.main import run as command
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import BUILTIN as ACCELERATORS
from neuronas.hardware.chip_layers import chip_layers
from neuronas.hardware.fitting import fit_graph
from neuronas.hardware.target import BUILTIN, Cores, LayerLimits, Target, load_target
from neuronas.space.graph import Graph
from neuronas.space.lowering import lower
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape

CHAIN = "|conv_3x3~0|+|none~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|"
SHORT = "|conv_3x3~0|+|none~0|skip~1|+|none~0|none~1|skip~2|"
SUMS = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|"
DIGITS = NetworkShape(
    image_channels=1, image_side=(8, 8), n_classes=10, channels=16, n_cells=2, head_width=64, head="gap", n_voters=10
)
POOLS = (1, 2, 4)


def graph_of(text: str, **changes: object) -> Graph:
    return lower(parse_architecture(text), replace(DIGITS, **changes))  # type: ignore[arg-type]


def test_memory_as_the_documentation_of_the_chip_computes_it() -> None:
    """sinabs, Speck overview: 16 to 32 channels, 3x3, 64 x 64 pixels need 8 Ki words of kernels and 128 Ki neurons."""
    layer = chip_layers(graph_of(CHAIN, image_side=(63, 63), channels=16), POOLS)[1]
    wide = replace(layer, out_channels=32)
    assert wide.words(rounded=True) == (8 * 1024, 128 * 1024) and wide.words(rounded=False) == (4608, 32 * 63 * 63)
    odd = replace(layer, in_channels=3, out_channels=20, out_sides=(28, 30))  # 3 * 16 * 32 and 20 * 32 * 32
    assert odd.words(rounded=True) == (1536, 20480)


def test_layers_of_a_chain() -> None:
    layers = chip_layers(graph_of(CHAIN), POOLS)
    assert [one.name for one in layers] == ["stem", "A.01", "A.12", "A.23", "reduction", "B.01", "B.12", "B.23", "head"]
    assert [one.sources for one in layers] == [(), *((one.name,) for one in layers[:-1])]
    reduction, head = layers[4], layers[-1]
    assert (reduction.kernel, reduction.stride, reduction.padding) == ((4, 4), 2, 1) and reduction.more_bits == 2
    assert reduction.out_sides == (4, 4) and layers[5].in_sides == (4, 4)
    assert (head.pool, head.kernel, head.is_linear) == (4, (1, 1), True)
    assert [one.n_neurons for one in layers] == [1024] * 4 + [512] * 4 + [10]
    assert [one.name for one in chip_layers(graph_of(SHORT), POOLS)] == ["stem", "A.01", "reduction", "B.01", "head"]


def test_a_mean_behind_a_convolution_is_one_convolution() -> None:
    """The reduction as described by ``chip_layers``, computed: a kernel of 4 with stride 2 and padding 1."""
    random = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, 8, 8, generator=random, dtype=torch.float64)
    weight = torch.randn(5, 3, 3, 3, generator=random, dtype=torch.float64)
    wanted = F.avg_pool2d(F.conv2d(x, weight, padding=1), 2)
    kernel = torch.zeros(5, 3, 4, 4, dtype=torch.float64)
    for row in range(2):
        for column in range(2):
            kernel[:, :, row : row + 3, column : column + 3] += weight / 4
    assert torch.allclose(F.conv2d(x, kernel, stride=2, padding=1), wanted)
    codes = torch.full((1, 1, 3, 3), 127.0)  # the sum of four codes of 8 bits needs 10
    assert 2**8 < float(F.conv_transpose2d(codes, torch.ones(1, 1, 2, 2)).max()) <= 2**9


def test_a_mean_over_a_large_image_is_pooled_as_far_as_the_chip_can() -> None:
    head = chip_layers(graph_of(CHAIN, image_side=(32, 32)), POOLS)[-1]
    assert (head.pool, head.kernel, head.n_weights) == (4, (4, 4), 32 * 10 * 16)  # 16 x 16 pixels: 4 x 4 of 4 x 4


def test_sums_and_what_they_take() -> None:
    layers = {one.name: one for one in chip_layers(graph_of(SUMS), POOLS)}
    assert [one.name for one in layers["A.12"].adds] == ["stem"]
    assert layers["A.12"].n_weights == 16 * 16 * 9 + 16 * 9 and layers["A.12"].n_inputs == 16 * 9 + 9
    found = fit_graph(graph_of(SUMS), 6, load_target("speck2f"))
    assert {(one.layer, one.limit) for one in found.broken} == {("A.12", "sum"), ("B.12", "sum")}
    assert all(one.is_structural and one.source for one in found.broken)
    assert fit_graph(graph_of(SUMS), 6, load_target("loihi")).fits


def test_a_chain_fits_speck2f_with_weights_of_six_bits() -> None:
    found = fit_graph(graph_of(CHAIN), 6, load_target("speck2f"))
    assert found.fits and found.n_used == 9 and sorted(found.cores.values()) == list(range(9))
    eight = fit_graph(graph_of(CHAIN), 8, load_target("speck2f"))
    assert [(one.layer, one.limit, one.value, one.allowed) for one in eight.broken] == [
        ("reduction", "weight_bits", 10.0, 8.0)
    ]


@pytest.mark.parametrize(
    ("target", "changes", "limit"),
    [
        ("speck2f", {"image_side": (130, 130)}, "in_side"),
        ("speck2f", {"image_side": (48, 70)}, "out_side"),
        ("speck2f", {"n_classes": 16}, "classes"),
        ("speck2f", {"channels": 600}, "channels"),
        ("speck2f", {"channels": 128}, "weight_memory"),
        ("speck2f", {"channels": 65, "image_side": (32, 32)}, "neuron_memory"),
        ("speck2f", {"n_cells": 3}, "cores"),
        ("loihi", {"channels": 2048, "image_side": (16, 16)}, "cores"),
        ("loihi", {"channels": 512}, "inputs"),
        ("xylo-audio-2", {}, "image"),
        ("xylo-audio-2", {}, "targets"),
        ("xylo-audio-2", {}, "neurons"),
        ("akd1000", {}, "kernel"),
        ("akd1000", {"image_side": (260, 260)}, "in_side"),
    ],
)
def test_each_limit(target: str, changes: dict[str, object], limit: str) -> None:
    broken = fit_graph(graph_of(CHAIN, **changes), 2, load_target(target)).broken
    one = next(one for one in broken if one.limit == limit)
    assert (
        one.source
        and one.text
        and (one.value is None or one.allowed is None or one.value > one.allowed or limit == "kernel")
    )


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_cores_against_all_orders(sizes: list[tuple[int, int]], channels: int) -> None:
    """Layers fit one core each if some order of the cores holds them all."""
    graph = graph_of(SHORT, channels=channels)
    layers = chip_layers(graph, None)
    unit = channels * channels * 2
    kinds = [Cores(n=1, n_weights=w * unit * 16, n_neurons=n * channels * 16) for w, n in [*sizes, (9, 9), (2, 9)]]
    target = Target(cores=tuple(kinds))
    words = [one.words(rounded=False) for one in layers]
    possible = any(
        all(w <= kind.n_weights and n <= kind.n_neurons for (w, n), kind in zip(words, order, strict=False))
        for order in permutations(kinds, len(words))
    )
    found = fit_graph(graph, 8, target)
    assert found.fits == possible
    if possible:
        assert len(set(found.cores.values())) == len(layers)
        for layer, (weights, neurons) in zip(layers, words, strict=True):
            kind = kinds[found.cores[layer.name]]
            assert weights <= kind.n_weights and neurons <= kind.n_neurons


def test_the_largest_width_is_the_largest() -> None:
    found = neuronas.fit(CHAIN, channels=16, weight_bits=6, target="speck2f")
    widest = found.largest_channels
    assert found.fits and widest is not None and 16 <= widest < 4096 and found.mends == ()
    assert neuronas.fit(CHAIN, channels=widest, weight_bits=6).fits
    over = neuronas.fit(CHAIN, channels=widest + 1, weight_bits=6)
    assert not over.fits and over.largest_channels == widest
    assert any(one.fits and one.options == f"--channels {widest}" for one in over.mends)


def test_mends_are_what_they_say() -> None:
    found = neuronas.fit(CHAIN, channels=100, weight_bits=8)
    assert not found.fits and "weight_bits" in found.text
    both = next(one for one in found.mends if one.fits)
    options = dict(zip(both.options.split()[::2], map(int, both.options.split()[1::2]), strict=True))
    assert options["--weight-bits"] == 6
    again = neuronas.fit(CHAIN, channels=options["--channels"], weight_bits=options["--weight-bits"])
    assert again.fits
    one = next(one for one in found.mends if one.options == "--weight-bits 6")
    assert not one.fits and "weight_bits" not in one.left


def test_a_chip_without_documented_memory_is_said_to_be_so() -> None:
    target = Target(name="mine", layers=LayerLimits(max_channels=64))
    assert "memory is not documented" in neuronas.fit(CHAIN, channels=16, target=target).text


def test_networks_of_your_own() -> None:
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(256, 10)
    )
    found = neuronas.fit(module, target="speck2f", input_shape=(1, 8, 8))
    assert found.fits and [one.kernel for one in found.layers] == [(3, 3), (8, 8)]
    assert found.largest_channels is None and prod(found.layers[1].kernel) * 4 * 16 == found.layers[1].n_weights


def test_every_number_of_a_built_in_target_has_its_source() -> None:
    for name in BUILTIN:
        content = load_target(name).model_dump()
        pending, n = [content], 0
        while pending:
            value = pending.pop()
            if isinstance(value, dict) and "source" in value:
                unstated = (
                    value == {"value": False, "source": value["source"]}
                    or value["value" if "value" in value else "values"] is True
                )
                assert "not stated" not in value["source"] or unstated, (name, value)
                n += 1
            elif isinstance(value, dict):
                pending += value.values()
            elif isinstance(value, tuple | list):
                pending += value
        assert n > 4, name


def test_targets_of_your_own(tmp_path: Path) -> None:
    file = tmp_path / "chip.yaml"
    file.write_text(yaml.safe_dump({"cores": [{"n": 9, "n_neurons": 2000, "n_weights": 9000}]}))
    assert neuronas.fit(CHAIN, channels=8, target=str(file)).fits
    for content, message in (
        ({"cores": [{"n": 9}]}, "key 'cores.0.n_neurons' is missing"),
        ({"layers": {"kernels": {"values": []}}}, "layers.kernels.values"),
        ({"corse": []}, "did you mean 'cores'"),
        ({"max_classes": 0}, "max_classes"),
    ):
        file.write_text(yaml.safe_dump(content))
        with pytest.raises(ConfigurationError) as raised:
            load_target(str(file))
        assert message in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("given", ["spikeflow-rram", str(ACCELERATORS["spikeflow-rram"])])
def test_an_accelerator_given_as_target_names_the_option_that_takes_it(given: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is an accelerator, which --hardware takes; expected a target"):
        neuronas.fit(CHAIN, target=given)
    with pytest.raises(ConfigurationError, match="is a target, which --target takes; expected an accelerator"):
        neuronas.estimate(CHAIN, hardware="speck2f")
    file = tmp_path / "space.yaml"
    file.write_text("operations: [skip]")
    with pytest.raises(ConfigurationError, match="is a search space, which --space takes; expected a target"):
        neuronas.fit(CHAIN, target=str(file))


@pytest.mark.parametrize("content", [{}, {"description": "mine"}, {"layers": {}}, {"adds_values": {"value": True}}])
def test_a_target_that_limits_nothing_is_refused(content: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "chip.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match="states no limit, so every network would fit"):
        neuronas.fit(CHAIN, target=str(file))
    file.write_text(yaml.safe_dump(content | {"max_classes": 10}))
    assert neuronas.fit(CHAIN, target=str(file)).fits


@pytest.mark.parametrize(
    ("name", "code"), [("network.onnx", 4), ("network.nir", 4), ("architecture.json", 4), ("photo.png", 4)]
)
def test_a_damaged_network_fails_alike_for_every_verb(
    name: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(b"no network")
    for verb in ("fit", "estimate"):
        assert command([verb, str(tmp_path / name)]) == code
        err = capsys.readouterr().err
        assert name in err and err.count("\n") == 1
        assert name != "photo.png" or "given, another kind of file; expected an architecture such as" in err


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["fit", CHAIN, "--channels", "16", "--weight-bits", "6", "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["fits"] and document["target"] == "speck2f" and document["n_cores"] == 9
    assert command(["fit", SUMS, "--channels", "16", "--target", "speck2f"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("does not fit SynSense Speck 2f") and "are added in front of neurons" in printed.out
    assert "--weight-bits 6" in printed.out
    assert "neuronas search --channels 16 --weight-bits 6 --target speck2f; limit sum needs a --space" in printed.err
    for options, message in (
        (["--target", "speck3"], "did you mean 'speck2f'"),
        (["--target", "absent.yaml"], "absent.yaml: cannot be read"),
        (["--input-shape", "1,8"], "--input-shape 1,8 given"),
    ):
        assert command(["fit", CHAIN, *options]) == 2
        assert message in capsys.readouterr().err


def test_advice_names_the_layer_around_the_cells_that_no_search_changes(tmp_path: Path) -> None:
    assert neuronas.fit(CHAIN, channels=16).advice == "", "fewer bits suffice"
    reduction = neuronas.fit(SUMS, target="akd1000").advice
    assert "no search helps" in reduction and "reduction: kernel of 4 pixels" in reduction
    mended = neuronas.fit(SUMS, channels=2000, weight_bits="stem=8,A=4,reduction=8,B=4,head=8").advice
    assert "--channels 32 " in mended and "stem=8,A=4,reduction=6,B=4,head=8" in mended
    assert neuronas.fit(SUMS, target="loihi", weight_bits=6).advice == "", "it fits"
    file = tmp_path / "chip.yaml"
    file.write_text(yaml.safe_dump({"adds_values": {"value": False}, "layers": {"kernels": {"values": [1, 3, 4]}}}))
    words = neuronas.fit(SUMS, target=str(file)).advice.partition("; limit sum")[0].partition("fit: ")[2].split()
    assert command([*words[1:], "--dry-run"]) == 0, "the command can be run"


def test_search_for_a_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "run")
    options = [
        "--channels",
        "2",
        "--timesteps",
        "1",
        "--batch-size",
        "4",
        "--fitness",
        "sahd",
        "--quiet",
        "--target",
        "speck2f",
    ]
    space = ["--space", "snasnet", "--algorithm", "snasnet", "--n-draws", "150"]
    assert command(["search", *options, *space, "--weight-bits", "6", "--out", out, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 50 < found["rejected"]["target"] < 150 and neuronas.fit(out).fits  # the run's own settings and target
    assert command(["report", out, "--quiet"]) == 0
    assert command(["search", *options, "--out", str(tmp_path / "none")]) == 3
    message = capsys.readouterr().err
    assert "fits the target" in message and "sum" in message and "--space with operation none" in message
