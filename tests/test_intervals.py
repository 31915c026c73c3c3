"""Intervals of costs from measured arrays, budgets checked against a bound, and the accelerators of measured macros."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import Neuronas
from neuronas.api.estimating.estimate import estimate
from neuronas.config import ACCELERATORS
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Totals
from neuronas.hardware.mapped.array_view import as_macro, own_phase
from neuronas.hardware.mapped.intervals import ARRAY, spreads
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.silicon.chips import bundled_chips
from neuronas.hardware.silicon.spread import Spread
from neuronas.hardware.sweep import vary
from neuronas.space.workload import Layer, always

ARCH = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"
TABLE = (
    Layer("stem", "conv", 3, 16, 3, 1, 16, 16, reads="image"),
    Layer("A.01", "conv", 16, 100, 3, 1, 16, 16),
    Layer("head.1", "linear", 400, 10, 1, 1, 1, 1, n_pooled=4),
)
OF_SILICON = {
    "spetalnick-rram": "26.56TOPS/W 2.37Mb/mm2",
    "xue-rram": "4Mb 8b-Precision ReRAM",
    "deaville-mram": "Maximally Row-Parallel MRAM",
    "jia-sram": "Programmable Neural-Network Inference Accelerator",
}


@pytest.mark.parametrize("schedule", ["layers-in-order", "pipelined-over-timesteps"])
def test_an_interval_is_the_rest_and_the_arrays_part_times_the_spread(schedule: str) -> None:
    accelerator = load_accelerator("jia-sram")
    model = MappedCostModel(accelerator, 8, 4, schedule)  # type: ignore[arg-type]
    cost = model.estimate(TABLE)
    for name, parts in ARRAY.items():
        array = sum(cost.components[name][part] for part in parts)
        interval, total = cost.intervals[name], getattr(cost, name)
        factor = spreads(accelerator)[name].within(0.9)
        assert interval.array == pytest.approx(array)
        assert interval.low == pytest.approx(total - array + array / factor)
        assert interval.high == pytest.approx(total - array + array * factor)
        assert interval.low < total < interval.high
    assert "area_mm2" not in cost.intervals


def test_a_slower_array_takes_longer_by_its_part_in_the_total(accelerator: Accelerator) -> None:
    cost = MappedCostModel(accelerator, 8, 4).estimate(TABLE)
    slower = accelerator
    for key, value in (("adc.conversion_clocks", 9), ("pe.fill_clocks", 6)):  # three times as many
        slower = vary(slower, key, value)
    three = MappedCostModel(slower, 8, 4).estimate(TABLE)
    assert three.latency_ms == pytest.approx(cost.latency_ms + 2 * cost.intervals["latency_ms"].array)


def test_a_budget_can_be_judged_by_a_bound() -> None:
    one = Spread((np.log(2.0), np.log(3.0), np.log(4.0)), (1.0, 1.0, 1.0))
    totals = Totals(*(np.array([value]) for value in (1.0, 1.0, 10.0, 10.0, 4.0, 6.0)))
    limits = {"max_latency_ms": 17.0, "max_energy_uj": 17.0, "spreads": {"latency_ms": one, "energy_uj": one}}
    assert one.below(0.75) == pytest.approx(3)  # half of three papers plus one
    assert all(excess <= 0 for excess in Budget(**limits).excess(totals).values())  # type: ignore[arg-type]
    bound = Budget(**limits, confidence=0.75)  # type: ignore[arg-type]
    assert bound.excess(totals)["latency_ms"] == pytest.approx(10 - 4 + 3 * 4 - 17)
    assert bound.excess(totals)["energy_uj"] == pytest.approx(10 - 6 + 3 * 6 - 17)
    assert bound.only(["energy_uj"]).excess(totals)["latency_ms"] == -np.inf
    assert bound.excess(replace(totals, array_latency_ms=None, array_energy_uj=None))["energy_uj"] == -7


def test_how_often_a_network_fits_is_what_the_spread_says() -> None:
    run = estimate(ARCH, dataset="digits", channels=8, max_energy_uj=2, hardware="xue-rram")
    use = next(use for use in run.budget.uses(run.cost) if use.name == "energy_uj")
    array = run.cost.intervals["energy_uj"].array
    allowed = (2 - run.cost.energy_uj + array) / array
    assert use.fits == pytest.approx(run.budget.spreads["energy_uj"].share_below(allowed))
    assert 0.5 < (use.fits or 0) < 1
    exact = replace(run.budget, max_energy_uj=run.cost.energy_uj)
    assert next(use.fits for use in exact.uses(run.cost) if use.name == "energy_uj") == pytest.approx(0.5, abs=0.05)


def test_a_chip_of_no_known_kind_has_the_spread_of_all() -> None:
    known = load_accelerator("xue-rram")
    unknown = known.model_copy(update={"macro": None})
    of_all, of_kind = spreads(unknown)["energy_uj"], spreads(known)["energy_uj"]
    assert of_all.n_papers > of_kind.n_papers
    assert spreads(load_accelerator("jia-sram"))["energy_uj"].n_papers == pytest.approx(
        of_all.n_papers - of_kind.n_papers
    )


@pytest.mark.parametrize(("name", "title"), OF_SILICON.items())
def test_the_array_of_a_preset_is_as_measured(name: str, title: str) -> None:
    chip = next(chip for chip in bundled_chips() if title in chip.paper and chip.numbers["input_bits"] == 1)
    accelerator, numbers = load_accelerator(name), chip.numbers
    column_fj = numbers["n_operations"] / numbers["tops_per_w"] / numbers["n_adcs"] * 1e3
    cells = accelerator.crossbar.cell_read_energy_pj * numbers["rows"]
    assert (cells + accelerator.adc.energy_pj) * 1e3 == pytest.approx(column_fj, rel=2e-3)
    assert own_phase(accelerator)[1] == pytest.approx(numbers["time_ns"])
    macros = as_macro(accelerator)
    assert (macros.node_nm, macros.supply_v) == (numbers["node_nm"], numbers["supply_v"])
    assert macros.adc_bits == numbers["adc_bits"]
    assert accelerator.crossbar.rows_read <= numbers["rows"]
    for key, quantity in accelerator.quantities():
        assert not quantity.source.startswith("source not stated"), key


def test_estimates_show_intervals_and_what_is_not_validated(neuronas: Neuronas, tmp_path: Path) -> None:
    options = ("estimate", ARCH, "--channels", "8", "--max-energy-uj", "9")
    _, out, err = neuronas(*options)
    energy = next(line for line in out.splitlines() if line.startswith("energy "))
    assert "µJ (" in energy
    assert "%" in energy.split("9 µJ")[1]
    assert "expected from measured arrays" in err
    assert "not compared with measured arrays" in err and "% of the latency: digital, NoC\n" in err
    document = json.loads(neuronas(*options, "--json")[1])
    interval = document["intervals"]["energy_uj"]
    assert interval["low"] < document["energy_uj"] < interval["high"]
    parts = sum(document["components"]["energy_uj"][part] for part in ARRAY["energy_uj"])
    assert interval["not_validated"] == pytest.approx(1 - parts / document["energy_uj"])
    bounded = neuronas(*options, "--confidence", "0.9")[1]
    assert "over by" in bounded
    assert json.loads(neuronas(*options, "--cost-model", "paper", "--json")[1])["intervals"] == {}


def test_a_network_on_every_chip(neuronas: Neuronas, tmp_path: Path) -> None:
    options = ("estimate", ARCH, "--channels", "8", "--hardware", "all")
    code, out, _ = neuronas(*options)
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()[1:] if line} == set(ACCELERATORS)
    document = json.loads(neuronas(*options, "--json")[1])
    energies = [chip["energy_uj"] for chip in document["chips"]]
    assert energies == sorted(energies)
    alone = json.loads(neuronas("estimate", ARCH, "--channels", "8", "--hardware", "xue-rram", "--json")[1])
    same = next(chip for chip in document["chips"] if chip["hardware"] == "xue-rram")
    assert (same["energy_uj"], same["intervals"]) == (alone["energy_uj"], alone["intervals"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("estimate", ARCH, "--hardware", "all", "--sweep", "adc_bits=3,4"), "expected one accelerator"),
        (("estimate", ARCH, "--confidence", "0.3"), "confidence"),
        (("estimate", ARCH, "--confidence", "1"), "confidence"),
        (("search", "--hardware", "all"), "accelerator 'all' given; expected one"),
    ],
)
def test_what_makes_no_sense_is_refused(neuronas: Neuronas, options: tuple[str, ...], message: str) -> None:
    code, _, err = neuronas(*options)
    assert code == 2
    assert message in err
    assert err.count("\n") <= 2


def test_what_a_bound_refuses_is_told_by_the_bound(neuronas: Neuronas) -> None:
    """The smallest network takes 3.27 uJ, within 10 uJ, but not for nine chips in ten."""
    code, _, err = neuronas("search", "--channels", "8", "--max-energy-uj", "10", "--confidence", "0.9", "--out", "r")
    assert code == 3
    line = next(line for line in err.splitlines() if line.startswith("energy: limit 10 µJ, smallest candidate"))
    assert float(line.split("smallest candidate ")[1].split()[0]) > 10
    assert "--confidence 0.9" in err


def test_totals_of_many_have_the_arrays_part_of_each(accelerator: Accelerator) -> None:
    model = MappedCostModel(accelerator, 8, 4)
    totals = model.totals(*always(TABLE))
    cost = model.estimate(TABLE)
    assert totals.array_energy_uj == pytest.approx([cost.intervals["energy_uj"].array])
    assert totals.array_latency_ms == pytest.approx([cost.intervals["latency_ms"].array])
