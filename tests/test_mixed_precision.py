"""Weight bits by layer: equal bits give the results of a scalar; each layer of a mixture is as at its own bits."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import neuronas
from neuronas.chip.chip_model import ChipModel, chip_model
from neuronas.chip.chip_weights import ChipWeights
from neuronas.chip.design import make_design
from neuronas.chip.mapped_layer import mapped_layers, pixel_format
from neuronas.cli.main import run as command
from neuronas.config import (
    FITNESS,
    HardwareConfig,
    LayerBits,
    RunConfig,
    WeightBits,
    as_options,
    as_weight_bits,
    bits_of,
    by_layer,
    precision_text,
    weights_text,
)
from neuronas.errors import ConfigurationError
from neuronas.export.content import ExportContent
from neuronas.export.formats import format_named
from neuronas.export.from_network import bind
from neuronas.export.integer import read_integer
from neuronas.export.round_trip import export_network
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.fitness.reference import ReferenceEvaluator
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.cost import CostModel
from neuronas.hardware.mapped.activity import DENSE
from neuronas.hardware.mapped.area import AREA_UM2
from neuronas.hardware.mapped.energy import ENERGY_PJ
from neuronas.hardware.mapped.latency import LATENCY_NS
from neuronas.hardware.mapped.mapping import columns_per_output
from neuronas.hardware.models import mapped_cost_model
from neuronas.hardware.paper import PaperCostModel
from neuronas.hardware.units import BUDGETED
from neuronas.importing.read import read_network_arrays
from neuronas.report.cost_tables import layer_table
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.snn.weights import WeightSource
from neuronas.space.layer_bits import graph_bits, search_bits
from neuronas.space.lowering import lower
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import Workload, rows
from test_export import content_of, make_network

CELL_A = "|conv_3x3~0|+|skip~0|conv_1x1~1|+|avg_pool_3x3~0|skip~1|dwconv_3x3~2|"
ARCH = f"{CELL_A} / |skip~0|+|conv_3x3~0|skip~1|+|none~0|skip~1|conv_3x3~2|"
NO_WEIGHTS = "|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|"
GIVEN = "stem=8,A=4,A.01=6,reduction=5,B=3,head=7"
LAYERS = {
    "stem": 8, "A.01": 6, "A.12": 4, "A.23.depthwise": 4, "A.23.pointwise": 4, "reduction": 5, "B.02": 3, "B.23": 3,
    "head": 7,
}  # fmt: skip
MIXED = LayerBits(tuple(LAYERS.items()))
ALIKE = LayerBits(tuple((name, 8) for name in LAYERS))
SHAPE = NetworkShape(2, 8, 3, 4, head_width=12, head="gap")
CHIP = "spikeflow-rram"
PIXELS = pixel_format((0.3, 0.3), (0.35, 0.35), 8)


def network(bits: WeightBits, scale: str = "power-of-two", arch: str = ARCH) -> Classifier:
    return make_network(arch, WeightFormat(bits, scale))


def images(n: int = 6) -> Tensor:
    drawn = torch.randint(0, 256, (n, 2, 8, 8), generator=torch.Generator().manual_seed(3))
    return (drawn.float() / 255 - 0.3) / 0.35


def mapped(bits: WeightBits, name: str = CHIP) -> Any:
    return mapped_cost_model(HardwareConfig(), load_accelerator(name), bits, 3, DENSE)


def paper(bits: WeightBits) -> PaperCostModel:
    return PaperCostModel(load_accelerator(CHIP), bits, 3)


MODELS: dict[str, Callable[[WeightBits], CostModel]] = {
    "mapped": mapped, "mapped, offset binary": lambda bits: mapped(bits, "isaac-rram"), "paper": paper,
}  # fmt: skip


@pytest.mark.parametrize(
    "given", ["stem=8,A=4", " stem = 8 , A=4 ", {"stem": 8, "A": 4}, LayerBits((("stem", 8), ("A", 4)))]
)
def test_texts_and_mappings_are_the_same_setting(given: Any) -> None:
    config = RunConfig(network={"weight_bits": given})
    bits = config.network.weight_bits
    assert bits == LayerBits((("stem", 8), ("A", 4))) and str(bits) == "stem=8,A=4"
    assert config.network.model_dump()["weight_bits"] == {"stem": 8, "A": 4}
    assert as_options(config, "train") == ["--weight-bits", "stem=8,A=4"]
    assert (precision_text(bits), weights_text(bits)) == ("4 to 8 bits", "4- to 8-bit weights")
    assert as_weight_bits("8") == as_weight_bits(8) == 8 and weights_text(8) == "8-bit weights"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("stem=1,A=17,B=8", "for stem=1, A=17"),
        ({"stem": 8.0}, "for stem=8.0"),
        ({"stem": 20}, "2 to 16 (fixed point) or 32 (no quantisation) for stem=20"),
        ("stem=8,A", "or bits by layer such as stem=8,A=4"),
        ("stem=8,stem=4", "stem is given twice"),
        ({}, "or bits by layer"),
        (True, "or bits by layer"),
        (1, "expected 2 to 16 (fixed point) or 32"),
    ],
)
def test_what_is_no_precision_is_refused_in_one_line(given: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        neuronas.estimate(ARCH, weight_bits=given)
    assert message in str(caught.value) and "network.weight_bits: given" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_longest_key_counts_and_bits_are_resolved_for_each_layer() -> None:
    graph = lower(parse_architecture(ARCH), SHAPE)
    found = graph_bits(as_weight_bits(GIVEN), graph)
    assert isinstance(found, LayerBits) and dict(found.items) == LAYERS
    assert bits_of(found, "A.23.depthwise") == 4 and graph_bits(8, graph) == 8
    assert graph_bits(found, graph) == found
    with_key_of_a_part = as_weight_bits("stem=8,A=2,A.23=3,A.23.pointwise=9,reduction=5,B=3,head=7")
    assert bits_of(graph_bits(with_key_of_a_part, graph), "A.23.depthwise") == 3
    assert bits_of(graph_bits(with_key_of_a_part, graph), "A.23.pointwise") == 9
    assert bits_of(graph_bits(with_key_of_a_part, graph), "A.01") == 2
    without = lower(parse_architecture(NO_WEIGHTS), SHAPE)  # cells without weights still have a name
    assert graph_bits(as_weight_bits("stem=8,A=4,reduction=5,B=3,head=7"), without) == LayerBits(
        (("stem", 8), ("reduction", 5), ("head", 7))
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("stem=8,A=4,redction=5,B=3,head=7", ["redction not found", "reduction missing"]),
        ("stem=8,A.01=4", ["A.12, A.23.depthwise, A.23.pointwise, reduction, B.02, B.23, head missing"]),
        (GIVEN + ",C=4,A.02=4", ["C, A.02 not found"]),
        (GIVEN + ",A.0=4", ["A.0 not found"]),
    ],
)
def test_names_that_do_not_fit_are_told_in_one_line(given: str, said: list[str]) -> None:
    for run in (neuronas.estimate, neuronas.fit):
        with pytest.raises(ConfigurationError) as caught:
            run(ARCH, weight_bits=given)
        line = str(caught.value)
        assert all(one in line for one in said) and "expected bits for each of stem, A.01" in line and "\n" not in line


def test_a_search_takes_bits_by_part_alone() -> None:
    search_bits(as_weight_bits("stem=8,A=4,reduction=5,B=3,head=7"), SHAPE, 4)
    search_bits(8, SHAPE, 4)
    linear = replace(SHAPE, head="linear")
    search_bits(as_weight_bits("stem=8,A=4,reduction=5,B=3,head=7,head.2=8"), linear, 4)
    for given, said in (
        (GIVEN, "A.01 not found"),
        ("stem=8,A=4,reduction=5,head=7", "B missing"),
        ("stem=8,A=4,B=4,head=7", "reduction missing"),
        ("stem=8,A=4,reduction=5,B=3,head=7,head.2=8", "head.2 not found"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            search_bits(as_weight_bits(given), SHAPE, 4)


def test_bits_of_a_search_are_those_of_its_parts_in_order() -> None:
    given = as_weight_bits("head=8,B=3,A=4,reduction=4,stem=8")
    assert str(search_bits(given, SHAPE, 4)) == "stem=8,A=4,reduction=4,B=3,head=8"
    linear = search_bits(given, replace(SHAPE, head="linear"), 4)
    assert str(linear) == "stem=8,A=4,reduction=4,B=3,head.1=8,head.2=8"
    assert search_bits(as_weight_bits("stem=6,A=6,reduction=6,B=6,head=6"), SHAPE, 4) == search_bits(6, SHAPE, 4) == 6


@pytest.mark.parametrize("name", MODELS)
def test_cost_at_equal_bits_is_that_of_one_number_to_the_bit(name: str) -> None:
    work = rows(parse_architecture(ARCH), SHAPE)
    for bits in (2, 4, 8, 13, 32):
        alike = LayerBits(tuple((layer, bits) for layer in LAYERS))
        assert asdict(MODELS[name](alike).estimate(work)) == asdict(MODELS[name](bits).estimate(work))
    slots = Workload(SHAPE, 4)
    pairs = [parse_architecture(text) for text in (ARCH, NO_WEIGHTS)]
    by_part = as_weight_bits("stem=8,A=8,reduction=8,B=8,head=8")
    one, other = (MODELS[name](bits).totals(slots.slots, slots.occupancy(pairs)) for bits in (8, by_part))
    for quantity in BUDGETED:
        assert np.array_equal(getattr(one, quantity), getattr(other, quantity))


def test_cost_of_a_mixture_is_the_sum_of_its_layers_at_their_bits_by_model_paper() -> None:
    work = rows(parse_architecture(ARCH), SHAPE)
    found = paper(MIXED).estimate(work)
    for index, (row, layer) in enumerate(zip(found.layers, work, strict=True)):
        if layer.has_weights:
            assert row == paper(LAYERS[layer.name]).estimate(work).layers[index]
            assert row.weight_bits == LAYERS[layer.name]
    for quantity in ("area_mm2", "latency_ms", "energy_uj"):
        assert sum(getattr(row, quantity) for row in found.layers) == pytest.approx(getattr(found, quantity), rel=1e-12)
    counted = [layer for layer in work if layer.kind == "conv"]
    assert found.memory_bits == sum(layer.n_weights * LAYERS[layer.name] for layer in counted)


@pytest.mark.parametrize("hardware", [CHIP, "isaac-rram", "jia-sram"])
def test_cost_of_a_mixture_is_the_sum_of_its_layers_at_their_bits_by_model_mapped(hardware: str) -> None:
    work = rows(parse_architecture(ARCH), SHAPE)
    model = mapped(MIXED, hardware)
    own, found, names = model.work(work), model.estimate(work), [layer.name for layer in work]
    for terms in (AREA_UM2, ENERGY_PJ, LATENCY_NS):
        for name, term in terms.items():
            values = term(own)
            for index, layer in enumerate(work):
                alone = term(mapped(LAYERS.get(layer.name, 8), hardware).work(work))
                assert values[index] == alone[index], (name, layer.name)
    assert found.memory_bits == sum(layer.n_weights * LAYERS.get(layer.name, 0) for layer in work)
    for quantity in ("area_mm2", "latency_ms", "energy_uj"):
        assert sum(getattr(row, quantity) for row in found.layers) == pytest.approx(getattr(found, quantity), rel=1e-12)
    more = mapped(LayerBits(tuple((LAYERS | {"B.23": 16}).items())), hardware)  # the cost rises in this layer only
    for term in AREA_UM2.values():
        assert set(np.flatnonzero(term(more.work(work)) != term(own))) <= {names.index("B.23")}
    changed = more.estimate(work)
    assert changed.memory_bits - found.memory_bits == 13 * work[names.index("B.23")].n_weights
    assert changed.area_mm2 >= found.area_mm2 and changed.energy_uj > found.energy_uj


def test_tables_and_documents_show_the_bits_of_each_layer() -> None:
    found = neuronas.estimate(ARCH, weight_bits=GIVEN)
    document = found.report.plain()
    assert document["weight_bits"] == LAYERS
    assert {row["name"]: row["weight_bits"] for row in document["layers"] if "weight_bits" in row} == LAYERS
    table = layer_table(found.cost)
    column = table.titles.index("bits")
    assert {row[0]: row[column] for row in table.rows if row[column]} == {name: str(n) for name, n in LAYERS.items()}
    assert "bits" not in layer_table(neuronas.estimate(ARCH).cost).titles
    alike = neuronas.estimate(ARCH, weight_bits=dict.fromkeys(LAYERS, 8))
    one, other = alike.report.plain(), neuronas.estimate(ARCH, weight_bits=8).report.plain()
    assert one.pop("weight_bits") == dict.fromkeys(LAYERS, 8) and other.pop("weight_bits") == 8
    assert one == other


@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_untrained_weights_are_those_of_each_layers_bits(rounding: str) -> None:
    mixed = WeightSource(3, as_weight_bits(GIVEN), rounding)
    for place, bits in {"A.01.conv_3x3": 6, "A.12.conv_1x1": 4, "B.23.x": 3, "reduction.1": 5, "stem": 8}.items():
        one, other = (source.convolution(place, 4, 6, 3) for source in (mixed, WeightSource(3, bits, rounding)))
        assert np.array_equal(one.codes, other.codes) and one.exponent == other.exponent
        assert np.abs(one.codes).max() <= 2 ** (bits - 1) - 1


@pytest.mark.parametrize("fitness", ["sahd", "path-information"])
def test_the_engine_gives_the_references_fitness_of_a_mixture(fitness: str) -> None:
    given, neuron = torch.randn(1, 6, 2, 8, 8, generator=torch.Generator().manual_seed(1)), NeuronParameters()
    architectures = [parse_architecture(text) for text in (ARCH, NO_WEIGHTS)]
    backend = select_backend(neuron, torch.device("cpu"), 2, 2**30)

    def by(bits: WeightBits, engine: bool) -> dict[int, float]:
        weights, measure = WeightSource(5, bits), FITNESS[fitness]
        if engine:
            evaluator: Any = EngineEvaluator(given, SHAPE, weights, 3, measure, backend, 2**30, neuron.v_threshold)
        else:
            evaluator = ReferenceEvaluator(given, SHAPE, weights, neuron, 3, measure)
        return dict(evaluator.evaluate(architectures))

    mixed = as_weight_bits("stem=12,A=3,reduction=9,B=2,head=8")
    assert by(mixed, True) == pytest.approx(by(mixed, False), rel=1e-9)
    assert by(mixed, True) != by(8, True)
    assert by(as_weight_bits("stem=8,A=8,reduction=8,B=8,head=8"), True) == by(8, True)


@pytest.mark.parametrize("scale", ["power-of-two", "lsq", "lsq-channel"])
def test_training_at_equal_bits_is_that_of_one_number_to_the_bit(scale: str) -> None:
    outputs, gradients = [], []
    for bits in (8, ALIKE):
        one = network(bits, scale).train()
        scores = one(images())
        scores.square().sum().backward()
        outputs.append(scores)
        gradients.append([parameter.grad for parameter in one.parameters()])
    assert torch.equal(*outputs) and len(gradients[0]) == len(gradients[1])
    assert all(a is b is None or torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("scale", ["power-of-two", "lsq-channel"])
def test_each_layer_of_a_mixture_has_the_codes_of_its_bits(scale: str) -> None:
    mixed = network(MIXED, scale)
    for name, bits in LAYERS.items():
        own, alone = (one.weighted_layers()[name] for one in (mixed, network(bits, scale)))
        assert torch.equal(own.integers.codes, alone.integers.codes)
        assert torch.equal(own.integers.step, alone.integers.step) and torch.equal(own.held, alone.held)
        assert 1 <= own.integers.codes.abs().max() <= 2 ** (bits - 1) - 1
    plain = network(32)
    plain.set_bits(MIXED)
    if scale == "power-of-two":
        assert torch.equal(plain(images()), mixed(images()))


def test_noise_of_training_is_that_of_each_layers_bits() -> None:
    noise = {bits: tuple(0.1 * bits for _ in range(2**bits - 1)) for bits in LAYERS.values()}
    form = WeightFormat(MIXED, noise=noise)
    made = Classifier(parse_architecture(ARCH), SHAPE, ClassifierSettings(form, NeuronParameters(), 3))
    for name, layer in made.weighted_layers().items():
        assert layer.get_buffer("noise").tolist() == pytest.approx(noise[LAYERS[name]])
    with pytest.raises(TypeError, match=r"WeightFormat\.of"):
        _ = form.n_bits


def chip(bits: WeightBits, scheme: str = "differential", name: str = CHIP) -> ChipModel:
    return replace(chip_model(load_accelerator(name), name, bits, sign_scheme=scheme))


@pytest.mark.parametrize("scheme", ["differential", "offset-binary", "twos-complement"])
def test_chips_at_equal_bits_are_those_of_one_number_to_the_bit(scheme: str) -> None:
    x = images()
    with torch.no_grad():
        scores = [make_design(network(bits), chip(bits, scheme), PIXELS, x).chip(0, 1)(x) for bits in (8, ALIKE)]
        other = make_design(network(MIXED), chip(MIXED, scheme), PIXELS, x).chip(0, 1)(x)
    assert torch.equal(*scores) and not torch.equal(scores[0], other)


@pytest.mark.parametrize("scheme", ["differential", "offset-binary", "twos-complement"])
def test_an_ideal_chip_of_a_mixture_is_the_quantised_network(scheme: str) -> None:
    mixed, x = network(MIXED), images()
    model = chip(MIXED, scheme)
    ideal = make_design(mixed, model.without(model.active), PIXELS, x).chip(0, 0)
    with torch.no_grad():
        assert float((ideal(x) - mixed(x)).abs().max()) <= 1e-5


@pytest.mark.parametrize("name", ["spikeflow-rram", "isaac-rram"])
def test_each_layer_of_a_mixture_has_the_columns_that_cost_counts(name: str) -> None:
    accelerator = load_accelerator(name)
    model = chip_model(accelerator, name, MIXED)
    mapping = mapped(MIXED, name).work(rows(parse_architecture(ARCH), SHAPE))
    counts = dict(zip((row.name for row in rows(parse_architecture(ARCH), SHAPE)),
                      columns_per_output(mapping.weight_bits, accelerator.crossbar), strict=True))  # fmt: skip
    for layer_name, layer in mapped_layers(network(MIXED), model, PIXELS).items():
        assert len(layer.factors) - layer.has_reference == counts[layer_name], layer_name
        assert layer.weight_bits == LAYERS[layer_name]


def test_untrained_weights_on_chips_are_those_of_each_layers_bits() -> None:
    given = as_weight_bits(GIVEN)
    mixed = ChipWeights(3, given, model=chip(given))
    for place, bits in {"A.01.conv_3x3": 6, "B.23.conv_3x3": 3}.items():
        alone = ChipWeights(3, bits, model=chip(bits))
        one, other = (source.convolution(place, 4, 6, 3) for source in (mixed, alone))
        assert np.array_equal(one.codes, other.codes) and one.exponent == other.exponent


def test_what_a_chip_cannot_hold_names_the_layers() -> None:
    with pytest.raises(ConfigurationError, match=r"weight_bits 32 given in A\.12, head; expected 2 to 16"):
        chip(as_weight_bits(LAYERS | {"A.12": 32, "head": 32}))
    wide = replace_bits_per_cell(4)
    with pytest.raises(ConfigurationError, match=r"weights have 3 bits in B\.02, B\.23; expected at most"):
        neuronas.estimate(ARCH, weight_bits=GIVEN.replace("B=3", "B.02=3,B.23=3"), hardware=wide)
    with pytest.raises(ConfigurationError, match="for weights of 3 bits in B; expected no more"):
        chip_model(wide, "wide", as_weight_bits(GIVEN))


def replace_bits_per_cell(bits: int) -> Any:
    accelerator = load_accelerator(CHIP)
    quantity = type(accelerator.crossbar.bits_per_cell)
    crossbar = accelerator.crossbar.model_copy(update={"bits_per_cell": quantity(bits, "")})
    return accelerator.model_copy(update={"crossbar": crossbar})


def contents(bits: WeightBits) -> tuple[Classifier, ExportContent]:
    made = network(bits)
    return made, replace(content_of(made), accelerator=load_accelerator(CHIP))


@pytest.mark.parametrize(
    "format_name", ["integer", "nir", "onnx", "c", pytest.param("rtl", marks=pytest.mark.slow), "crossbars"]
)
def test_a_mixture_is_exported_and_read_back_exact(format_name: str, tmp_path: Path) -> None:
    made, content = contents(MIXED)
    path = tmp_path / format_named(format_name).place
    agreement = export_network(made, content, format_named(format_name), path)
    assert agreement.n_images and (agreement.largest_difference == 0 or not format_named(format_name).is_integer)
    if format_name == "integer":
        document, read = json.loads((path / "network.json").read_text()), read_integer(path)
        assert document["weight_bits"] == LAYERS
        assert document["crossbars"]["columns_per_output"] == {name: 2 * (bits - 1) for name, bits in LAYERS.items()}
        for name, layer in made.weighted_layers().items():
            codes, step = layer.integers
            assert np.array_equal(read.weights[name].codes, codes.numpy()), name
            assert np.array_equal(read.weights[name].step.reshape(-1), step.detach().reshape(-1).numpy())
    if format_name in ("nir", "onnx"):
        read_back = read_network_arrays(path, None)
        found = dict(read_back.recorded.weight_bits.items)  # type: ignore[union-attr]
        assert {name.replace("_", "."): bits for name, bits in found.items()} == LAYERS
        assert graph_bits(read_back.recorded.weight_bits, read_back.graph) == read_back.recorded.weight_bits
    if format_name == "crossbars":
        index = json.loads((path / "crossbars.json").read_text())
        assert index["weight_bits"] == LAYERS and set(index["column_factors"]) == set(LAYERS)
    if format_name in ("c", "rtl"):
        text = (path / ("neuronas.c" if format_name == "c" else "neuronas.v")).read_text()
        assert "3- to 8-bit weights" in text


@pytest.mark.parametrize("format_name", ["integer", "nir", "onnx", "c", "rtl", "crossbars"])
def test_files_at_equal_bits_are_those_of_one_number(format_name: str, tmp_path: Path) -> None:
    write = format_named(format_name).load()[0]
    one, alike = (tmp_path / name / format_named(format_name).place for name in ("one", "alike"))
    for path, bits in ((one, 8), (alike, ALIKE)):
        path.parent.mkdir()
        write(contents(bits)[1], path)
    if not one.is_dir():
        first, second = (read_network_arrays(path, None) for path in (one, alike))
        for name, arrays in first.weights.items():
            assert np.array_equal(arrays.values, second.weights[name].values)
        return
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(alike) for path in alike.rglob("*") if path.is_file())
    for file in files:
        if file.suffix == ".json":
            before, after = (json.loads((path / file).read_text()) for path in (one, alike))
            assert before.pop("weight_bits") == 8 and after.pop("weight_bits") == dict.fromkeys(LAYERS, 8)
            assert before == after
        elif file.suffix == ".npz":
            with np.load(one / file) as a, np.load(alike / file) as b:
                assert a.files == b.files and all(np.array_equal(a[key], b[key]) for key in a.files)
        else:
            assert (one / file).read_bytes() == (alike / file).read_bytes(), file


def test_layers_that_are_not_quantised_are_named_by_formats_of_integers(tmp_path: Path) -> None:
    bits = LayerBits(tuple((LAYERS | {"A.12": 32}).items()))
    content = contents(bits)[1]
    assert bind(network(bits)).weights["A.12"].codes is None and content.network.weights["stem"].codes is not None
    with pytest.raises(ConfigurationError, match=r"weights of 32 bits given in layer A\.12; expected quantised"):
        format_named("integer").load()[0](content, tmp_path / "integer")
    with pytest.raises(ConfigurationError, match=r"weights of 32 bits given in layer A\.12"):
        _ = content.integers
    made, content = contents(bits)
    export_network(made, content, format_named("onnx"), tmp_path / "network.onnx")


def test_mends_lower_the_layers_that_need_it() -> None:
    chain = "|conv_3x3~0|+|none~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|"
    given = "stem=10,A=8,A.12=4,reduction=8,B=4,head=8"
    found = neuronas.fit(chain, channels=8, weight_bits=given)
    over = {one.layer for one in found.broken if one.limit == "weight_bits"}
    assert over == {"stem", "reduction"} and found.plain()["weight_bits"]["A.12"] == 4
    mend = next(one for one in found.mends if one.options.startswith("--weight-bits"))
    assert mend.options == "--weight-bits stem=8,A.01=8,A.12=4,A.23=8,reduction=6,B.01=4,B.12=4,B.23=4,head=8"
    assert mend.fits == neuronas.fit(chain, channels=8, weight_bits=mend.options.split()[1]).fits


SMALL = ["--channels", "8", "--timesteps", "2", "--quiet", "--epochs", "3"]


@pytest.mark.slow
def test_a_mixture_through_every_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert command(["train", ARCH, "--out", str(run), "--weight-bits", GIVEN, *SMALL]) == 0
    assert "A.01: 6" in (run / "config.yaml").read_text()
    capsys.readouterr()
    assert command(["evaluate", str(run), "--integer", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["weight_bits"] == LAYERS == document["cost"]["weight_bits"]
    assert list(document["accuracy_by_bits"]) == ["float", "4", "6", "8", "10", "12", "14", "16", "mixed"]
    assert document["accuracy_by_bits"]["mixed"] == document["top1"]
    assert command(["evaluate", str(run), "--chip", "--chips", "1", "--limit", "40", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weight_bits"] == LAYERS
    for name in ("integer", "onnx", "nir"):
        assert command(["export", str(run), "--format", name, "--quiet"]) == 0
    capsys.readouterr()
    own = ["--dataset", "digits", "--chip", "--chips", "1", "--limit", "20", "--json", "--set", "chip.diagnosis=false"]
    for name in ("nir", "onnx"):  # with the file's own bits
        assert command(["evaluate", str(run / "export" / f"network.{name}"), *own]) == 0
        found = json.loads(capsys.readouterr().out)["weight_bits"]
        assert {layer.replace("_", "."): bits for layer, bits in found.items()} == LAYERS
    assert command(["report", str(run), "--quiet"]) == 0
    page = (run / "report.html").read_text()
    assert "3 to 8 bits" in page and "3- to 8-bit weights" in page and "mixed" in page
    assert command(["train", str(run), "--out", str(tmp_path / "all"), "--weight-bits", "8", *SMALL]) == 0
    assert command(["evaluate", str(run), "--weight-bits", "8", "--quiet"]) == 2  # a trained network keeps its own bits


@pytest.mark.slow
def test_a_run_at_equal_bits_is_that_of_one_number(tmp_path: Path) -> None:
    given = "stem=8,A=8,reduction=8,B=8,head=8"
    one, alike = (
        neuronas.train(
            ARCH, out=tmp_path / name, weight_bits=bits, channels=4, timesteps=2, epochs=2, batch_size=256,
            chip_noise=0.1,
        )
        for name, bits in (("one", 8), ("alike", given))
    )  # fmt: skip
    assert one.validation_accuracy == alike.validation_accuracy
    best = [(tmp_path / name / "checkpoints" / "best.safetensors").read_bytes() for name in ("one", "alike")]
    losses = [
        [json.loads(line)["train_loss"] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", "alike")
    ]
    assert losses[0] == losses[1] and len(best[0]) > 1000
    first, second = (neuronas.load(tmp_path / name) for name in ("one", "alike"))
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
    measured = [neuronas.evaluate(tmp_path / name).plain() for name in ("one", "alike")]
    assert measured[0]["top1"] == measured[1]["accuracy_by_bits"]["mixed"] == measured[1]["accuracy_by_bits"]["8"]
    assert measured[0]["layers"] == measured[1]["layers"]
    chips = [neuronas.evaluate_on_chips(tmp_path / name, chips=2, diagnosis=False) for name in ("one", "alike")]
    assert chips[0].top1_per_chip == chips[1].top1_per_chip and chips[0].layers == chips[1].layers


@pytest.mark.slow
def test_a_search_at_equal_bits_is_that_of_one_number(tmp_path: Path) -> None:
    def searched(name: str, bits: Any, **options: Any) -> dict[str, Any]:
        found = neuronas.search(
            out=tmp_path / name, weight_bits=bits, channels=4, timesteps=2, batch_size=16, space="snasnet",
            algorithm="snasnet", n_draws=12, **options,
        )  # fmt: skip
        return found.summary.plain()

    one, alike = searched("one", 8), searched("alike", {"stem": 8, "A": 8, "reduction": 8, "B": 8, "head": 8})
    assert (one["architecture"], one["fitness"]) == (alike["architecture"], alike["fitness"])
    for quantity in (*BUDGETED, "memory_bits"):
        assert one["cost"][quantity] == alike["cost"][quantity]
    brief = ["search.finalist_epochs=1", "search.finalist_images=200"]
    mixed = searched("mixed", "stem=8,A=3,reduction=8,B=2,head=8", finalists=2, assignments=brief)
    assert mixed["fitness"] != one["fitness"]
    assert json.loads((tmp_path / "mixed" / "finalists.json").read_text())["weight_bits"]["B"] == 2
    bits = mixed["cost"]["weight_bits"]
    assert {name: bits[name] for name in ("stem", "reduction", "head")} == {"stem": 8, "reduction": 8, "head": 8}
    assert {n for name, n in bits.items() if name.startswith("B.")} <= {2}
    reread = neuronas.estimate(tmp_path / "mixed")
    assert reread.cost.memory_bits == mixed["cost"]["memory_bits"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "--weight-bits", GIVEN], "A.01 not found"),
        (["design", "--weight-bits", GIVEN], "A.01 not found"),
        (
            ["design", "--weight-bits", "stem=8,A=4,reduction=5,B=3,head=7", "--weight-bits-choices", "4,8"],
            "--weight-bits stem=8,A=4,reduction=5,B=3,head=7 given with --weight-bits-choices",
        ),
        (["train", ARCH, "--weight-bits", "stem=8,A=4"], "reduction, B.02, B.23, head missing"),
        (
            ["train", ARCH, "--weight-bits", GIVEN.replace("head=7", "head=32"), "--scale", "lsq"],
            "weight_bits 32 in head",
        ),
    ],
)
def test_verbs_refuse_what_does_not_fit_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command([*arguments, "--out", str(tmp_path / "run"), "--channels", "4", "--quiet"]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and len(error.splitlines()) == 1


def test_by_layer_keeps_a_number() -> None:
    assert by_layer(6, ["a", "b"]) == 6
    with pytest.raises(ConfigurationError, match="b missing"):
        by_layer(LayerBits((("a", 4),)), ["a", "b"])
