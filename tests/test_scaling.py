"""Scaling of accelerators, and cost model ``mapped`` for many networks on many chips at once."""

from itertools import product
from random import Random
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from neuronas.config import as_weight_bits
from neuronas.hardware.accelerator import BUILTIN, load_accelerator
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.latency import Schedule
from neuronas.hardware.mapped.many import ManyCosts, Networks
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.scaling import LAWS, ChipArrays, many_chips, scaled_accelerator
from neuronas.hardware.sensor import Sensor
from neuronas.space.layer_bits import search_bits
from neuronas.space.shape import NetworkShape, cell_name
from neuronas.space.spaces import load_space
from neuronas.space.workload import Workload, rows

BASE = load_accelerator("spikeflow-rram")
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
SIZES, ROWS, CELL_BITS, ADC_BITS, ADCS, SIGNS = (16, 64, 256), (4, 16, 64), (1, 2), (3, 4, 8), (4, 16), (1, 2)


def arrays(*chosen: tuple[float, ...]) -> ChipArrays:
    return ChipArrays(*np.array(chosen, dtype=np.float64).T)


def factors(*chosen: float) -> dict[str, float]:
    return {key: float(law(BASE, arrays(chosen))[0]) for key, law in LAWS.items()}


def some_chips(n: int, seed: int) -> ChipArrays:
    every = [one for one in product(SIZES, ROWS, CELL_BITS, ADC_BITS, ADCS, SIGNS) if one[1] <= one[0]]
    return arrays(*Random(seed).sample(every, n))


@pytest.mark.parametrize("name", BUILTIN)
def test_an_accelerator_keeps_its_constants_with_its_own_arrays(name: str) -> None:
    chip = load_accelerator(name)
    assert scaled_accelerator(chip, ChipArrays.of(chip), name) == chip


def test_more_adc_bits_cost_what_the_survey_says() -> None:
    found = factors(64, 64, 1, 8, 8, 2)  # 4 bits in the file
    assert found["adc.conversion_clocks"] == pytest.approx(2)
    assert found["adc.energy_pj"] == pytest.approx(2 ** (0.65 * 4) * 0.5**0.37)
    assert found["adc.area_um2"] == pytest.approx(np.exp(4 * (0.4237 * 0.65 * np.log(2) - 0.1344)))
    assert found["crossbar.cell_read_energy_pj"] == 1


def test_fewer_rows_settle_sooner() -> None:
    found, w = factors(64, 16, 1, 4, 8, 2), np.exp(0.0078)
    assert found["adc.conversion_clocks"] == pytest.approx((1 + w / 4) / (1 + w))
    assert found["adc.energy_pj"] == pytest.approx(((1 + w) / (1 + w / 4)) ** 0.37)
    assert found["crossbar.cell_read_energy_pj"] < 1


def test_a_larger_crossbar_needs_larger_buffers_and_longer_wires() -> None:
    found = factors(256, 64, 1, 4, 32, 2)
    assert found["buffers.pe_bits"] == found["pe.register_energy_pj"] == found["pe.subtract_area_um2"] == 4
    assert found["multiplexer.area_um2"] == 1  # 8 columns share a converter, as in the file
    assert 1 < found["tile.htree_area_um2"] == found["tile.htree_energy_pj"] / 4
    assert factors(64, 64, 1, 4, 1, 2)["multiplexer.area_um2"] == 8


def test_every_scaled_constant_names_its_law_and_its_origin() -> None:
    chip = scaled_accelerator(BASE, arrays((128, 32, 2, 6, 16, 1)), "spikeflow-rram")
    quantities = dict(chip.quantities())
    assert quantities["adc.energy_pj"].source.endswith("hardware/scaling.py, conversion_energy")
    assert "SpikeSim ela_spikesim.py: one conversion" in quantities["adc.energy_pj"].source
    assert quantities["crossbar.size"].source == "chosen by a design; spikeflow-rram has 64"
    changed = {key for key, one in BASE.quantities() if one != quantities[key]}
    assert set(LAWS) - changed == {"multiplexer.energy_pj", "multiplexer.area_um2"}  # equal columns per converter


@pytest.mark.parametrize(
    ("space", "chip", "activity", "window_ms"),
    [
        ("neuronas", "spikeflow-rram", Activity(), 0.0),
        ("snasnet-backward", "sram-65nm", Activity(rate=0.1), 3.0),
        ("spikenas-bench", "isaac-rram", Activity(rate=0.3), 0.0),
    ],
)
def test_many_costs_are_those_of_the_model(space: str, chip: str, activity: Activity, window_ms: float) -> None:
    cells, base, random = load_space(space), load_accelerator(chip), Random(7)
    architectures = [cells.random_architecture(random) for _ in range(12)]
    chips, n = some_chips(40, 3), 40
    copies = np.array([random.choice((1, 3, 500)) for _ in range(n)], dtype=np.float64)[:, None]
    for channels, side, timesteps, bits in ((5, 16, 1, 8), (40, 12, 4, 3)):
        shape = NetworkShape(3, side, 10, channels, cells.cells, head="gap")
        work = Workload(shape, cells.nodes)
        occupancy = work.occupancy(architectures)
        many = ManyCosts(many_chips(base, chips), bits, timesteps, copies, activity, Sensor(window_ms))
        networks = Networks.of(work.slots, occupancy)
        for schedule, found in zip(SCHEDULES, many.totals(networks, SCHEDULES), strict=True):
            for number in range(n):
                own = scaled_accelerator(base, chips[number : number + 1], chip)
                replication = int(copies[number, 0])
                model = MappedCostModel(own, bits, timesteps, schedule, replication, activity, sensor=Sensor(window_ms))
                expected = model.totals(work.slots, occupancy)
                assert (found.parameters == expected.parameters).all()
                for name in ("area_mm2", "latency_ms", "energy_uj", "array_latency_ms", "array_energy_uj"):
                    values = getattr(found, name)[number], getattr(expected, name)
                    np.testing.assert_allclose(*values, rtol=1e-12, err_msg=name)


@given(st.sampled_from(["neuronas", "snasnet-backward", "spikenas-bench"]), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=settings.default.max_examples // 4)
def test_many_costs_at_bits_by_part_are_those_of_each_network(space: str, named: bool, seed: int) -> None:
    cells, random = load_space(space), Random(seed)
    shape = NetworkShape(3, 12, 10, random.choice((4, 40)), cells.cells, head=random.choice(("gap", "linear")))
    parts = ("stem", *map(cell_name, range(cells.cells)), *(["reduction"] if cells.cells > 1 else []), "head")
    bits = search_bits(as_weight_bits({part: random.randint(2, 8) for part in parts}), shape, cells.nodes)
    architectures = [cells.random_architecture(random) for _ in range(4)]
    work, chips, copies = Workload(shape, cells.nodes), some_chips(3, seed), np.array([[1.0], [3.0], [500.0]])
    networks = Networks.of(work.slots, work.occupancy(architectures), bits, named=named)
    many = ManyCosts(many_chips(BASE, chips), bits, 3, copies, Activity(rate=0.2))
    for schedule, found in zip(SCHEDULES, many.totals(networks, SCHEDULES), strict=True):
        for chip, column in product(range(3), range(4)):
            own = scaled_accelerator(BASE, chips[chip : chip + 1], "spikeflow-rram")
            model = MappedCostModel(own, bits, 3, schedule, int(copies[chip, 0]), Activity(rate=0.2))
            expected = model.estimate(rows(architectures[column], shape))
            for name in ("area_mm2", "latency_ms", "energy_uj"):
                assert getattr(found, name)[chip, column] == pytest.approx(getattr(expected, name), rel=1e-12)
            assert found.parameters[column] == expected.parameters
            assert networks.memory_bits(bits)[column] == expected.memory_bits


def test_rows_of_parts_with_other_bits_are_apart_and_those_of_one_cell_together() -> None:
    cells, shape = load_space("neuronas"), NetworkShape(3, 16, 10, 4, 2, head="gap")
    work, random = Workload(shape, cells.nodes), Random(1)
    occupancy = work.occupancy([cells.random_architecture(random) for _ in range(20)])
    bits = as_weight_bits({"stem": 8, "A": 4, "reduction": 4, "B": 4, "head": 8})
    mixed, alike = Networks.of(work.slots, occupancy, bits), Networks.of(work.slots, occupancy, 8)
    assert len(mixed.rows) == len(alike.rows) < len(Networks.of(work.slots, occupancy, named=True).rows)
    assert {row.name for row in mixed.rows if row.has_weights} == {"stem", "A", "reduction", "B", "head"}
    assert {row.name for row in alike.rows} == {""}


def test_networks_of_equal_work_have_equal_counts() -> None:
    cells = load_space("neuronas")
    shape = NetworkShape(3, 16, 10, 4, 2, head="gap")
    work, random = Workload(shape, cells.nodes), Random(1)
    networks = Networks.of(work.slots, work.occupancy([cells.random_architecture(random) for _ in range(300)]))
    assert len(np.unique(networks.counts, axis=0)) < 200
    assert len(networks.kinds[0]) < 40
    assert networks.counts[:, 0].tolist() == [1] * 300  # the stem
