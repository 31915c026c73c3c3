"""Cost model ``paper`` compared with the published figures, SpikeSim's output and SpikingJelly's energy counter."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from conftest import chain
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.paper import PaperCostModel
from neuronas.hardware.sweep import vary
from neuronas.hardware.units import BUDGETED
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.space.workload import Layer, Workload, rows
from strategies import forward_cells

# n_A, n_B: convolutions per cell; bits; then the figures as printed (truncated in the paper), None if not printed
PUBLISHED = [
    ("SNASNet, CIFAR-10", 4, 4, 32, None, 634, 468, 1425),
    ("SNASNet, TinyImageNet", 5, 5, 32, None, 755, 545, 1696),
    ("NeuroNAS, FxP8 headline", 4, 0, 8, 888, None, None, None),
    ("CIFAR-100, smallest", 2, 2, 4, 1772, 25, 315, 110),
    ("CIFAR-100, largest", 4, 4, 16, None, 209, None, 712),
    ("TinyImageNet, largest", 6, 1, 16, None, 166, 494, 644),
    ("CIFAR-10, largest", 2, 4, 16, None, 187, None, 576),
]


@pytest.mark.parametrize(("name", "n_a", "n_b", "bits", "kilo_parameters", "mm2", "ms", "uj"), PUBLISHED)
def test_published_figures(
    accelerator: Accelerator, name: str, n_a: int, n_b: int, bits: int, kilo_parameters, mm2, ms, uj
) -> None:
    side = 64 if "TinyImageNet" in name else 32
    shape = NetworkShape(3, side, 200 if side == 64 else 10, 128)
    architecture = parse_architecture(f"{chain(n_a)} / {chain(n_b)}")
    cost = PaperCostModel(accelerator, bits, 5).estimate(rows(architecture, shape))
    exact = (cost.parameters / 1000, cost.area_mm2, cost.latency_ms, cost.energy_uj)
    for printed, ours in zip((kilo_parameters, mm2, ms, uj), exact, strict=True):
        assert printed is None or int(ours) == printed


@pytest.mark.parametrize(
    ("n_a", "n_b", "bits", "mm2", "ms", "uj"),
    [
        (4, 4, 32, 634.63, 468.58, 1425.3),
        (5, 5, 32, 755.68, 545.26, 1696.7),
        (4, 0, 8, 51.08, 391.9, 220.6),
        (2, 2, 4, 25.07, 315.2, 110.3),
        (4, 4, 16, 209.91, None, 712.6),
        (6, 1, 16, 166.43, 494.1, 644.8),
        (2, 4, 16, 187.57, None, 576.9),
    ],
)
def test_closed_form(accelerator: Accelerator, cifar_shape: NetworkShape, n_a, n_b, bits, mm2, ms, uj) -> None:
    architecture = parse_architecture(f"{chain(n_a)} / {chain(n_b)}")
    cost = PaperCostModel(accelerator, bits, 5).estimate(rows(architecture, cifar_shape))
    assert cost.area_mm2 == pytest.approx(mm2, abs=0.006)
    assert ms is None or cost.latency_ms == pytest.approx(ms, abs=0.06)
    assert cost.energy_uj == pytest.approx(uj, abs=0.06)


@pytest.mark.parametrize(("n_3x3", "n_1x1", "parameters"), [(1, 3, 1_281_408), (2, 2, 1_936_768)])
def test_published_parameters_of_snasnet(accelerator, cifar_shape, n_3x3: int, n_1x1: int, parameters: int) -> None:
    names = ["conv_3x3"] * n_3x3 + ["conv_1x1"] * n_1x1 + ["skip"] * (6 - n_3x3 - n_1x1)
    cell = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*names)
    cost = PaperCostModel(accelerator, 32, 5).estimate(rows(parse_architecture(cell), cifar_shape))
    assert cost.parameters == parameters
    assert cost.memory_bits == 32 * parameters


VGG9_SHAPES = [  # channels in and out, sides in and out
    (3, 64, 32, 32), (64, 64, 32, 16), (64, 128, 16, 16), (128, 128, 16, 8),
    (128, 256, 8, 8), (256, 256, 8, 8), (256, 256, 8, 4),
]  # fmt: skip
VGG9 = tuple(
    Layer(f"conv{number}", "conv", c_in, c_out, 3, 1, i_side, o_side, reads="spikes" if number else "image")
    for number, (c_in, c_out, i_side, o_side) in enumerate(VGG9_SHAPES)
)


def test_spikesim_vgg9(accelerator: Accelerator) -> None:
    cost = PaperCostModel(accelerator, 4, 5, share_tiles=True).estimate(VGG9)
    assert sum(row.n_pes for row in cost.layers) == 48
    assert cost.area_mm2 * 1e6 == pytest.approx(8_425_528.7558, abs=1e-4)
    assert cost.energy_uj * 1e6 == pytest.approx(15_906_934.0262, abs=1e-4)
    assert cost.latency_ms * 1e6 == pytest.approx(62_832_640)


@pytest.mark.parametrize(("size", "ratio", "n_per_tile"), [(64, 8, 8), (64, 8, 4), (128, 8, 8), (64, 16, 12)])
def test_other_sizes_follow_the_published_equations(accelerator, size: int, ratio: int, n_per_tile: int) -> None:
    """SpikeSim's ``PE_cycle_energy`` and ``Tile_ar_ov``, written out; its ``xbar_size/8`` is size / ratio."""
    changed = accelerator
    for key, value in (("crossbar.size", size), ("multiplexer.ratio", ratio), ("pe.n_per_tile", n_per_tile)):
        changed = vary(changed, key, value)
    p, cells = size / ratio, size**2
    phase_pj = 9 * cells / p * 1.76423 / 512 + p * (2.03084 + 0.094245)
    pass_pj = 19.64 * 8 + 4.64 + 1.274 * 4 + p * phase_pj + p * 16 * 1.15e-6 + p * 0.2 + 397
    pe_um2 = 9 * cells * 0.0064 + p * (693.633 + 45.9)
    tile_um2 = p * 13411.41498 + 484.643999 + 0.7391 * 64 * 128 + n_per_tile * pe_um2 + 216830 * 2
    cost = PaperCostModel(changed, 4, 1).estimate((Layer("one", "conv", size, size, 3, 1, 4, 4),))
    assert cost.energy_uj * 1e6 == pytest.approx(16 * pass_pj)
    assert cost.area_mm2 * 1e6 == pytest.approx(tile_um2 + 0.7391 * 22 * 2 * 16 * size)


def test_energy_agrees_with_spikingjellys_counter(accelerator: Accelerator) -> None:
    import torch
    from spikingjelly.activation_based import functional, layer, neuron
    from spikingjelly.activation_based.op_counter.spikesim import estimate_spikesim_energy

    widths = [(64, 64), (64, 128), (128, 256)]
    network = torch.nn.Sequential(
        *(
            module
            for c_in, c_out in widths
            for module in (
                layer.Conv2d(c_in, c_out, 3, padding=1, bias=False, step_mode="m"),
                neuron.IFNode(step_mode="m"),
            )
        )
    ).eval()
    functional.reset_net(network)
    with torch.no_grad():
        report = estimate_spikesim_energy(network, torch.ones(5, 1, 64, 16, 16), strict=False)
    dense = report.energy_total_pj
    table = tuple(Layer(f"{c_in}", "conv", c_in, c_out, 3, 1, 16, 16) for c_in, c_out in widths)
    ours = PaperCostModel(accelerator, 4, 5).estimate(table).energy_uj * 1e6
    assert ours == pytest.approx(dense, rel=1e-9)


def test_depthwise_separable_convolutions_by_hand(accelerator: Accelerator, cifar_shape: NetworkShape) -> None:
    """128 channels on the diagonal of 64x64 crossbars need two PEs; a dense convolution needs four."""
    costs = []
    for names in (("skip",), ("conv_3x3",), ("conv_1x1",), ("dwconv_3x3",)):
        cell = parse_architecture("|{}~0|+|none~0|none~1|+|none~0|skip~1|none~2|".format(*names))
        costs.append(PaperCostModel(accelerator, 4, 5).estimate(rows(cell, cifar_shape)))
    skip, dense, pointwise, separable = costs
    assert separable.parameters - pointwise.parameters == 9 * (128 + 256)
    depthwise_uj = separable.energy_uj - pointwise.energy_uj
    dense_uj = dense.energy_uj - skip.energy_uj
    # cell A: 2 PEs of 4; cell B: 4 of 16 on a quarter of the pixels
    assert depthwise_uj / dense_uj == pytest.approx((2 * 1024 + 4 * 256) / (4 * 1024 + 16 * 256))
    assert [row.n_pes for row in separable.layers if row.layer.groups > 1] == [2, 4]


def test_totals_are_the_sum_of_their_parts(accelerator: Accelerator, cifar_shape: NetworkShape) -> None:
    cost = PaperCostModel(accelerator, 8, 5).estimate(rows(parse_architecture(chain(3)), cifar_shape))
    for name in ("area_mm2", "latency_ms", "energy_uj"):
        total = getattr(cost, name)
        assert sum(cost.components[name].values()) == pytest.approx(total, rel=1e-12)
        assert sum(getattr(row, name) for row in cost.layers) == pytest.approx(total, rel=1e-12)
        assert all(part >= 0 for part in cost.components[name].values())


@given(forward_cells, forward_cells, st.sampled_from([4, 8, 16, 32]))
def test_vectorised_and_single_costs_agree(first: Genotype, second: Genotype, bits: int) -> None:
    from neuronas.hardware.accelerator import load_accelerator

    shape = NetworkShape(3, 32, 10, 100)
    model = PaperCostModel(load_accelerator("spikeflow-rram"), bits, 4)
    architecture = Architecture((first, second))
    cost = model.estimate(rows(architecture, shape))
    work = Workload(shape, 4)
    totals = model.totals(work.slots, work.occupancy([architecture]))
    for name in BUDGETED:
        assert getattr(totals, name)[0] == pytest.approx(getattr(cost, name), rel=1e-12)


def test_cost_grows_with_every_convolution_and_every_bit(accelerator: Accelerator, cifar_shape: NetworkShape) -> None:
    cells = [parse_architecture(chain(n)).cells[0] for n in range(7)]
    work = Workload(cifar_shape, 4)
    grid = {}
    for bits in (4, 6, 8, 10, 12, 14, 16):
        totals = PaperCostModel(accelerator, bits, 5).totals(work.slots, work.pair_occupancy(cells))
        for name in BUDGETED:
            values = getattr(totals, name).reshape(7, 7)
            assert (np.diff(values, axis=0) > 0).all()
            # Without convolutions in cell B, the reduction is last and loses its overlap: exactly what B's first adds.
            assert (np.diff(values, axis=1) >= 0).all()
            assert np.isfinite(values).all()
            grid.setdefault(name, []).append(values)
    for name in ("area_mm2", "energy_uj"):
        assert (np.diff(np.stack(grid[name]), axis=0) >= 0).all()


def test_all_pairs_in_one_call(accelerator: Accelerator, cifar_shape: NetworkShape) -> None:
    cells, work = list(load_space("neuronas").genotypes()), Workload(cifar_shape, 4)
    totals = PaperCostModel(accelerator, 8, 5).totals(work.slots, work.pair_occupancy(cells))
    assert len(totals.area_mm2) == 531_441
    assert len(np.unique(totals.area_mm2.round(9))) == 49  # cost depends on (n_A, n_B) only
