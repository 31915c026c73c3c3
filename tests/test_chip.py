"""Crossbars, converters and chips compared with hand computations, slow references and the programmed network."""

import random
from dataclasses import replace
from math import inf, isclose, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from conftest import chain
from neuronas.chip.calibration import LayerInputs, converter_step, gains
from neuronas.chip.chip_model import NON_IDEALITIES, ChipModel, chip_model
from neuronas.chip.chip_weights import ChipWeights, weight_noise
from neuronas.chip.design import crossbar_layers, make_design
from neuronas.chip.mapped_layer import MappedLayer, pixel_format
from neuronas.chip.monte_carlo import _observed, over_chips
from neuronas.chip.partial_sums import distinct
from neuronas.chip.programming import effective_conductance, program, seeded
from neuronas.chip.slicing import SCHEMES, columns_of
from neuronas.config import ACCELERATORS, FITNESS
from neuronas.errors import ConfigurationError
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.fitness.evaluator import MeanEvaluator
from neuronas.fitness.reference import ReferenceEvaluator
from neuronas.hardware import floorplan
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.mapped.activity import DENSE
from neuronas.hardware.mapped.mapping import columns_per_output, make_work
from neuronas.hardware.sweep import vary
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import ungrouped
from neuronas.snn.trainable import QuantisedConvolution, WeightFormat
from neuronas.snn.weighted import InputFormat
from neuronas.snn.weights import WeightSource
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.space.workload import Layer

IDEAL = ChipModel(weight_bits=4, bits_per_cell=1, crossbar_size=8, sign_scheme="differential", on_resistance_ohm=20e3)
TABLE_I = replace(IDEAL, off_resistance_ohm=200e3, write_variation=0.1, column_resistance_ohm=5.0, adc_bits=4)
PIXELS = pixel_format((0.3,), (0.35,), 8)


def dense_solve(conductance: Tensor, resistance: float) -> Tensor:
    """Currents at the sense node for one volt on each row alone, by solving all nodes of a column."""
    n = len(conductance)
    wire = 1 / resistance
    nodes = torch.zeros(n, n, dtype=torch.float64)
    for row in range(n):
        nodes[row, row] = conductance[row] + wire + (wire if row else 0.0)
        if row:
            nodes[row, row - 1] = nodes[row - 1, row] = -wire
    voltages = torch.linalg.solve(nodes, torch.diag(conductance))
    return voltages[-1] * wire


@given(st.integers(0, 10**6), st.integers(1, 80), st.floats(1e-3, 1e4))
@settings(max_examples=40, deadline=None)
def test_wire_against_a_dense_nodal_solve(seed: int, n: int, resistance: float) -> None:
    conductance = torch.rand(n, generator=seeded(seed), dtype=torch.float64) / 20e3
    found = effective_conductance(conductance[:, None], resistance)[:, 0]
    assert torch.allclose(found, dense_solve(conductance, resistance), rtol=1e-10, atol=0)


def test_mean_gain_of_a_wire() -> None:
    """5 ohm, 64 rows: all cells on, every second, every tenth (the others conduct nothing)."""
    for every, wanted, near in ((1, 0.753, 5e-4), (2, 0.847, 0.02), (10, 0.946, 0.02)):
        conductance = torch.zeros(64, 1, dtype=torch.float64)
        conductance[::every] = 1 / 20e3
        gain = float(effective_conductance(conductance, 5.0).sum() / conductance.sum())
        assert abs(gain - wanted) < near, every
    assert torch.equal(effective_conductance(conductance, 0.0), conductance)


@given(st.sampled_from(sorted(SCHEMES)), st.integers(4, 16), st.integers(1, 4), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_columns_add_up_to_the_weights(scheme: str, bits: int, per_cell: int, seed: int) -> None:
    largest = 2 ** (bits - 1) - 1
    codes = torch.randint(-largest, largest + 1, (3, 5), generator=seeded(seed)).double()
    codes[0, :3] = torch.tensor([-largest, 0, largest])
    columns = columns_of(codes, scheme, bits, per_cell)
    assert torch.equal((columns.levels * torch.tensor(columns.factors, dtype=torch.float64)).sum(dim=-1), codes)
    assert columns.levels.min() >= 0 and columns.levels.max() <= 2**per_cell - 1
    assert torch.equal(columns.levels, columns.levels.round())


def levels_of(seed: int = 0, rows: int = 8, k: int = 6) -> Tensor:
    return torch.randint(0, 2, (1, rows, 40, k), generator=seeded(seed)).double()


def test_off_cells_alone_cost_nothing() -> None:
    """The column of off cells cancels the offset exactly; without it a spike on an off cell reads G_off."""
    model = replace(IDEAL, off_resistance_ohm=200e3)
    assert isclose(model.level_siemens, 1 / 20e3 - 1 / 200e3)
    assert isclose(model.off_levels, (1 / 200e3) / (1 / 20e3 - 1 / 200e3))
    levels = levels_of()
    written = program(levels, model, seeded(0), has_reference=False)
    assert torch.allclose(written.current, levels, atol=1e-12)
    assert written.variance is None
    assert torch.equal(program(levels, IDEAL, seeded(0), has_reference=False).current, levels)


@pytest.mark.parametrize("variation", ["normal", "lognormal"])
def test_write_variation(variation: str) -> None:
    model = replace(IDEAL, write_variation=0.1, variation=variation)
    levels = torch.ones(9, 64, 64, 4, dtype=torch.float64)
    found = program(levels, model, seeded(1), has_reference=False).current
    spread = found.log() if variation == "lognormal" else found - 1
    assert abs(float(spread.mean())) < 1e-3 and abs(float(spread.std()) - 0.1) < 1e-3
    shared = program(levels, model, seeded(1), has_reference=True).current
    assert torch.equal(shared[..., -1], shared[..., :1, -1].expand(9, 64, 64))
    assert torch.equal(shared[..., :-1], found[..., :-1])


def test_stuck_cells() -> None:
    model = replace(IDEAL, stuck_on_share=0.02, stuck_off_share=0.05)
    zeros, ones = torch.zeros(9, 64, 64, 4, dtype=torch.float64), torch.ones(9, 64, 64, 4, dtype=torch.float64)
    on = program(zeros, model, seeded(2), has_reference=False).current
    off = program(ones, model, seeded(2), has_reference=False).current
    assert abs(float(on.mean()) - 0.02) < 1e-3 and set(on.unique().tolist()) == {0.0, 1.0}
    assert abs(float(off.mean()) - 0.95) < 2e-3


def test_a_switched_off_non_ideality_leaves_the_other_draws() -> None:
    model = replace(TABLE_I, stuck_on_share=0.1)
    levels = levels_of()
    alone = program(levels, model.without(["wire_resistance", "stuck_cells"]), seeded(3), has_reference=False).current
    other = program(levels, model.without(["adc", "wire_resistance"]), seeded(3), has_reference=False).current
    same = (alone - other).abs() < 1e-12
    assert 0.7 < float(same.double().mean()) < 0.95  # neither the cell nor its off-column cell is stuck
    only_stuck = replace(IDEAL, stuck_on_share=0.1)  # for cells at level 0: conducting cells are stuck
    zeros, ones = torch.zeros_like(levels), torch.ones_like(levels)
    stuck, both = (
        program(zeros, replace(only_stuck, write_variation=some), seeded(3), has_reference=False) for some in (0.0, 0.1)
    )
    assert torch.equal(both.current > 0, stuck.current > 0)
    varied = replace(IDEAL, write_variation=0.1)
    without, faintly = (
        program(ones, replace(varied, off_resistance_ohm=off), seeded(3), has_reference=False) for off in (inf, 1e15)
    )
    assert torch.allclose(without.current, faintly.current, atol=1e-9)


def test_read_noise_has_draws_of_its_own() -> None:
    network, x = classifier(), pictures(4)
    model = replace(IDEAL, weight_bits=8, write_variation=0.1, read_noise=0.1, adc_bits=4)
    design = make_design(network, model, PIXELS, x)
    chip = design.chip(3, 0)
    for place, layer in enumerate(crossbar_layers(chip, design).values()):
        assert layer.generator.initial_seed() != seeded(3, 0, place, 0).initial_seed()
    with torch.no_grad():
        first = chip(x)
    again = design.chip(3, 0)
    _observed(again, design, x)
    with torch.no_grad():
        assert torch.equal(again(x), first)  # observing a chip does not change it


def test_gains_and_converter_steps() -> None:
    levels = levels_of()
    levels[:, 0] = 1  # avoids empty columns
    moment = torch.eye(8, dtype=torch.float64) + 0.3
    assert torch.allclose(gains(0.8 * levels, levels, moment), torch.tensor(1.25, dtype=torch.float64))
    assert torch.equal(gains(0 * levels, levels, moment), torch.ones(1, 1, 40, 6, dtype=torch.float64))
    assert float(gains(0.1 * levels, levels, moment).max()) == 2.0
    whole = torch.arange(16.0)
    assert converter_step(whole, whole, 4, 15) == 1.0
    assert converter_step(2 * whole, 2 * whole, 4, 30) == pytest.approx(2.0)
    # Many small sums and one of 64 (the case of sparse spikes): clipping the large one is better than rounding all.
    sparse = torch.cat([torch.arange(6.0).repeat(1000), torch.tensor([64.0])])
    assert converter_step(sparse, sparse, 4, 64) == pytest.approx(1.0, rel=0.05)
    assert converter_step(whole + 0.3, whole, 8, 64) == 1.0  # rounding corrects deviations below half a level


@pytest.mark.parametrize("bits", [7, 8, 10])
def test_a_converter_with_a_code_for_each_sum_covers_all_of_them(bits: int) -> None:
    """24 rows of 3 levels need 73 codes: no sum is clipped, however few rows the calibration images activate."""
    few = torch.arange(10.0).repeat(100)
    noisy = few + 0.4 * torch.randn(len(few), generator=torch.Generator().manual_seed(0))
    assert converter_step(noisy, few, bits, 72.0) * (2**bits - 1) >= 72


def test_ranges_are_chosen_from_all_pixels() -> None:
    """Corners that are always silent must not affect the range of the converters."""
    x = torch.ones(64, 5, 8, 8)
    x[:, :, 0] = x[:, :, :, 0] = 0
    layer = mapped(IDEAL)
    inputs = LayerInputs()
    inputs.add(layer, x)
    assert float(inputs.samples[0].mean()) == pytest.approx(49 / 64, abs=0.15)
    assert torch.equal(inputs.moments[0], torch.full((5, 5), 49.0 * 64, dtype=torch.float64))


@given(st.integers(0, 10**6), st.integers(1, 130), st.integers(1, 50), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_distinct_rows(seed: int, length: int, n: int, rate: float) -> None:
    base = (torch.rand(n, length, generator=seeded(seed)) < rate).float()
    rows = base[torch.randint(n, (3 * n,), generator=seeded(seed + 1))]
    found, inverse, counts = distinct(rows)
    assert torch.equal(found[inverse], rows)
    assert len(found) == len(torch.unique(rows, dim=0))
    assert torch.equal(torch.bincount(inverse), counts)


def mapped(
    model: ChipModel,
    *,
    n_in: int = 5,
    n_out: int = 3,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    padding: int | None = None,
    **formats: float,
) -> MappedLayer:
    largest = 2 ** (model.weight_bits - 1) - 1
    shape = (n_out, n_in // groups, kernel, kernel)
    drawn = torch.randint(-largest, largest + 1, shape, generator=seeded(5)).double()
    codes = torch.from_numpy(ungrouped(drawn.numpy(), groups))
    inputs = InputFormat(**formats)  # type: ignore[arg-type]
    scale = torch.tensor([0.125], dtype=torch.float64)
    return MappedLayer("A.01", (codes * 0.125).float(), codes.float(), scale, stride, inputs, model, groups, padding)


def on_chip(layer: MappedLayer, model: ChipModel, x: Tensor, steps: Tensor | None = None, number: int = 0):
    """One layer of one chip, calibrated with its own input."""
    from neuronas.chip.design import converter_steps, programmed

    layer, inputs = replace(layer, model=model), LayerInputs()
    inputs.add(layer, x)
    chosen = converter_steps(layer, inputs) if steps is None else steps
    return programmed(layer, chosen, inputs, 0, number, 0), chosen


def slow_reference(layer: MappedLayer, model: ChipModel, x: Tensor, steps: Tensor) -> Tensor:
    """Every crossbar, column, bit and pixel in loops, with the same cells as chip (0, 0)."""
    n, _, height, width = x.shape
    out, _, kernel, _ = layer.weight.shape
    padding, stride = layer.n_padded, layer.stride
    rows_out, columns_out = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
    answer = np.zeros((n, out, rows_out, columns_out))
    for index, block in enumerate(layer.blocks):
        levels = layer.levels(block)
        written = program(levels, model, seeded(0, 0, 0, index), has_reference=layer.has_reference)
        current = written.current.numpy()
        for weight, plane in layer.inputs.planes(x):
            voltages = np.pad(
                plane[:, block.channels].numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding))
            )
            for position in range(kernel**2):
                top, left = divmod(position, kernel)
                n_own = levels.shape[2]
                for image, row, column, output, k in np.ndindex(n, rows_out, columns_out, n_own, len(steps)):
                    seen = voltages[image, :, row * stride + top, column * stride + left]
                    total = float(seen @ current[position, :, output, k])
                    if model.adc_bits is not None:
                        step = float(steps[k])
                        total = min(max(round(total / step), 0), 2**model.adc_bits - 1) * step
                    answer[image, block.outputs.start + output, row, column] += weight * layer.factors[k] * total
    offset = torch.nn.functional.conv2d(
        torch.ones_like(x), layer.weight * layer.inputs.offset, stride=stride, padding=padding
    )
    return torch.from_numpy(answer * 0.125).float() + offset


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("adc_bits", [None, 3])
@pytest.mark.parametrize(
    ("size", "n_in", "n_out", "groups"),
    [
        (3, 5, 3, 1),
        (3, 4, 4, 4),  # one channel per crossbar
        (16, 5, 5, 5),  # two or more channels on the diagonal of a crossbar
        (3, 8, 2, 2),  # the rows of a group need two crossbars
    ],
)
def test_a_layer_against_loops(
    scheme: str, stride: int, adc_bits: int | None, size: int, n_in: int, n_out: int, groups: int
) -> None:
    model = replace(
        TABLE_I, crossbar_size=size, sign_scheme=scheme, adc_bits=adc_bits, stuck_on_share=0.05, gain_calibration=False
    )
    for formats in ({}, {"n_bits": 3, "step": 0.25, "offset": -0.5}):
        layer = mapped(model, n_in=n_in, n_out=n_out, groups=groups, stride=stride, **formats)
        whole = torch.randint(0, 2**layer.inputs.n_bits, (2, n_in, 4, 3), generator=seeded(6)).float()
        x = layer.inputs.offset + layer.inputs.step * whole
        module, steps = on_chip(layer, model, x)
        expected = slow_reference(layer, model, x, steps)
        assert torch.allclose(module(x), expected, atol=1e-4), formats


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 0), (3, 2, 2), (2, 2, 0), (4, 1, 1), (1, 2, 0)])
@pytest.mark.parametrize("adc_bits", [None, 3])
def test_any_padding_and_even_kernels_against_loops(
    kernel: int, stride: int, padding: int, adc_bits: int | None
) -> None:
    model = replace(TABLE_I, crossbar_size=3, adc_bits=adc_bits, gain_calibration=False)
    for formats in ({}, {"n_bits": 3, "step": 0.25, "offset": -0.5}):
        layer = mapped(model, kernel=kernel, stride=stride, padding=padding, **formats)
        whole = torch.randint(0, 2**layer.inputs.n_bits, (2, 5, 6, 5), generator=seeded(6)).float()
        x = layer.inputs.offset + layer.inputs.step * whole
        module, steps = on_chip(layer, model, x)
        assert torch.allclose(module(x), slow_reference(layer, model, x, steps), atol=1e-4), formats
        ideal = torch.nn.functional.conv2d(x, layer.weight, stride=stride, padding=padding)
        assert torch.allclose(layer.ideal(x), ideal, atol=1e-4)


def test_rows_that_are_read_at_once_decide_what_a_converter_clips() -> None:
    """Three rows of one-bit cells give sums up to 3, which fit 2 bits; the sum of all eight does not."""
    x = torch.ones(2, 20, 4, 4)
    for rows, is_exact in ((3, True), (8, False)):
        model = replace(IDEAL, adc_bits=2, rows_per_read=rows, gain_calibration=False)
        layer = mapped(model, n_in=20)
        sets = [layer.reads(block) for block in layer.blocks]
        assert [[one.stop - one.start for one in some] for some in sets] == (
            [[3, 3, 2], [3, 3, 2], [3, 1]] if rows == 3 else [[8], [8], [4]]
        )
        module, steps = on_chip(layer, model, x)
        if is_exact:
            assert set(steps.tolist()) == {1.0}
        assert torch.allclose(module(x), layer.ideal(x), atol=1e-4) == is_exact


@pytest.mark.parametrize(
    ("n_in", "n_out", "groups"), [(64, 64, 1), (100, 7, 1), (24, 24, 24), (24, 48, 24), (12, 12, 4), (160, 2, 2)]
)
@pytest.mark.parametrize("scheme", ["differential", "offset-binary"])
def test_blocks_are_what_the_cost_model_counts(scheme: str, n_in: int, n_out: int, groups: int) -> None:
    name = "spikeflow-rram" if scheme == "differential" else "isaac-rram"
    accelerator = load_accelerator(name)
    layer = mapped(chip_model(accelerator, name, 8), n_in=n_in, n_out=n_out, groups=groups)
    row = Layer("A.01", "conv", n_in, n_out, 3, 1, 4, 4, groups)
    work = make_work([row], accelerator, weight_bits=8, timesteps=1, replication=1, activity=DENSE)
    counted = {(one.first_channel, one.n_channels) for one in floorplan.blocks(work, 0)}
    assert {(one.channels.start, one.channels.stop - one.channels.start) for one in layer.blocks} == counted


def test_groups_lie_on_the_diagonal() -> None:
    """4-bit weights on one-bit cells have 6 columns: 16 columns hold two channels; the last channel is alone."""
    weights = torch.randn(10, 2, 3, 3, generator=seeded(1))
    x = torch.randn(2, 10, 5, 4, generator=seeded(2))
    expected = torch.nn.functional.conv2d(x, weights, padding=1, groups=5)
    whole = torch.from_numpy(ungrouped(weights.numpy(), 5))
    assert torch.allclose(torch.nn.functional.conv2d(x, whole, padding=1), expected, atol=1e-5)
    layer = mapped(replace(IDEAL, crossbar_size=16), n_in=5, n_out=5, groups=5)
    assert [(one.channels, one.outputs) for one in layer.blocks] == [
        (slice(first, last), slice(first, last)) for first, last in ((0, 2), (2, 4), (4, 5))
    ]
    assert layer.levels(layer.blocks[0])[:, 0, 1].eq(0).all()  # off the diagonal


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    from neuronas.chip import crossbar_layer

    layer = mapped(TABLE_I, n_in=20)
    x = (torch.rand(6, 20, 5, 5, generator=seeded(7)) < 0.3).float()
    whole = on_chip(layer, TABLE_I, x)[0](x)
    monkeypatch.setattr(crossbar_layer, "CHUNK_VALUES", 700)
    monkeypatch.setattr(crossbar_layer, "_OUTPUT_VALUES", 1400)
    assert torch.allclose(on_chip(layer, TABLE_I, x)[0](x), whole, atol=1e-5)


def test_read_noise_is_the_same_with_and_without_converters() -> None:
    """With fine converters both methods of computing have the same mean and spread."""
    model = replace(IDEAL, read_noise=0.2, gain_calibration=False)
    layer = mapped(model)
    x = (torch.rand(1, 5, 6, 6, generator=seeded(8)) < 0.6).float().expand(800, 5, 6, 6)
    analog = on_chip(layer, model, x[:2])[0](x)
    fine = replace(model, adc_bits=16)
    k = len(layer.factors)
    # An unsigned converter clips values that noise makes negative; compare only the spread of positive sums.
    converted = on_chip(layer, fine, x[:2], torch.full((k,), 0.001))[0](x)
    assert torch.allclose(analog.mean(dim=0), layer.ideal(x[:1])[0], atol=0.06)
    assert torch.allclose(analog.std(dim=0), converted.std(dim=0), rtol=0.15, atol=0.02)
    assert torch.equal(on_chip(layer, model, x[:2])[0](x), analog)  # reproducible by seed
    assert not torch.equal(on_chip(layer, model, x[:2], number=1)[0](x), analog)


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_a_wider_converter_is_never_clearly_worse(scheme: str) -> None:
    model = replace(TABLE_I, crossbar_size=64, sign_scheme=scheme, weight_bits=6)
    layer = mapped(model, n_in=64, n_out=8)
    x = (torch.rand(8, 64, 6, 6, generator=seeded(9)) < 0.3).float()
    ideal = layer.ideal(x)
    errors = [
        float((on_chip(layer, replace(model, adc_bits=bits), x)[0](x) - ideal).square().mean())
        for bits in (2, 3, 4, 5, 6, 8, 12)
    ]
    for wide, narrow in zip(errors[1:], errors, strict=False):
        assert wide <= 1.05 * narrow
    limit = float((on_chip(layer, replace(model, adc_bits=None), x)[0](x) - ideal).square().mean())
    assert errors[-1] <= 1.05 * limit  # rounding to levels can even reduce errors
    assert errors[0] > 2 * limit


def classifier(arch: str = chain(3), head: str = "linear", scale: str = "power-of-two", bits: int = 8) -> Classifier:
    shape = NetworkShape(1, 8, 10, 6, head_width=32, head=head)
    form = WeightFormat(bits, scale)
    network = Classifier(parse_architecture(arch), shape, ClassifierSettings(form, NeuronParameters(), 3), seed=1)
    return network.eval()


def pictures(n: int = 12) -> Tensor:
    return (torch.randint(0, 256, (n, 1, 8, 8), generator=seeded(10)).float() / 255 - 0.3) / 0.35


@pytest.mark.parametrize(
    ("head", "scale", "arch"),
    [
        ("linear", "power-of-two", chain(3)),
        ("gap", "lsq", chain(2)),
        ("gap", "lsq-channel", "|conv_3x3~0|+|skip~0|conv_1x1^1|+|conv_5x5~0|skip~1|avg_pool_3x3~2|"),
    ],
)
def test_an_ideal_chip_is_the_quantised_network(head: str, scale: str, arch: str) -> None:
    network, x = classifier(arch, head, scale), pictures()
    with torch.no_grad():
        wanted = network(x)
        for scheme in SCHEMES:
            model = replace(IDEAL, weight_bits=8, sign_scheme=scheme)
            chip = make_design(network, model, PIXELS, x).chip(0, 0)
            assert float((chip(x) - wanted).abs().max()) <= 1e-6
            # Converters that resolve every sum change nothing either.
            fine = make_design(network, replace(model, adc_bits=8), PIXELS, x).chip(0, 0)
            assert torch.allclose(fine(x), wanted, atol=1e-5)


@pytest.mark.usefixtures("own_operations")
@pytest.mark.parametrize(
    "text",
    [
        "|own_depthwise~0|+|own_grouped~0|own_max~1|",
        "|own_depthwise~0|+|own_max^0|own_grouped~1|+|skip~0|own_depthwise^1|own_mean_5x5~2|",
        "|own_max~0|+|conv_3x3@0.2~0|none~1|+|skip~0|own_grouped^1|none~2|+|own_max_5x5~0|skip~1|own_depthwise~2|skip~3|",
    ],
)
def test_an_ideal_chip_is_the_quantised_network_whatever_its_operations(text: str) -> None:
    """Groups, several layers on an edge, maxima, images that are not square, backward edges, 3 to 5 nodes."""
    shape = NetworkShape(1, (8, 12), 10, 6, head="gap")
    settings = ClassifierSettings(WeightFormat(8), NeuronParameters(v_threshold=0.1), 3)
    network = Classifier(parse_architecture(text), shape, settings, seed=1).eval()
    x = torch.rand(12, 1, 8, 12, generator=seeded(11))
    model = replace(IDEAL, weight_bits=8, crossbar_size=64)
    with torch.no_grad():
        expected = network(x)
        assert expected.any()
        chip = make_design(network, model, pixel_format((0.0,), (1.0,), 8), x).chip(0, 0)
        assert float((chip(x) - expected).abs().max()) <= 1e-5
        varied = make_design(network, replace(model, write_variation=0.1), PIXELS, x)
        assert not torch.equal(varied.chip(0, 0)(x), varied.chip(0, 1)(x))


def test_chips_reproduce_and_differ() -> None:
    network, x = classifier(), pictures()
    design = make_design(network, replace(TABLE_I, weight_bits=8, crossbar_size=64), PIXELS, x)
    with torch.no_grad():
        first, again, other = (design.chip(0, number) for number in (0, 0, 1))
        assert torch.equal(first(x), again(x))
    names = list(design.layers)
    one, two = crossbar_layers(first, design)[names[1]], crossbar_layers(other, design)[names[1]]
    assert not torch.equal(one.currents[0].current, two.currents[0].current)
    assert names == list(network.weighted_layers())


def test_statistics_of_chips() -> None:
    found = over_chips((0.5, 0.6, 0.4), differ=True)
    assert found.top1_mean == pytest.approx(0.5) and found.top1_std == pytest.approx(0.1)
    half = 4.302652729911275 * 0.1 / sqrt(3)  # Student's t, 2 degrees of freedom
    assert found.top1_interval_95 == pytest.approx((0.5 - half, 0.5 + half))
    assert over_chips((1.0, 0.9), differ=True).top1_interval_95[1] == 1.0  # type: ignore[index]
    one = over_chips((0.5,), differ=True)
    assert one.top1_interval_95 is None and one.top1_std is None
    alike = over_chips((0.5,), differ=False)
    assert alike.top1_interval_95 == (0.5, 0.5) and alike.top1_std == 0.0


def test_models_and_their_mistakes(accelerator: Accelerator) -> None:
    model = chip_model(accelerator, "x", 8)
    assert model.sign_scheme == "differential" and model.adc_bits == 4 and model.off_resistance_ohm == 200e3
    assert model.active == ("write_variation", "wire_resistance", "off_conductance", "adc")
    assert model.without(model.active).active == () and not model.without(NON_IDEALITIES).is_random
    assert chip_model(load_accelerator("isaac-rram"), "x", 8).sign_scheme == "offset-binary"
    for call, message in (
        (lambda: chip_model(load_accelerator("sram-65nm"), "sram-65nm", 8), "section 'device' not found"),
        (lambda: chip_model(accelerator, "x", 32), "not"),
        (lambda: chip_model(accelerator, "x", 8, sign_scheme="differental"), "did you mean 'differential'"),
        (lambda: chip_model(accelerator, "x", 8, variation="log"), "unknown variation"),
        (lambda: chip_model(vary(accelerator, "adc.bits", 32), "x", 8), "expected at most 24"),
        (lambda: model.without(["adcs"]), "did you mean 'adc'"),
    ):
        with pytest.raises(ConfigurationError, match=message if message != "not" else "weight_bits 32"):
            call()
    assert ChipModel(8, 1, 64, "differential", 20e3, inf).off_levels == 0


def test_convolutions_hold_what_their_layer_holds() -> None:
    layer = QuantisedConvolution(3, 4, 3, WeightFormat(8, "lsq-channel"), torch.Generator().manual_seed(0)).eval()
    codes, step = layer.quantiser.codes(layer.kept)
    assert torch.allclose(codes * step, layer.held)


@pytest.mark.parametrize("name", list(ACCELERATORS))
@pytest.mark.parametrize("weight_bits", [4, 5, 8, 16])
def test_the_simulated_chip_has_the_columns_that_the_cost_model_counts(name: str, weight_bits: int) -> None:
    accelerator = load_accelerator(name)
    if accelerator.device is None:
        pytest.skip("describes no device to simulate")
    model = chip_model(accelerator, name, weight_bits)
    laid_out = columns_of(torch.zeros(1, dtype=torch.float64), model.sign_scheme, weight_bits, model.bits_per_cell)
    counted = columns_per_output(weight_bits, accelerator.crossbar)
    assert len(laid_out.factors) - laid_out.has_reference == counted


def test_weights_of_an_ideal_chip_are_those_that_were_drawn() -> None:
    drawn = WeightSource(3, 4).convolution("A.01.conv_3x3", 10, 6, 3)
    for scheme in SCHEMES:
        found = ChipWeights(3, 4, model=replace(IDEAL, sign_scheme=scheme)).convolution("A.01.conv_3x3", 10, 6, 3)
        assert np.array_equal(found.values, drawn.values)


def test_weights_of_a_chip_vary_as_its_cells_do() -> None:
    """One bit per cell: the error of a weight is the root of the sum of squares of its bits' values."""
    model = replace(IDEAL, write_variation=0.05, gain_calibration=False)
    place = ("A.01.conv_3x3", 64, 16, 3)
    drawn = WeightSource(0, 4).convolution(*place)
    chips = [ChipWeights(0, 4, model=model, chip=chip).convolution(*place).values for chip in range(2)]
    again = ChipWeights(0, 4, model=model, chip=1)
    assert np.array_equal(again.convolution(*place).values, chips[1]) and not np.array_equal(*chips)
    errors = (chips[0] - drawn.values) * 2.0**drawn.exponent
    for code in (1, 2, 3, 5):
        own = errors[np.abs(drawn.codes) == code]
        wanted = 0.05 * sum(4.0**bit for bit in range(3) if code >> bit & 1) ** 0.5
        assert len(own) > 100 and own.std() == pytest.approx(wanted, rel=0.1) and abs(own.mean()) < 0.02


def test_chip_fitness_is_the_mean_over_chips_and_the_references() -> None:
    space, rng = load_space("neuronas"), random.Random(1)
    candidates = [space.random_architecture(rng) for _ in range(3)]
    shape, images = NetworkShape(3, 8, 10, 4), torch.randn(1, 6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    backend = select_backend(NeuronParameters(), torch.device("cpu"), 1, 2**28)
    chips = [ChipWeights(0, 4, model=replace(TABLE_I, adc_bits=None), chip=chip) for chip in range(2)]
    engines = [EngineEvaluator(images, shape, weights, 2, FITNESS["sahd"], backend, 2**28) for weights in chips]
    each = [dict(engine.evaluate(candidates)) for engine in engines]
    slow = [ReferenceEvaluator(images, shape, weights, NeuronParameters(), 2, FITNESS["sahd"]) for weights in chips]
    assert each[0] != each[1]
    for index, fitness in MeanEvaluator(engines).evaluate(candidates):
        assert fitness == (each[0][index] + each[1][index]) / 2
    for index, fitness in MeanEvaluator(slow).evaluate(candidates):
        assert fitness == pytest.approx((each[0][index] + each[1][index]) / 2, rel=1e-5)


@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_noise_of_training_is_that_of_programmed_weights(scheme: str) -> None:
    # One column of off cells for all columns of a filter: its errors cancel between the signs.
    model = replace(IDEAL, crossbar_size=512, sign_scheme=scheme, off_resistance_ohm=200e3, gain_calibration=False)
    noise = np.array(weight_noise(model, 4, 0.2))
    written = replace(model, write_variation=0.2)
    place = ("A.01.conv_3x3", 8, 64, 3)
    drawn = WeightSource(0, 4).convolution(*place)
    chips = [ChipWeights(0, 4, model=written, chip=chip).convolution(*place).values for chip in range(60)]
    errors = (np.stack(chips) - drawn.values) * 2.0**drawn.exponent
    for code in range(-3, 4):
        own = errors[:, drawn.codes == code]
        assert own.size > 1000
        if scheme == "differential":
            assert own.std() == pytest.approx(noise[code + 7], rel=0.05)
        assert own.std() < 1.3 * noise[code + 7]
