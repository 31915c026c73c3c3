"""The experiment ``hardware``: every printed figure with its verdict, from the command line."""

import json
from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from conftest import Neuronas
from neuronas.config import DATASETS as KNOWN_DATASETS
from neuronas.experiments import hardware
from neuronas.experiments.catalogue import STUDIES
from neuronas.experiments.consistency import End, Network, largest_choices
from neuronas.experiments.hardware_networks import full_width_cost, largest_parameters, searched, snasnet_networks
from neuronas.experiments.hardware_result import CONTRADICTS, IMPOSSIBLE, REPRODUCED, JudgedFigure
from neuronas.experiments.published import DATASETS, published
from neuronas.experiments.study import experiments
from neuronas.hardware.units import UNITS
from neuronas.space.notation import parse_architecture

CIFAR_10, CIFAR_100, TINY = DATASETS.values()


@pytest.fixture(scope="module")
def rows() -> list[JudgedFigure]:
    return hardware.judged(published().select("hardware"))


def of(rows: Sequence[JudgedFigure], network: str, dataset: str, quantity: str) -> JudgedFigure:
    return next(row for row in rows if (row.network, row.dataset, row.quantity) == (network, dataset, quantity))


def test_what_is_not_reproduced_is_what_the_paper_contradicts_itself_in(rows: list[JudgedFigure]) -> None:
    wrong = {(row.network, row.dataset, row.quantity): row.verdict for row in rows if row.verdict != REPRODUCED}
    assert wrong == {
        ("NeuroNAS", CIFAR_10, "area_mm2, low"): IMPOSSIBLE,
        ("NeuroNAS", CIFAR_10, "energy_uj, low"): IMPOSSIBLE,
        ("NeuroNAS", CIFAR_10, "parameters, high"): CONTRADICTS,
        ("NeuroNAS", CIFAR_100, "parameters, high"): CONTRADICTS,
        ("NeuroNAS", TINY, "energy saved, low"): CONTRADICTS,
        ("SNASNet", TINY, "parameters"): CONTRADICTS,
        ("SNASNet", CIFAR_10, "latency_ms, above"): CONTRADICTS,
        ("SNASNet", CIFAR_100, "latency_ms, above"): CONTRADICTS,
        ("accelerator", "", "crossbar.base_weight_bits"): CONTRADICTS,
    }
    assert len(rows) == 67


def test_the_notes_say_what_speaks_against_a_figure(rows: list[JudgedFigure]) -> None:
    assert "621.9 ms" in of(rows, "NeuroNAS", CIFAR_100, "parameters, high").note
    assert "127 µJ" in of(rows, "NeuroNAS", CIFAR_10, "area_mm2, low").note
    assert of(rows, "NeuroNAS", TINY, "energy saved, low").ours == pytest.approx(100 * (1 - 644 / 1696))
    assert "7,694" in of(rows, "accelerator", "", "crossbar.base_weight_bits").note
    assert of(rows, "NeuroNAS, headline", "", "area saved").note == "by (4, 0) at FxP8"


def test_which_figures_meet_the_budget(rows: list[JudgedFigure]) -> None:
    missed = {(row.dataset, row.quantity) for row in rows if row.meets_budget is False}
    energy, latency = ("energy_uj", "energy_uj, above"), ("latency_ms", "latency_ms, above")
    assert missed == {*product(DATASETS.values(), energy), *product([TINY], latency)}
    assert {row.network for row in rows if row.meets_budget is False} == {"SNASNet"}


def test_every_printed_figure_is_judged_or_left_out_with_a_reason() -> None:
    result = hardware.run()
    said = [row.figure for row in result.rows] + [one.figure for one in result.left_out]
    assert sorted(said) == sorted(one.name for one in published().figures)
    assert len(set(said)) == len(said)
    assert all(one.reason for one in result.left_out)
    assert sum(result.verdicts.values()) == result.n_figures == len(result.rows)
    assert all(row.difference == (None if row.ours is None else row.ours - row.published) for row in result.rows)


def test_figures_in_the_file_name_what_there_is() -> None:
    figures = published().figures
    assert all(one.unit == UNITS[one.quantity] for one in figures if one.quantity in UNITS)
    assert {one.dataset for one in figures} <= {"", *DATASETS.values()}
    assert set(DATASETS) <= set(KNOWN_DATASETS)
    assert {one.experiment for one in figures} <= {"", *experiments()}
    assert all(one.note for one in figures if not one.experiment)
    assert {study.name for study in STUDIES} <= set(experiments())


def test_networks_by_hand() -> None:
    # stem 3*128*9, four convolutions 128*128*9, reduction 128*256*9
    headline = next(one for one in searched([8]) if one.name == "(4, 0)")
    assert headline.values["parameters"] == 3 * 128 * 9 + 4 * 128 * 128 * 9 + 128 * 256 * 9 == 888_192
    # the same and per cell 2 of 3x3 and 2 of 1x1
    name = "4 convolutions in either cell, 2 of them 3x3"
    snasnet = next(one for one in snasnet_networks() if one.name == name)
    assert snasnet.values["parameters"] == 298_368 + 20 * (128**2 + 256**2) == 1_936_768
    assert largest_parameters() == 298_368 + 54 * (128**2 + 256**2)


@pytest.mark.parametrize("bits", [4, 16])
def test_all_networks_at_once_cost_what_each_costs_alone(bits: int) -> None:
    conv, skip = "conv_3x3", "skip"
    for one in searched([bits])[::5]:
        numbers = map(int, one.name.strip("()").split(", "))
        texts = ([conv] * n + [skip] * (6 - n) for n in numbers)
        cells = ("|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*names) for names in texts)
        cost = full_width_cost(parse_architecture(" / ".join(cells)), bits)
        assert {name: getattr(cost, name) for name in one.values} == pytest.approx(one.values)


def network(bits: int, area: float, energy: float) -> Network:
    return Network("x", bits, {"area": area, "energy": energy})


def test_two_figures_that_need_one_precision_need_one_network() -> None:
    ends = [End("area", 26, 1, "low"), End("energy", 127, 1, "low"), End("area", 90, 1, "high")]
    apart = [network(4, 26.6, 130.0), network(4, 27.0, 127.2), network(8, 90.5, 300.0)]
    assert [set(choice) for choice in largest_choices(ends, apart)] == [{0, 2}, {1, 2}]
    assert set(largest_choices(ends, [*apart, network(4, 26.0, 127.9)])[0]) == {0, 1, 2}
    # no network may be below the lower end: 26 mm² with 110 µJ is not enough
    assert [set(one) for one in largest_choices(ends, [network(4, 26.6, 110.0), apart[1], apart[2]])] == [
        {0, 2},
        {1, 2},
    ]


def test_a_precision_without_a_network_that_fits_rules_a_figure_out() -> None:
    ends = [End("area", 50, 1, "high"), End("energy", 5, 1, "low")]
    found = largest_choices(ends, [network(4, 50.5, 5.5), network(8, 60.0, 9.0)])
    assert [set(one) for one in found] == [{1}]


values = st.integers(0, 3).map(float)


@given(
    st.lists(st.builds(network, st.sampled_from([4, 8]), values, values), min_size=1, max_size=6),
    st.lists(
        st.builds(End, st.sampled_from(["area", "energy"]), values, st.just(1.0), st.sampled_from(["low", "high", ""])),
        min_size=1,
        max_size=4,
    ),
)
def test_the_largest_sets_are_those_of_trying_all_networks(networks: list[Network], ends: list[End]) -> None:
    by_bits = [[one for one in networks if one.weight_bits == bits] for bits in {one.weight_bits for one in networks}]
    found: list[frozenset[int]] = []
    for chosen in product(*by_bits):
        given_by = [i for i, end in enumerate(ends) if any(map(end.gives, chosen))]
        some = (frozenset(part) for size in range(len(given_by) + 1) for part in combinations(given_by, size))
        found += [part for part in some if all(ends[i].keeps(one) for i in part for one in chosen)]
    most = max(map(len, found))
    expected = {one for one in found if len(one) == most} if most else set()
    assert {frozenset(choice) for choice in largest_choices(ends, networks)} == expected


def test_a_saving_is_judged_by_the_papers_own_figures() -> None:
    figures = [
        one.model_copy(update={"value": 93.0}) if one.quantity == "energy saved" and one.end == "low" else one
        for one in published().select("hardware")
    ]
    changed = hardware.judged(figures)
    assert all(row.verdict == CONTRADICTS for row in changed if row.quantity == "energy saved, low")


def test_a_figure_of_no_network_is_impossible() -> None:
    figures = [
        one.model_copy(update={"value": 1.0}) if one.key == ("NeuroNAS", CIFAR_100, "area_mm2", "low") else one
        for one in published().select("hardware")
    ]
    row = of(hardware.judged(figures), "NeuroNAS", CIFAR_100, "area_mm2, low")
    assert (row.verdict, row.ours, row.difference, row.meets_budget) == (IMPOSSIBLE, None, None, True)


def test_the_command_keeps_its_result(neuronas: Neuronas, tmp_path: Path) -> None:
    code, out, err = neuronas("reproduce", "hardware", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert {"figure", "published", "ours", "difference", "verdict", "meets_budget"} <= set(document["rows"][0])
    assert json.loads((tmp_path / "results" / "hardware.json").read_text()) == document
    code, out, _ = neuronas("reproduce", "hardware")
    assert code == 0
    assert "634.63" in out
    assert "1,280,000   1,281,408       1,408  reproduced" in out  # a count has no decimals
    assert "only (6, 6) gives it: latency 621.9 ms" in out
    assert "15 more: neuronas reproduce precision compares it" in out
    assert "hardware" in neuronas("reproduce", "--list")[1]
