"""Whether a budget can be met, the explanation if it cannot, and presets."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

import neuronas
from neuronas.api.estimating.feasibility import feasibility_of, fitting_width
from neuronas.api.searching.search import plan_search
from neuronas.api.setup.compose import plan
from neuronas.cli.main import run as command
from neuronas.config import SETTINGS, SPACES, as_options, given, value_at, written
from neuronas.errors import InfeasibleError
from neuronas.runs.infeasible import Infeasible
from neuronas.search.feasibility import lean_architectures
from neuronas.space.spaces import load_space

DRAWS = ("--algorithm", "snasnet", "--n-draws", "12", "--batch-size", "16")
ARCH = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"


@pytest.mark.parametrize("name", SPACES)
def test_lean_architectures_compute_something(name: str) -> None:
    space = load_space(name)
    found = lean_architectures(space)
    assert found
    for architecture in found:
        space.check(architecture)
        n_weighted = [sum(edge.kind.has_neurons for edge in cell.edges) for cell in architecture.cleaned.cells]
        assert set(n_weighted) == {1}


def test_the_width_follows_the_budget_only_where_it_was_not_given() -> None:
    limit = {"budget": {"max_energy_uj": 4.0}}
    run = plan(given(limit, "test"))
    width = fitting_width(run)
    assert width is not None and width < run.config.network.channels
    feasibility = feasibility_of(run)
    assert feasibility.fits(replace(feasibility.base, channels=width))
    assert not feasibility.fits(replace(feasibility.base, channels=width + 1))
    assert fitting_width(plan(given({**limit, "network": {"channels": 16}}, "test"))) is None
    assert fitting_width(plan(given({}, "test"))) is None
    planned = plan_search({"max_energy_uj": 4.0})
    assert (planned.plan.config.network.channels, planned.own_channels) == (width, run.config.network.channels)


def test_the_mildest_change_is_that_of_brute_force() -> None:
    run = plan(given({"network": {"channels": 16, "head": "linear"}, "budget": {"max_energy_uj": 5.0}}, "test"))
    feasibility = feasibility_of(run)
    found = feasibility.mildest()
    assert found is not None and feasibility.fits(found)
    base = feasibility.base
    milder = (
        replace(base, head=head, timesteps=steps, channels=channels, weight_bits=bits)
        for head in ("linear", "gap")
        for steps in range(1, 6)
        for channels in (16, 12, 8, 6, 4)
        for bits in (8, 6, 4)
    )
    taken = feasibility.taken(found)
    assert not [one for one in milder if feasibility.taken(one) < taken - 1e-9 and feasibility.fits(one)]


def test_where_nothing_fits_the_command_that_is_given_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--channels", "16", "--max-energy-uj", "3", "--set", "network.tau=2", "--seed", "1")
    assert command(["search", *DRAWS, *options, "--out", "run", "--json"]) == 3
    out, err = capsys.readouterr()
    advice = Infeasible.parse(out, "standard output")
    assert advice == Infeasible.read(tmp_path / "run" / "infeasible.json")
    assert "none of 12 candidates fits the budget" in err
    (broken,) = advice.broken
    assert (broken.name, broken.limit, broken.is_impossible) == ("energy_uj", 3, False)
    assert sum(broken.shares.values()) == pytest.approx(1)
    assert broken.useful > 3
    assert advice.command is not None and advice.changes
    assert "network.tau=2" in advice.command
    _, verb, *rest = shlex.split(advice.command)
    assert (verb, command([verb, *rest, "--out", "again", "--quiet"])) == ("search", 0)
    for knob in advice.knobs:
        assert set(knob.smallest) == {"energy_uj"}
        assert knob.fits == (knob.smallest["energy_uj"] <= 3)


def test_the_limits_that_are_said_to_be_enough_are(tmp_path: Path) -> None:
    options = {"channels": 8, "algorithm": "snasnet", "n_draws": 4, "batch_size": 16}
    with pytest.raises(InfeasibleError) as caught:
        neuronas.search(**options, max_energy_uj=2.0, max_area_mm2=9.0, out=tmp_path / "r")
    advice = caught.value.advice
    assert isinstance(advice, Infeasible)
    assert set(advice.enough) == {"energy_uj", "area_mm2"}
    assert f"with {advice.enough_options}: fits, nothing else changed" in advice.lines()
    words = advice.enough_options.split()
    assert words[::2] == ["--max-area-mm2", "--max-energy-uj"]
    limits = dict(zip(("max_area_mm2", "max_energy_uj"), map(float, words[1::2]), strict=True))
    for shrink, fits in ((1.0, True), (0.999, False)):
        budget = {name: limit * shrink for name, limit in limits.items()}
        feasibility = feasibility_of(plan(given({"network": {"channels": 8}, "budget": budget}, "test")))
        assert feasibility.fits(feasibility.base) == fits
        assert (feasibility.enough() == {}) == fits


def test_the_papers_limits_are_out_of_reach_of_the_papers_network_with_the_other_model() -> None:
    values = {"preset": "paper", "hardware": {"cost_model": "mapped"}, "data": {"name": "cifar10"}}
    run = plan(given(values, "test"))
    assert fitting_width(run) is None  # the papers' setting keeps its width
    feasibility = feasibility_of(run)
    rows = feasibility.rows_of_smallest("parameters")
    head = sum(row.layer.n_weights for row in rows if row.layer.name.startswith("head"))
    assert head == 256 * 8 * 8 * 1024 + 1024 * 10 * 10 > run.budget.limits["parameters"]
    for name, energy in (("linear", 4353.3), ("gap", 1448.4)):  # skip connections only
        skips = neuronas.estimate(
            "|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|", dataset="cifar10", channels=128, head=name
        )
        assert skips.cost.energy_uj == pytest.approx(energy, abs=0.1)
    found = feasibility.mildest()
    assert found is not None and (found.head, found.channels) == ("gap", 128)


def test_an_impossible_budget_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError) as caught:
        neuronas.search(channels=8, algorithm="snasnet", n_draws=4, batch_size=16, max_area_mm2=0.5, out=tmp_path / "r")
    advice = caught.value.advice
    assert isinstance(advice, Infeasible)
    assert (advice.command, advice.changes, advice.broken[0].is_impossible) == (None, None, True)
    lines = "\n".join(advice.lines())
    assert "impossible on this chip" in lines
    assert "at least one tile of" in lines
    assert lines.endswith("without a larger budget, no combination of these changes fits")


def test_a_limit_that_one_model_keeps_and_the_other_breaks_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    found = neuronas.estimate(ARCH, channels=8, max_area_mm2=12.0)
    other = found.report.other_model
    assert (found.plan.cost_model.name, other.cost_model) == ("mapped", "paper")
    assert other.area_mm2 < 12 < found.cost.area_mm2
    assert other.area_mm2 == neuronas.estimate(ARCH, channels=8, cost_model="paper").cost.area_mm2
    assert other.violations == {}
    assert command(["estimate", ARCH, "--channels", "8", "--max-area-mm2", "12", "--quiet"]) == 0
    assert "area: the budget of 12 mm² is kept by cost model 'paper' and broken by 'mapped'" in capsys.readouterr().out


def test_a_preset_stands_under_what_is_given() -> None:
    config = plan(given({"preset": "paper", "network": {"head": "gap"}}, "test")).config
    assert (config.hardware.cost_model, config.network.head, config.fitness.name) == ("paper", "gap", "sahd")
    assert (config.fitness.exact, config.train.recipe, config.train.epochs) == (True, "paper", 200)
    assert plan(given({}, "test")).config.hardware.cost_model == "mapped"


def test_what_was_given_can_be_typed_again() -> None:
    values = {
        "data": {"name": "imagefolder:my photos", "image_side": "24x32"},
        "network": {"tau": 1.7, "head": "linear"},
        "fitness": {"exact": True},
        "budget": {"max_energy_uj": 0.1},
        "chip": {"without": "adc,read_noise"},
        "plugins": ("a.py", "b"),
    }
    config = given(values, "test")
    typed = as_options(config, "search")
    assert typed[typed.index("--image-side") :][:2] == ["--image-side", "24x32"]
    assert "--exact" in typed and typed.count("--plugin") == 2
    assert "network.tau=1.7" in typed and "chip.without=adc,read_noise" in typed
    for path in ("data.name", "budget.max_energy_uj"):
        assert str(value_at(written(config), path)) == typed[typed.index(SETTINGS[path].flag) + 1]
