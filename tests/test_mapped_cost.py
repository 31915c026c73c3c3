"""Cost model ``mapped``: every term by hand, SpikeSim's crossbar energy, totals and estimates, monotonicity."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from conftest import chain
from neuronas.config import ACCELERATORS, HardwareConfig
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.budget import Budget, rejected
from neuronas.hardware.cost import Cost
from neuronas.hardware.floorplan import blocks
from neuronas.hardware.mapped import area, digital_work, energy, latency, mapping
from neuronas.hardware.mapped.activity import DENSE, Activity, load_activity
from neuronas.hardware.mapped.mapping import MappedWork, make_work
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.paper import PaperCostModel
from neuronas.hardware.sweep import vary
from neuronas.hardware.units import BUDGETED
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.space.workload import Layer, Workload, rows
from strategies import any_architectures, forward_cells
from test_paper_cost import VGG9

SMALL = NetworkShape(3, 16, 10, 24, head_width=40)
TABLE = (
    Layer("stem", "conv", 3, 128, 3, 1, 32, 32, reads="image"),
    Layer("A.01", "conv", 128, 128, 5, 1, 32, 32),
    Layer("A.02", "avg_pool", 128, 128, 3, 1, 32, 32, reads="values"),
    Layer("A.3", "add", 384, 128, 0, 1, 32, 32, reads="values"),
    Layer("head.pool", "avg_pool", 128, 128, 2, 2, 32, 16),
    Layer("head.1", "linear", 32768, 100, 1, 1, 1, 1, n_pooled=4),
    Layer("head.2", "linear", 100, 10, 1, 1, 1, 1),
)


@pytest.fixture(scope="module")
def work() -> MappedWork:
    """9 bits, 5 time steps, two copies; a tenth of the inputs spike."""
    return make_work(TABLE, load_accelerator("spikeflow-rram"), 9, 5, 2, Activity(rate=0.1))


# Magnitudes of eight bits, one per cell, two signs: 16 columns per filter. 64x64 crossbars, 9 per PE, 8 PEs per tile.
# Two copies, except for the fully connected layers, which have one pixel. Numbers in the order of the rows.
BY_HAND = [
    (mapping.parameters, [3 * 128 * 9, 128 * 128 * 25, 0, 0, 0, 3_276_800, 1000]),
    (mapping.columns, [2048, 2048, 0, 0, 0, 1600, 160]),
    (mapping.row_blocks, [9, 25 * 2, 0, 0, 0, 512, 2]),
    (mapping.replicas, [2, 2, 0, 0, 0, 1, 1]),
    (mapping.crossbars, [2 * 9 * 32, 2 * 50 * 32, 0, 0, 0, 512 * 25, 2 * 3]),
    (mapping.pes, [64, 356, 0, 0, 0, 1423, 1]),
    (mapping.tiles, [8, 45, 0, 0, 0, 178, 1]),
    (mapping.used_cells, [27 * 2048, 3200 * 2048, 0, 0, 0, 32768 * 1600, 16000]),
    (mapping.utilisation, [3 / 64, 1, 0, 0, 0, 1, 16000 / (6 * 4096)]),
    # The image once, 8 bits per pixel; otherwise five steps; means of four spikes have values 0 to 4: three bits.
    (mapping.passes, [1024 * 8, 5 * 1024, 0, 0, 0, 5 * 3, 5]),
    (mapping.conversions, [8192 * 9 * 2048, 5120 * 50 * 2048, 0, 0, 0, 15 * 512 * 1600, 5 * 2 * 160]),
    (mapping.awake_share, [1, 1 - 0.9**64, 0, 0, 0, 1 - 0.9**64, 1 - (0.9**64 + 0.9**36) / 2]),
    (digital_work.neurons, [0, 131_072, 0, 0, 131_072, 0, 100]),
    (digital_work.digital_units, [0, 2, 2, 2, 2, 0, 2]),
    (digital_work.additions, [0, 0, 5 * 9 * 131_072, 5 * 2 * 131_072, 5 * 4 * 128 * 256, 0, 0]),
    (
        mapping.input_traffic_bits,
        [8 * 3072 * 8, 5 * 131_072 * 45, 5 * 22 * 131_072, 5 * 22 * 393_216, 5 * 131_072, 15 * 32768 * 178, 500],
    ),
    # 512 row blocks with 72 crossbars per tile: 8 tiles, so 7 pass on their sums.
    (mapping.partial_sum_bits, [0, 0, 0, 0, 0, 15 * 100 * 7 * 22, 0]),
    (area.crossbar, [576 * 26.2144, 3200 * 26.2144, 0, 0, 0, 12800 * 26.2144, 6 * 26.2144]),
    (area.adc, [576 * 8 * 693.633, 3200 * 8 * 693.633, 0, 0, 0, 12800 * 8 * 693.633, 48 * 693.633]),
    (area.multiplexer, [576 * 8 * 45.9, 3200 * 8 * 45.9, 0, 0, 0, 12800 * 8 * 45.9, 48 * 45.9]),
    (area.shift_add, [n * 13411.41498 for n in (64, 356, 0, 0, 0, 1423, 1)]),
    (area.register, [n * 484.643999 for n in (8, 45, 0, 0, 0, 178, 1)]),
    (
        area.buffer,
        [
            0.7391 * 8192 * (35 * pes + 60 * tiles)
            for pes, tiles in ((64, 8), (356, 45), (0, 0), (0, 0), (0, 0), (1423, 178), (1, 1))
        ],
    ),
    (area.htree, [n * 433_660 for n in (8, 45, 0, 0, 0, 178, 1)]),
    (area.neuron_state, [0, 131_072 * 22 * 0.7391, 0, 0, 131_072 * 22 * 0.7391, 0, 100 * 22 * 0.7391]),
    (area.digital, [0, 17_536, 17_536, 17_536, 17_536, 0, 17_536]),
    (area.noc, [n * 330_000 for n in (8, 45, 0, 0, 0, 178, 1)]),
    # 512 pixel pairs; 104 ns per pass.
    (latency.crossbar, [512 * 8 * 104, 512 * 104, 0, 0, 0, 3 * 104, 104]),
    (latency.digital, [0, 1024 * 4, 9 * 1024 * 4, 2048 * 4, (1024 + 1024) * 4, 0, 4]),
    (
        latency.noc,
        [4 * 768, 4 * 4096, 4 * 22 * 2048, 4 * 22 * 6144, 4 * 2048, 4 * (3072 + 9), 4 * 4],
    ),
    (
        energy.crossbar,
        [
            1.76423 / 512 * n
            for n in (8192 * 27 * 2048, 512 * 3200 * 2048, 0, 0, 0, 1.5 * 32768 * 1600, 0.5 * 16000)
        ],
    ),
    (energy.register, [8192 * 32 * 8 * 0.2, 5120 * 178 * 8 * 0.2, 0, 0, 0, 15 * 1423 * 8 * 0.2, 5 * 8 * 0.2]),
    (
        energy.buffer,
        [0.15625 * n for n in (8192 * (27 + 128), 5120 * (3200 + 128), 0, 0, 0, 15 * 32868, 5 * 110)],
    ),
    (energy.htree, [157.12 * n for n in (8192 * 32, 5120 * 178, 0, 0, 0, 15 * 1423, 5)]),
    (energy.neuron, [0, 5 * 131_072 * 5.096, 0, 0, 5 * 131_072 * 5.096, 0, 500 * 5.096]),
    (energy.neuron_state, [0.15625 * 10 * 22 * n for n in (0, 131_072, 0, 0, 131_072, 0, 100)]),
    (energy.digital, [0, 0, 589_824, 131_072, 65_536, 0, 0]),
    (
        energy.leaking_pw,
        [
            5.72 * n
            for n in (
                64 * 286_720 + 8 * 491_520, 356 * 286_720 + 45 * 491_520 + 22 * 131_072, 0, 0, 22 * 131_072,
                1423 * 286_720 + 178 * 491_520, 286_720 + 491_520 + 2200,
            )
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("term", "expected"), BY_HAND, ids=[f"{term.__module__}.{term.__name__}" for term, _ in BY_HAND]
)
def test_terms_by_hand(work: MappedWork, term, expected: list[float]) -> None:
    assert term(work) == pytest.approx(expected, rel=1e-12)


def test_groups_lie_on_the_diagonal_by_hand() -> None:
    """16 columns per filter, so 4 channels of a depthwise convolution fill the 64 columns of a crossbar."""
    depthwise = Layer("A.01.depthwise", "conv", 128, 128, 3, 1, 32, 32, groups=128)
    halves = replace(depthwise, groups=2)  # two dense convolutions of 64 -> 64
    narrow = replace(depthwise, in_channels=10, out_channels=10, groups=10)
    accelerator, activity = load_accelerator("spikeflow-rram"), Activity(rate=0.1)
    work = make_work((depthwise, halves, narrow), accelerator, 9, 5, 2, activity)
    for term, expected in (
        (mapping.parameters, [9 * 128, 9 * 2 * 64 * 64, 90]),
        (mapping.columns, [2048, 2048, 160]),
        (mapping.row_blocks, [9, 9, 9]),
        (mapping.crossbars, [2 * 9 * 32, 2 * 9 * 2 * 16, 2 * 9 * 3]),
        (mapping.used_cells, [9 * 2048, 9 * 64 * 2048, 9 * 160]),
        (mapping.utilisation, [1 / 64, 1, 160 / (3 * 4096)]),
        (mapping.conversions, [5120 * 9 * 2048] * 2 + [5120 * 9 * 160]),
        (mapping.awake_share, [1 - 0.9**4, 1 - 0.9**64, 1 - 0.9**4]),
        (digital_work.neurons, [131_072, 131_072, 10_240]),
    ):
        assert term(work) == pytest.approx(expected, rel=1e-12), term


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.sampled_from([4, 8]), st.sampled_from([1, 3]))
def test_every_weight_of_a_group_lies_on_one_crossbar_of_each_copy(
    groups: int, n_in: int, n_out: int, bits: int, kernel: int
) -> None:
    row = Layer("A.01", "conv", groups * n_in, groups * n_out, kernel, 1, 4, 4, groups=groups)
    accelerator = vary(load_accelerator("spikeflow-rram"), "crossbar.size", 32)
    work = MappedCostModel(accelerator, bits, 2, replication=2).work((row,))
    n_columns = int(mapping.columns_per_output(bits, accelerator.crossbar)) * n_out
    held: dict[tuple[int, int, int, int], int] = {}
    found = list(blocks(work, 0))
    for one in found:
        assert max(one.n_channels, one.n_columns) <= 32
        for channel in range(one.first_channel, one.first_channel + one.n_channels):
            for column in range(one.first_column, one.first_column + one.n_columns):
                if channel // n_in == column // n_columns:
                    place = (one.replica, one.kernel_position, channel, column)
                    held[place] = held.get(place, 0) + 1
    assert len(found) == work.n_crossbars[0]
    assert len(held) == 2 * mapping.used_cells(work)[0]
    assert set(held.values()) == {1}


def test_rows_that_are_not_read_at_once_are_read_one_set_after_another(accelerator: Accelerator) -> None:
    """64 rows, 9 at a time: 8 reads; for 100 channels, one crossbar has 64 rows, and one has 36, which need 4."""
    few = vary(accelerator, "crossbar.rows_per_read", 9)
    table = (TABLE[1], Layer("A.02", "conv", 100, 10, 3, 1, 8, 8), Layer("A.03", "conv", 7, 10, 1, 1, 8, 8))
    whole, some = (make_work(table, one, 9, 5, 1, Activity(rate=0.1)) for one in (accelerator, few))
    assert mapping.reads(whole) == pytest.approx([1, 1, 1])
    assert mapping.reads(some) == pytest.approx([8, 8, 1])
    assert mapping.row_sets(whole) == pytest.approx(mapping.row_blocks(whole))
    assert mapping.row_sets(some) == pytest.approx([25 * 2 * 8, 9 * (8 + 4), 1])
    awake = (1 - 0.9**9) * 14 + (1 - 0.9**1) * 2  # 2 crossbars of 64 rows: 7 sets of 9 and one of 1 each
    assert mapping.awake_share(some)[0] == pytest.approx(awake / 16)
    assert mapping.awake_share(some)[1] == pytest.approx(((1 - 0.9**9) * (7 + 4) + 0.1) / 12)
    assert mapping.awake_share(some)[2] == pytest.approx(1 - 0.9**7)
    for term, more in ((latency.crossbar, 8), (energy.register, 8)):
        assert term(some)[0] == pytest.approx(more * term(whole)[0])
    for term in (energy.adc, energy.multiplexer, energy.shift_add):
        grown = 8 * mapping.awake_share(some)[0] / mapping.awake_share(whole)[0]
        assert term(some)[0] == pytest.approx(grown * term(whole)[0])
    for term in (energy.crossbar, energy.buffer, energy.htree, area.adc, area.crossbar):
        assert term(some) == pytest.approx(term(whole))


def test_more_rows_per_read_than_a_crossbar_has_are_refused(accelerator: Accelerator) -> None:
    with pytest.raises(ConfigurationError, match="expected rows_per_read of at most size, 64; 65 given"):
        vary(accelerator, "crossbar.rows_per_read", 65)
    assert dict(accelerator.quantities())["crossbar.rows_per_read"] == 64


def test_max_pooling_costs_what_mean_pooling_does(accelerator: Accelerator, cifar_shape: NetworkShape) -> None:
    text = "|{}~0|+|skip~0|conv_3x3~1|+|skip~0|skip~1|{}~2|"
    mean, largest = (
        MappedCostModel(accelerator, 8, 5).estimate(rows(parse_architecture(text.format(name, name)), cifar_shape))
        for name in ("avg_pool_3x3", "max_pool_3x3")
    )
    assert [getattr(mean, name) for name in BUDGETED] == [getattr(largest, name) for name in BUDGETED]
    assert {row.layer.kind for row in largest.layers} > {"max_pool", "avg_pool"}


def test_terms_on_conversions_by_hand(work: MappedWork) -> None:
    awake = mapping.conversions(work) * mapping.awake_share(work)
    for term, pj in ((energy.adc, 2.03084), (energy.multiplexer, 0.094245), (energy.shift_add, 0.1)):
        assert term(work) == pytest.approx(awake * pj)
    silent = (1 - 0.083) ** 64
    assert silent == pytest.approx(0.004, abs=1e-4)  # as stated in the documentation


def test_terms_of_the_whole_chip_by_hand(accelerator: Accelerator) -> None:
    assert latency.pass_ns(accelerator) == pytest.approx(104)
    assert area.global_buffer(accelerator) == pytest.approx(163_840 * 0.7391)
    assert energy.global_leaking_pw(accelerator) == pytest.approx(163_840 * 5.72)
    # 1 tile: one hop; 4 tiles: 2x2, 1 hop on average over all pairs; 16 tiles: 4x4, 2.5 hops
    assert energy.mean_hops(np.array([1.0, 4.0, 10.0, 16.0])) == pytest.approx([1, 1, 2.5, 2.5])
    assert energy.noc(np.array([100.0]), np.array([16.0]), accelerator) == pytest.approx([100 * 2.5 * 0.43])
    assert energy.leakage(np.array([2e6]), np.array([3.0])) == pytest.approx([6000])  # 2 uW for 3 ms: 6 nJ


@pytest.mark.parametrize("side", [2, 3, 5])
def test_mean_hops_is_the_mean_over_all_pairs(side: int) -> None:
    tiles = [(x, y) for x in range(side) for y in range(side)]
    mean = np.mean([abs(a - c) + abs(b - d) for a, b in tiles for c, d in tiles])
    assert energy.mean_hops(np.array([side**2])) == pytest.approx(max(1, mean))


def test_schedules_by_hand() -> None:
    once, each, slowest = np.array([7.0]), np.array([10.0]), np.array([6.0])
    assert latency.layers_in_order(once, each, slowest, 5) == 57
    assert latency.pipelined_over_timesteps(once, each, slowest, 5) == 7 + 10 + 24
    assert list(latency.clock_count("pipelined-over-timesteps", np.array([3.0, 6.0, 1.0]), 5)) == [1, 5, 1]


def test_crossbar_energy_agrees_with_spikesim(accelerator: Accelerator) -> None:
    """4 bits per column, 64x64, dense: SpikeSim's VGG9, whose published total is 15,906,934.0262 pJ for 48 PEs."""
    same = vary(vary(accelerator, "crossbar.bits_per_cell", 4), "crossbar.n_sign_columns", 1)
    theirs = PaperCostModel(same, 4, 5, share_tiles=True).estimate(VGG9)
    assert theirs.energy_uj * 1e6 == pytest.approx(15_906_934.0262, abs=1e-4)
    share = 8 * 9 * 1.76423 / 828.4861  # share of SpikeSim's energy per PE pass
    crossbar_pj = energy.crossbar(make_work(VGG9, same, 4, 5, 1, DENSE))
    for layer, ours, row in zip(VGG9[1:], crossbar_pj[1:], theirs.layers[1:], strict=True):
        assert ours == pytest.approx(row.energy_uj * 1e6 * share, rel=1e-6), layer.name
    # Its stem drives 64 rows although 3 hold weights, and at five time steps; ours reads eight bits of a pixel once.
    assert crossbar_pj[0] == pytest.approx(theirs.layers[0].energy_uj * 1e6 * share * 3 / 64 * 8 / 5, rel=1e-6)
    work = make_work(VGG9, same, 4, 5, 1, DENSE)
    assert list(work.n_pes) == [row.n_pes for row in theirs.layers]
    assert work.n_crossbars.sum() == 48 * 9


def models(accelerator: Accelerator) -> list[MappedCostModel]:
    plain = MappedCostModel(accelerator, 8, 5)
    return [
        plain,
        replace(plain, schedule="pipelined-over-timesteps", replication=3),
        replace(plain, weight_bits=5, timesteps=1, activity=Activity(rate=0.07)),
    ]


def check_sums(cost: Cost) -> None:
    for name in ("area_mm2", "latency_ms", "energy_uj"):
        total, parts = getattr(cost, name), cost.components[name]
        assert sum(parts.values()) == pytest.approx(total, rel=1e-9)
        assert sum(getattr(row, name) for row in cost.layers) == pytest.approx(total, rel=1e-9)
        assert min(parts.values()) >= 0
        assert np.isfinite(total)


@given(any_architectures.filter(lambda a: len(a.cells) <= 2), st.sampled_from(["linear", "gap"]), st.integers(0, 2))
@settings(max_examples=40)
def test_totals_equal_estimates_and_the_sum_of_their_parts(architecture: Architecture, head: str, number: int) -> None:
    shape = replace(SMALL, head=head)
    model = models(load_accelerator(list(ACCELERATORS)[number]))[number]
    cost = model.estimate(rows(architecture, shape))
    check_sums(cost)
    others = [architecture, Architecture((Genotype(architecture.cells[0].edges[::-1]),))]
    work = Workload(shape, 4)
    totals = model.totals(work.slots, work.occupancy(others))
    for name in BUDGETED:
        assert getattr(totals, name)[0] == getattr(cost, name)
    budget = Budget(cost.parameters, cost.area_mm2, cost.latency_ms, cost.energy_uj)
    assert rejected(budget.excess(totals))[0] == ()
    for row in cost.layers:
        assert 0 <= row.utilisation <= 1
        assert (row.n_crossbars > 0) == (row.layer.kind in {"conv", "linear"})


@given(forward_cells, forward_cells)
@settings(max_examples=settings.default.max_examples // 4)
def test_more_of_anything_never_costs_less(first: Genotype, second: Genotype) -> None:
    accelerator = load_accelerator("spikeflow-rram")
    work = rows(Architecture((first, second)), SMALL)
    plain = MappedCostModel(accelerator, 8, 4)

    def grows(models: list[MappedCostModel], *names: str) -> None:
        costs = [model.estimate(work) for model in models]
        for name in names:
            values = [getattr(cost, name) for cost in costs]
            assert values == sorted(values), name

    grows([replace(plain, weight_bits=bits) for bits in (4, 5, 8, 13, 16, 32)], *BUDGETED)
    grows([replace(plain, timesteps=steps) for steps in (1, 2, 7)], *BUDGETED)
    grows([replace(plain, activity=Activity(rate=rate)) for rate in (0.0, 0.01, 0.3, 1.0)], "energy_uj")
    grows([replace(plain, replication=copies) for copies in (1, 2, 16, 1000)], "area_mm2")
    constants = ("adc.energy_pj", "adc.area_um2", "multiplexer.ratio", "neuron.state_bits", "buffers.pe_bits")
    for key in constants:
        value = dict(accelerator.quantities())[key]
        factors = (1, 2) if key == "neuron.state_bits" else (1, 2, 8)  # at most 64 bits
        changed = [vary(accelerator, key, value * factor) for factor in factors]
        names = ("latency_ms",) if key == "multiplexer.ratio" else ("area_mm2", "energy_uj")
        grows([replace(plain, accelerator=one) for one in changed], *names)
    pipelined = replace(plain, schedule="pipelined-over-timesteps").estimate(work)
    assert pipelined.latency_ms <= plain.estimate(work).latency_ms


def test_copies_halve_the_passes(accelerator: Accelerator) -> None:
    conv = TABLE[:2]
    one, two = (latency.crossbar(make_work(conv, accelerator, 8, 5, copies, DENSE)) for copies in (1, 2))
    assert list(one) == list(2 * two)


def test_all_pairs_in_one_call(accelerator: Accelerator, cifar_shape: NetworkShape) -> None:
    work = Workload(cifar_shape, 4)
    pairs = work.pair_occupancy(list(load_space("neuronas").genotypes()))
    totals = MappedCostModel(accelerator, 8, 5).totals(work.slots, pairs)
    assert len(totals.area_mm2) == 531_441
    assert np.isfinite(totals.energy_uj).all()


def test_first_layer_runs_once(accelerator: Accelerator) -> None:
    costs = [MappedCostModel(accelerator, 8, steps).estimate(TABLE).layers for steps in (1, 5)]
    assert costs[0][0].latency_ms == costs[1][0].latency_ms
    assert 5 * costs[0][1].latency_ms == pytest.approx(costs[1][1].latency_ms)


def test_rows_of_work(cifar_shape: NetworkShape) -> None:
    cell = "|conv_5x5~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|none~1|skip~2|"
    found = {row.name: row for row in rows(parse_architecture(f"{cell} / {chain(0)}"), cifar_shape)}
    assert list(found) == [
        "stem", "A.01", "A.12", "A.03", "A.2", "A.3", "reduction", "reduction.pool", "B.2", "B.3", "head.pool",
        "head.1", "head.2",
    ]  # fmt: skip
    assert (found["A.01"].kernel, found["A.03"].kind, found["A.03"].kernel) == (5, "avg_pool", 3)
    assert (found["A.3"].kind, found["A.3"].in_channels, found["B.3"].in_channels) == ("add", 256, 768)
    assert (found["reduction.pool"].in_side, found["reduction.pool"].out_side) == (32, 16)
    assert (found["head.pool"].kernel, found["head.pool"].out_side) == (2, 8)
    gap = {row.name: row for row in rows(parse_architecture(cell), replace(cifar_shape, head="gap"))}
    assert (gap["head.pool"].kernel, gap["head.pool"].out_side) == (16, 1)
    backward = parse_architecture("|skip~0|+|skip^0|skip~1|+|skip~0|skip~1|skip~2|")
    assert {row.name for row in rows(backward, cifar_shape)} >= {"A.0", "A.3"}


def test_traces(accelerator: Accelerator, tmp_path: Path) -> None:
    file = tmp_path / "rates.yaml"
    file.write_text("A.01: 0.5\nhead.1: 0\nhead.2: 1\n")
    activity = load_activity(HardwareConfig(activity="trace", trace=str(file)))
    assert activity.rates(TABLE).tolist() == [[1], [0.5], [1], [1], [1], [0], [1]]
    with pytest.raises(ConfigurationError, match=r"no layer 'A\.12'; did you mean 'A\.01'"):
        activity.rates((TABLE[0], replace(TABLE[1], name="A.12")))
    work = make_work(TABLE, accelerator, 8, 5, 1, activity)
    assert energy.crossbar(work)[5] == energy.adc(work)[5] == 0
    measured = tmp_path / "evaluation.json"
    measured.write_text('{"top1": 1, "layers": {"A.01": {"input_rate": 0.5}, "head.1": {"input_rate": 0}}}')
    assert load_activity(HardwareConfig(activity="trace", trace=str(measured))).trace == {"A.01": 0.5, "head.1": 0}
    without = "holds no input rates"
    for broken, wanted in {
        "{}": without,
        "[]": without,
        '{"layers": {"A.01": 0.5}}': without,
        "{": "not valid JSON",
    }.items():
        measured.write_text(broken)
        with pytest.raises(ConfigurationError, match=wanted):
            load_activity(HardwareConfig(activity="trace", trace=str(measured)))
    file.write_text("A.01: 1.5\n")
    with pytest.raises(ConfigurationError, match=r"given 1\.5"):
        load_activity(HardwareConfig(activity="trace", trace=str(file)))


@pytest.mark.parametrize("name", list(ACCELERATORS))
def test_presets_state_a_source_for_every_constant(name: str) -> None:
    for key, quantity in load_accelerator(name).quantities():
        assert "not stated" not in quantity.source, key


@pytest.mark.parametrize("n_cells", [1, 2, 3])
@pytest.mark.parametrize("head", ["linear", "gap"])
def test_every_number_of_cells(accelerator: Accelerator, n_cells: int, head: str) -> None:
    shape = NetworkShape(3, 70, 10, 20, n_cells=n_cells, head_width=50, head=head)
    table = rows(parse_architecture("|conv_3x3~0|+|skip~0|conv_1x1~1|+|none~0|skip~1|avg_pool_3x3~2|"), shape)
    sides = {row.name: (row.in_side, row.out_side) for row in table}
    assert sides["stem"] == (70, 35)
    assert sides["head.pool"] == (35 >> n_cells - 1, 1 if head == "gap" else 35 >> n_cells)
    assert [name for name in sides if name.endswith("pool")][:-1] == [
        f"reduction{f'.{place}' if n_cells > 2 else ''}.pool" for place in range(1, n_cells)
    ]
    check_sums(MappedCostModel(accelerator, 8, 5).estimate(table))


@pytest.mark.parametrize(
    ("terms", "unit"), [(area.AREA_UM2, "um2"), (energy.ENERGY_PJ, "pJ"), (latency.LATENCY_NS, "ns")]
)
def test_every_term_states_equation_and_unit(terms, unit: str) -> None:
    for term in terms.values():
        assert "*" in term.__doc__ or "/" in term.__doc__, term
        assert f" {unit}" in term.__doc__, term
