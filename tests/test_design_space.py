"""The space of designs: its axes, its chips, their noise, and the front of network and chip together."""

from dataclasses import replace
from itertools import product
from math import log2
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import spearmanr

from neuronas.config import as_weight_bits, bits_of, distinct_bits, validate, write_yaml
from neuronas.errors import ConfigurationError
from neuronas.fitness.calibration import calibration
from neuronas.fitness.expected_error import ErrorPrior, network_noise
from neuronas.fitness.network_error import error_after_loss
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.chip_noise import LayerNoise, layer_noise
from neuronas.hardware.design_chips import axis_values, design_chips, nearest_chip
from neuronas.hardware.design_space import BUILTIN, FREE, DesignSpace, load_design_space
from neuronas.hardware.device_model import load_device_model
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.many import Networks
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.pareto import hypervolume, non_dominated
from neuronas.hardware.scaling import ChipArrays, scaled_accelerator
from neuronas.hardware.sensor import AT_ONCE
from neuronas.runs.network_setting import NetworkSetting
from neuronas.search.joint import explored
from neuronas.search.joint_designs import Designs, on_grid
from neuronas.search.joint_space import JointSpace
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.space.workload import Occupancy, Workload, rows

BASE, CELLS = load_accelerator("spikeflow-rram"), load_space("neuronas")
DEVICE = "rram-wan-2022"
SMALL = {
    "crossbar_size": [32, 64], "rows_per_read": [8, 64], "bits_per_cell": [1, 2], "adc_bits": [3, 5],
    "adcs_per_array": [8, 16], "sign_scheme": "free", "replication": [1, 4], "schedule": "free",
}  # fmt: skip


Settings = tuple[NetworkSetting, ...]
UNIFORM = tuple(
    NetworkSetting(channels=channels, timesteps=timesteps, weight_bits=bits)
    for channels, timesteps, bits in ((12, 3, 4), (12, 2, 4), (6, 3, 3))
)
MIXED = tuple(
    NetworkSetting(channels=channels, timesteps=3, weight_bits=as_weight_bits(bits))
    for channels, bits in ((12, "stem=8,A=4,reduction=5,B=3,head=8"), (6, "stem=4,A=2,reduction=4,B=4,head=3"), (6, 4))
)


def space(**axes: Any) -> DesignSpace:
    return validate(DesignSpace, axes, "space.yaml")


def values(base: Accelerator = BASE, **axes: Any) -> dict[str, tuple[Any, ...]]:
    return dict(axis_values(space(**axes), base, 1, "layers-in-order"))


def shape_at(channels: int) -> NetworkShape:
    return NetworkShape(1, 8, 10, channels, 2, head="gap")


def some_architectures(n: int) -> list[Architecture]:
    random = Random(5)
    return [CELLS.random_architecture(random) for _ in range(n)]


def occupancy_at(channels: int, n: int) -> tuple[Workload, Occupancy]:
    work = Workload(shape_at(channels), CELLS.nodes)
    return work, work.occupancy(some_architectures(n))


def weights_of(setting: NetworkSetting, architecture: Architecture) -> list[tuple[int, int]]:
    """Number of weights and bits of each layer with weights."""
    layers = rows(architecture, shape_at(setting.channels))
    return [(layer.n_weights, bits_of(setting.weight_bits, layer.name)) for layer in layers if layer.has_weights]


def same_rounding(layers: list[tuple[int, int]]) -> float:
    """The precision with the same mean rounding error."""
    return -log2(sum(n * 0.25**bits for n, bits in layers) / sum(n for n, _ in layers)) / 2


def problem(
    resolution: float = 0.0, budget: Budget | None = None, n: int = 40, settings: Settings = UNIFORM
) -> JointSpace:
    def networks_at(setting: NetworkSetting) -> Networks:
        work, occupancy = occupancy_at(setting.channels, n)
        return Networks.of(work.slots, occupancy, setting.weight_bits)

    fitness = np.random.default_rng(0).normal(size=n)
    fitness[3] = -np.inf
    prior = ErrorPrior(float(fitness.max()), 10)
    chips, limits = values(**SMALL), budget or Budget()
    return JointSpace(
        BASE, chips, settings, networks_at, fitness, limits, prior, 10, Activity(), AT_ONCE, resolution
    )  # fmt: skip


def front(joint: JointSpace, n_workers: int = 1) -> Designs:
    found = Designs.none()
    for one in explored(joint, 0, n_workers):
        found = found.with_others(one.front, resolution=joint.resolution)
    return found


def one_by_one(joint: JointSpace) -> tuple[np.ndarray, int]:
    """The objectives of every design, each by its own cost model, and the number of impossible combinations."""
    points, n_excluded = [], 0
    for setting in joint.settings:
        work, occupancy = occupancy_at(setting.channels, len(joint.fitness))
        n_weights = MappedCostModel(BASE, setting.weight_bits, 1).totals(work.slots, occupancy).parameters
        own = [weights_of(setting, one) for one in some_architectures(len(joint.fitness))]
        memory, bits = np.array([(sum(n * bits for n, bits in layers), same_rounding(layers)) for layers in own]).T
        network = joint.error.network(joint.fitness, n_weights, setting.channels, setting.timesteps, bits)
        names = [name for name in joint.values if name != "schedule"]
        for chosen in product(*(joint.values[name] for name in names)):
            chip = dict(zip(names, chosen, strict=True))
            columns = 2 if chip["sign_scheme"] == "differential" else 1
            can_be_built = (
                chip["rows_per_read"] <= chip["crossbar_size"] and chip["crossbar_size"] % chip["adcs_per_array"] == 0
                and chip["bits_per_cell"] <= setting.lowest_bits - columns + 1
            )  # fmt: skip
            if not can_be_built:
                n_excluded += 2
                continue
            numbers = [chip[name] for name in names[:5]] + [columns]
            arrays = ChipArrays(*(np.array([float(number)]) for number in numbers))
            accelerator = scaled_accelerator(BASE, arrays, "spikeflow-rram")
            by_bits = {
                bits: joint.error.kept(BASE, arrays, bits, setting.channels)[0]
                for bits in distinct_bits(setting.weight_bits)
            }
            kept = np.array([min(by_bits[bits] for _, bits in layers) for layers in own])
            for schedule in joint.values["schedule"]:
                model = MappedCostModel(
                    accelerator, setting.weight_bits, setting.timesteps, schedule, chip["replication"]
                )
                totals = model.totals(work.slots, occupancy)
                error = error_after_loss(network, kept, 10)
                points.append(
                    np.column_stack([error, totals.energy_uj, totals.latency_ms, totals.area_mm2, memory])[
                        np.isfinite(joint.fitness)
                    ]
                )
    return np.vstack(points), n_excluded


def test_an_axis_is_free_one_value_or_several() -> None:
    found = values(crossbar_size=[128, 64], rows_per_read=64, adc_bits="free")
    assert found["crossbar_size"] == (64, 128) and found["rows_per_read"] == (64,)
    assert found["adc_bits"] == FREE["adc_bits"]
    assert found["bits_per_cell"] == (1,) and found["sign_scheme"] == ("differential",)  # as in the accelerator
    assert all(load_design_space(name).description for name in BUILTIN)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"adc_bits": 2}, r"space.yaml: adc_bits: given 2; 2 given; expected 'free', a whole number from 3 to 9"),
        ({"adc_bits": []}, "'nothing' given; expected 'free'"),
        ({"adc_bits": [4, True]}, "true given"),
        ({"adc_bits": [4, 4]}, "a value given twice"),
        ({"sign_scheme": "both"}, "expected 'free', differential or offset-binary"),
        ({"adc_bit": 4}, "unknown key 'adc_bit'; did you mean 'adc_bits'"),
        ({"weight_bits": 20}, r"weight_bits: given 20; expected 2 to 16 \(fixed point\) or 32"),
        ({"weight_bits": {"stem": [8, 1]}}, "expected 2 to 16 .* for stem=1"),
        ({"weight_bits": {"stem": []}}, "expected 'free', 2 to 16 bits, or a map from parts to bits"),
        ({"weight_bits": {"A": 4, "stem,A": 8}}, "a part of the network given twice"),
        ({"weight_bits": [8, "stem=8"]}, "'stem=8' given; expected 'free', 2 to 16 bits, or a map"),
        ({"weight_bits": [{"A": [4, 8]}, {"A": 4}]}, "a value given twice"),
        ({"weight_bits": {str(part): list(range(2, 17)) for part in range(4)}}, "50,625 combinations of bits given"),
    ],
)
def test_a_wrong_axis_is_said_in_one_line(axes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as error:
        space(**axes)
    assert "\n" not in str(error.value)


def test_axes_that_the_accelerator_cannot_have_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"adc_bits given for .* whose adc\.area_um2 is 0"):
        values(load_accelerator("xue-rram"), adc_bits="free")
    with pytest.raises(ConfigurationError, match="crossbar_size given without rows_per_read"):
        values(crossbar_size="free")
    with pytest.raises(ConfigurationError, match="combinations of the chip's axes given; expected at most 5,000,000"):
        many = {"crossbar_size": range(4, 404), "rows_per_read": range(4, 404), "replication": range(1, 101)}
        values(**{name: list(numbers) for name, numbers in many.items()})


def test_bits_may_differ_by_part() -> None:
    by_part = {"stem": 8, "A, reduction,B": [4, 6], "head": [6, 8]}
    found = space(weight_bits=[8, by_part, 4]).values("weight_bits")
    assert found is not None and list(map(str, found)) == [
        "4", "stem=8,A=4,reduction=4,B=4,head=6", "stem=8,A=4,reduction=4,B=4,head=8",
        "stem=8,A=6,reduction=6,B=6,head=6", "stem=8,A=6,reduction=6,B=6,head=8", "8",
    ]  # fmt: skip
    assert space(weight_bits=found) == space(weight_bits=[8, by_part, 4])


def test_a_space_with_bits_by_part_is_read_as_it_was_written(tmp_path: Path) -> None:
    own = space(weight_bits=[{"stem": 8, "A": [2, 16], "reduction,B,head": 4}, 32], channels=4, adc_bits="free")
    write_yaml(tmp_path / "space.yaml", own)
    assert load_design_space(str(tmp_path / "space.yaml")) == own


@given(st.lists(st.integers(2, 8), min_size=5, max_size=5), st.integers(0, 4))
def test_more_bits_in_any_part_are_never_expected_to_be_worse(bits: list[int], part: int) -> None:
    joint = replace(problem(n=6), fitness=np.zeros(6))

    def errors(bits: list[int]) -> np.ndarray:
        by_part = dict(zip(("stem", "A", "reduction", "B", "head"), bits, strict=True))
        setting = NetworkSetting(channels=6, timesteps=3, weight_bits=as_weight_bits(by_part))
        return joint.network_error(setting, joint.networks(setting))

    more = [one + (number == part) for number, one in enumerate(bits)]
    assert (errors(more) <= errors(bits) + 1e-12).all()
    assert (errors([min(bits)] * 5) + 1e-12 >= errors(bits)).all()
    alike = NetworkSetting(channels=6, timesteps=3, weight_bits=bits[0])
    assert errors([bits[0]] * 5) == pytest.approx(joint.network_error(alike, joint.networks(alike)), rel=1e-12)


def test_combinations_that_cannot_be_built_are_counted_once() -> None:
    found = values(**SMALL)
    chips = design_chips(found, BASE, 2)
    assert chips.n_combinations == 2**8 == 2 * len(chips) + sum(chips.excluded.values())
    assert chips.excluded == {
        "rows_per_read above crossbar_size": 64,
        "bits_per_cell above the bits that a column's slices have": 48,
    }
    sram = design_chips(values(load_accelerator("sram-65nm"), bits_per_cell=[1, 2]), load_accelerator("sram-65nm"), 8)
    assert sram.excluded == {"bits_per_cell above 1 in an SRAM cell": 1}


def test_the_nearest_chip_changes_the_fewest_axes() -> None:
    found = values(crossbar_size=32, rows_per_read=64, adcs_per_array=8)
    assert not len(design_chips(found, BASE, 8))
    assert nearest_chip(found, BASE, (8,)) == {"crossbar_size": 64}
    both = values(crossbar_size=48, rows_per_read=64, adcs_per_array=5)
    changed = nearest_chip(both, BASE, (8,))
    assert changed is not None and len(changed) == 2


@given(st.integers(1, 5), st.integers(1, 120), st.sampled_from([3, 40, 5000]), st.booleans(), st.integers(0, 2**32 - 1))
def test_no_other_row_beats_what_stays(width: int, n: int, most: int, whole: bool, seed: int) -> None:
    points = np.random.default_rng(seed).integers(0, most, size=(n, width)).astype(np.float64)
    points = points if whole else points / 7
    beats = (points[:, None] <= points[None]).all(axis=2)
    same = (points[:, None] == points[None]).all(axis=2)
    beaten = (beats & ~same).any(axis=0) | np.triu(same, 1).any(axis=0)
    assert non_dominated(points) == np.flatnonzero(~beaten).tolist()


@pytest.mark.parametrize(("device", "after_s"), [(None, None), (DEVICE, 86_400.0), ("pcm-nandakumar-2019", 20.0)])
def test_the_noise_ranks_chips_as_a_simulated_layer_does(device: str | None, after_s: float | None) -> None:
    from neuronas.chip.chip_model import chip_model
    from neuronas.chip.precheck import layer_snr_db

    model = None if device is None else load_device_model(device)
    assert BASE.device is not None
    cells = BASE.device.model_copy(update={"model": model})
    random, ratios, simulated = Random(2), [], []
    for _ in range(24):
        chosen = [random.choice(of) for of in ((16, 32), (4, 16), (1, 2), (3, 4, 6), (8,), (1, 2))]
        arrays = ChipArrays(*(np.array([float(value)]) for value in chosen))
        chip = chip_model(scaled_accelerator(BASE, arrays, "spikeflow-rram"), "chip", 6, device_model=model)
        found = layer_snr_db(chip if after_s is None else chip.after(after_s), 6)
        ratios.append(layer_noise(arrays, cells, 6, chosen[0], after_s).snr_db[0])
        simulated.append(40.0 if found is None else min(found, 40.0))
    assert spearmanr(ratios, simulated).statistic > 0.9
    assert np.median(np.abs(np.subtract(ratios, simulated))) < 3  # dB


def test_small_networks_are_expected_to_reach_what_trained_ones_did() -> None:
    """Designs of a front that were trained and are in no fit (``benchmarks/trained/designs-digits.csv``)."""
    prior = ErrorPrior(7.43, 10)
    trained = {  # channels, T, bits, weights, fitness, accuracy
        "no convolution": (4, 2, 4, 404, 0.477, 0.41),
        "no convolution, wide": (16, 3, 4, 5_072, 0.477, 0.88),
        "one": (4, 2, 4, 1_124, 5.49, 0.557),
        "two": (8, 2, 4, 7_144, 7.0, 0.875),
        "three": (16, 2, 4, 39_632, 7.32, 0.969),
    }
    for name, (channels, timesteps, bits, weights, fitness, accuracy) in trained.items():
        (error,) = prior.network(np.array([fitness]), np.array([weights]), channels, timesteps, bits)
        assert 1 - error == pytest.approx(accuracy, abs=0.1), name
    few, many = prior.network(np.full(2, 7.0), np.array([1e3, 1e4]), 8, 2, 4)
    assert many < few


def test_more_converter_bits_and_fewer_rows_lose_less() -> None:
    assert BASE.device is not None
    rows = np.array([8.0, 64.0, 64.0])
    bits = np.array([3.0, 3.0, 6.0])
    size, one = np.full(3, 64.0), np.ones(3)
    few, many, fine = layer_noise(ChipArrays(size, rows, one, bits, size, 2 * one), BASE.device, 8, 64).snr_db
    assert many < few and many < fine
    chips, none = calibration().chips, np.zeros(3)
    noise = 10 ** (-np.array([-20.0, chips.middle_db, 40.0]) / 10)
    assert chips.kept(LayerNoise(noise, none, none)) == pytest.approx([0, 0.5, 1], abs=1e-3)
    assert chips.kept(LayerNoise(none, noise / chips.systematic, none)) == pytest.approx([0, 0.5, 1], abs=1e-3)
    assert calibration().chips.rho >= 0.8 and calibration().chips.n_pairs >= 60


def test_the_lowest_slices_of_weights_hardly_change_the_noise() -> None:
    assert BASE.device is not None
    two = np.full(2, 2.0)
    arrays = ChipArrays(32 * two, 4 * two, np.array([1.0, 2.0]), 2 * two, 4 * two, two)
    ratios = {bits: layer_noise(arrays, BASE.device, bits, 64).snr_db for bits in (12, 16, 32)}
    assert ratios[12] == pytest.approx(ratios[16], abs=0.05) and (ratios[16] == ratios[32]).all()


def test_a_clipped_reference_column_loses_everything() -> None:
    """Chips of 3-bit converters that were simulated (``benchmarks/trained/front-digits.csv``): 96 and 10 % accuracy."""
    assert BASE.device is not None
    rows = np.array([8.0, 16.0, 32.0])
    size, one = np.full(3, 32.0), np.ones(3)
    base = BASE.model_copy(update={"device": BASE.device.model_copy(update={"model": load_device_model(DEVICE)})})
    arrays = ChipArrays(size, rows, one, 3 * one, size, one)
    few, many, more = calibration().chips.kept(network_noise(base, arrays, 8, 16, 86_400.0))
    assert few > 0.95 and many < 0.25 and more < 0.15


@pytest.mark.parametrize("settings", [UNIFORM, MIXED], ids=["uniform", "mixed"])
def test_the_front_is_that_of_every_design_costed_alone(settings: Settings) -> None:
    joint = problem(settings=settings)
    points, n_excluded = one_by_one(joint)
    found = front(joint)
    expected = points[non_dominated(np.round(points, 12))]
    order, own = (np.lexsort(of.T) for of in (expected.round(9), found.points.round(9)))
    np.testing.assert_allclose(found.points[own], expected[order], rtol=1e-9)
    everything = list(explored(joint, 0, 1))
    assert sum(one.n_covered for one in everything) == len(points) + len(points) // 39
    assert n_excluded == sum(sum(joint.chips(one).excluded.values()) for one in joint.settings)
    assert sum(one.n_costed for one in everything) < len(points) / 4


def test_the_front_does_not_depend_on_workers_or_on_where_it_was_interrupted() -> None:
    joint = problem(0.01)
    whole = front(joint, 1)
    again = front(joint, 3)
    assert (whole.origins == again.origins).all() and (whole.points == again.points).all()
    first = Designs.none().with_others(next(iter(explored(joint, 0, 2))).front, resolution=joint.resolution)
    for one in explored(joint, 1, 2):
        first = first.with_others(one.front, resolution=joint.resolution)
    assert (first.origins == whole.origins).all()


def test_a_coarse_front_misses_no_design_by_more_than_its_resolution() -> None:
    exact, coarse = front(problem()).points, front(problem(0.05)).points
    assert len(coarse) < len(exact)
    for point in exact:
        assert (coarse <= point * 1.05 * (1 + 1e-9)).all(axis=1).any()
    assert on_grid(np.array([[1.0, 1.049], [1.0, 1.051]]), 0.05).tolist() == [[0, 0], [0, 1]]


def test_only_designs_within_the_budget_are_kept_and_the_nearest_is_known() -> None:
    free = front(problem())
    limit = float(np.median(free.points[:, 1]))
    kept = front(problem(budget=Budget(max_energy_uj=limit)))
    assert (kept.points[:, 1] <= limit).all()
    inside = free.points[free.points[:, 1] <= limit]
    assert len(inside) == len(kept)
    tight = problem(budget=Budget(max_energy_uj=1e-6))
    missed = [one.nearest for one in explored(tight, 0, 1)]
    assert all(one is not None and one.name == "energy_uj" for one in missed)
    best = min(one.value for one in missed if one is not None)
    assert best == pytest.approx(one_by_one(replace(tight))[0][:, 1].min())


def test_the_proof_of_a_front_draws_from_what_its_search_costs() -> None:
    from front_proof import Searched, boxes

    found = Searched.of(problem())
    assert found.n_costed == sum(map(len, found.worth))
    box = boxes(found.front.points)["whole"]
    every = found.drawn(found.n_costed, 0)
    assert len(every) == found.n_costed
    assert box.share(every) == pytest.approx(box.share(found.front.points), abs=1e-12)
    few, others = found.drawn(30, 0), found.drawn(30, 1)
    assert few.shape == others.shape == (30, 4) and len(np.unique(few, axis=0)) == 30
    assert (np.isclose(few[:, None], every).all(axis=2).any(axis=1)).all()
    assert (few == found.drawn(30, 0)).all() and (few != others).any()
    assert box.share(few) < box.share(every)


def test_the_volumes_of_the_proof_are_hypervolumes() -> None:
    from front_proof import Box

    points = np.random.default_rng(3).uniform(size=(12, 4))
    unit = Box(np.zeros(4), np.ones(4), is_logarithmic=False)
    assert unit.share(points) == pytest.approx(hypervolume(points), abs=2e-3)
    assert Box(np.ones(4), np.full(4, np.e)).share(np.exp(points)) == pytest.approx(unit.share(points), abs=1e-12)
    chosen = unit.spread(points, 4)
    assert chosen[0] == (1 - points).prod(axis=1).argmax() and len(set(chosen)) == 4
    for number in range(1, 4):
        gains = [hypervolume(points[[*chosen[:number], one]]) for one in range(12)]
        assert gains[chosen[number]] == pytest.approx(max(gains), abs=5e-3)
