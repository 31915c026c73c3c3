"""The command ``design``: the settings that are searched, resuming every stage, and the result."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import neuronas
from conftest import Neuronas
from neuronas.api.designing.choice import Surveyed, axes_of, survey_plan
from neuronas.api.designing.plan import plan_design
from neuronas.api.reporting.run_facts import read_run
from neuronas.api.searching.search import Search
from neuronas.api.setup.settings import planned
from neuronas.errors import ConfigurationError, DataError, InfeasibleError, RunDirectoryError
from neuronas.fitness.path_and_size import PathAndSize
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Totals
from neuronas.report.design_tables import answer_rows
from neuronas.report.page import report_page
from neuronas.runs.designs import CHOICE, DESIGN, FOLDER, Axes, DesignResult, SettingChoice
from neuronas.runs.directory import HISTORY
from neuronas.runs.finalists import FINALISTS, FinalistChoice
from neuronas.runs.network_setting import NetworkSetting
from neuronas.runs.observer import Advanced, Finished, Started
from neuronas.search.settings import Room, by_fitness, diagonal, rooms
from neuronas.space.notation import parse_architecture

SMALL: dict[str, Any] = {
    "channels_choices": (4, 5), "timesteps": 2, "weight_bits_choices": (4, 8), "algorithm": "snasnet", "n_draws": 16,
    "max_energy_uj": 2.0, "batch_size": 16, "finalists": 3, "finalist_epochs": 1, "finalist_images": 200, "epochs": 2,
    "limit": 1000, "chips": 2, "config": {"data": {"n_test": 60}, "train": {"batch_size": 32}},
}  # fmt: skip
STAGES = ("feasibility", "survey", "search", "finalists", "training", "evaluation", "chips", "export", "report")


def setting(channels: int, timesteps: int, weight_bits: int) -> NetworkSetting:
    return NetworkSetting(channels=channels, timesteps=timesteps, weight_bits=weight_bits)


def room(values: tuple[int, int, int], best: int, fitness: np.ndarray, n_fit: int | None = None) -> Room:
    fits = np.arange(len(fitness)) < (len(fitness) if n_fit is None else n_fit)
    zero = np.zeros(len(fitness))
    return Room(setting(*values), fits, best, float(fitness[best]), Totals(zero, zero, zero, zero))


class Stopping:
    """An observer that interrupts a stage, like Ctrl-C."""

    def __init__(self, stage: str):
        self.stage = stage

    def started(self, event: Started) -> None:
        pass

    def progress(self, event: Advanced) -> None:
        if f", {self.stage}" in event.part.partition(":")[0]:
            raise KeyboardInterrupt

    def finished(self, event: Finished) -> None:
        pass


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DesignResult:
    return neuronas.design(out=tmp_path_factory.mktemp("design") / "run", **SMALL)


def answered(run: Path) -> dict[str, Any]:
    """The result without times and paths."""
    content = json.loads((run / DESIGN).read_text())
    return {
        name: one for name, one in content.items() if name not in ("seconds", "peak_memory_mb", "stages", "directory")
    }


def test_a_design_holds_what_its_contract_names(made: DesignResult) -> None:
    content = json.loads((made.directory / DESIGN).read_text())
    assert {"channels", "timesteps", "weight_bits", "test_accuracy", "chip_accuracy", "verdict", "files"} <= set(
        content
    )
    assert set(json.loads((made.directory / "result.json").read_text())) - {"chosen_by"} <= set(content)
    assert tuple(one.name for one in made.stages) == STAGES
    assert all((made.directory / file).exists() for file in made.files.values())
    assert made.test_accuracy.low is not None and made.test_accuracy.low <= made.test_accuracy.value
    assert made.integer is not None and made.integer.n_images == made.n_test
    assert abs(made.n_test - 60) < 5 and made.n_chips == 2  # the same share of each class


def test_the_answer_is_what_its_finalists_learned(made: DesignResult) -> None:
    learned = FinalistChoice.read(made.directory / FOLDER / FINALISTS)
    leader = learned.leader
    assert leader is not None and leader.setting == made.setting and leader.architecture == made.architecture
    assert leader.energy_uj == pytest.approx(made.cost.energy_uj)
    choice = SettingChoice.read(made.directory / FOLDER / CHOICE)
    assert {one.setting for one in learned.finalists} == {one.setting for one in choice.searched}
    again = neuronas.estimate(
        made.architecture, channels=made.channels, timesteps=made.timesteps, weight_bits=made.weight_bits
    )
    assert again.cost.energy_uj == made.cost.energy_uj <= 2.0


def test_a_design_is_a_run(made: DesignResult) -> None:
    assert neuronas.load(made.directory).settings.timesteps == made.timesteps
    facts = read_run(made.directory, "one")
    assert facts.design is not None and facts.finalists is not None and not facts.changed_costs
    page = report_page(facts)
    assert all(one.partition("(")[0] in page for _, findings in answer_rows(facts.design) for one in findings)


def test_alternatives_are_costs_of_the_same_cells(made: DesignResult) -> None:
    assert {one.is_larger for one in made.alternatives} == {True, False}
    for one in made.alternatives:
        cost = neuronas.estimate(made.architecture, **one.setting.plain()).cost
        assert (one.parameters, one.energy_uj) == (cost.parameters, cost.energy_uj)
        assert bool(one.needs) == (cost.energy_uj > 2.0)
        if one.needs:
            assert float(one.needs.split()[1]) >= cost.energy_uj


def test_every_stage_can_be_interrupted_and_resumed(made: DesignResult, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for number, stage in enumerate(STAGES):
        with pytest.raises(KeyboardInterrupt):
            neuronas.design(out=run, resume=number > 0, observer=Stopping(stage), **(SMALL if not number else {}))
        assert not (run / "report.html").exists()
    assert neuronas.design(out=run, resume=True).setting == made.setting
    assert answered(run) == answered(made.directory)


def test_a_design_that_has_ended_is_only_read(made: DesignResult) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.directory.rglob("*.json")}
    known = DesignResult.read(made.directory / DESIGN)
    assert neuronas.design(out=made.directory, resume="auto") == known
    assert neuronas.design(out=made.directory, resume=True, **SMALL) == known  # the same settings again
    assert before == {path: path.stat().st_mtime_ns for path in made.directory.rglob("*.json")}


def test_another_verb_does_not_replace_the_answer(made: DesignResult) -> None:
    with pytest.raises(RunDirectoryError, match=r"holds a design.*neuronas design --resume"):
        neuronas.search(out=made.directory, resume=True)
    with pytest.raises(RunDirectoryError, match="holds a design already; resume it with --resume"):
        neuronas.design(out=made.directory, **SMALL)


def test_other_choices_are_refused_when_resuming(made: DesignResult, tmp_path: Path) -> None:
    copy = copytree(made.directory, tmp_path / "copy")
    with pytest.raises(RunDirectoryError, match=r"design.channels_choices was .*choose another --out"):
        plan_design({"channels_choices": (4, 6)}, out=copy, resume=True)
    for options, changed in (
        ({"epochs": 3}, "train.epochs was 2, now 3"),
        ({"limit": 900}, "train.n_images was 1000, now 900"),
        ({"chips": 9}, "chip.n_chips was 2, now 9"),
    ):
        for same in ({}, SMALL):  # the settings of the design, and the same ones given again
            with pytest.raises(RunDirectoryError, match=f"was started with other settings: {changed}"):
                neuronas.design(out=copy, resume=True, **{**same, **options})
    assert plan_design({"epochs": 2, "chips": 2}, out=copy, resume=True).finished is not None


@pytest.mark.slow
def test_images_in_memory_are_given_to_every_stage(tmp_path: Path) -> None:
    labels = np.arange(240) % 3
    noise = np.random.default_rng(0).random((240, 8, 8, 1)) * 60
    images = (noise + 70 * labels[:, None, None, None]).astype(np.uint8)
    data = neuronas.InMemoryDataSet((images, labels), (images[:60], labels[:60]))
    made = neuronas.design(
        dataset=data, out=tmp_path / "run", channels_choices=(4, 5), timesteps=2, weight_bits=8, algorithm="snasnet",
        n_draws=8, finalists=2, finalist_epochs=1, epochs=6, chips=1, batch_size=16,
        config={"train": {"batch_size": 8}},
    )  # fmt: skip
    assert made.n_test == 60 and made.dataset.startswith("memory:")


def test_nothing_fits(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError) as caught:
        neuronas.design(out=tmp_path / "run", **{**SMALL, "max_energy_uj": 0.01})
    assert caught.value.advice.broken[0].name == "energy_uj"
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 2000}, "1,438 training images given; expected at least 2,000"),
        ({"config": {"train": {"batch_size": 160}}}, "finalists have 150 images to learn from and 50 to be compared"),
    ],
)
def test_too_few_images_are_found_before_anything_is_written(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        neuronas.design(out=tmp_path / "run", **{**SMALL, **options})
    assert not (tmp_path / "run").exists(), "the design can be started again in the same directory"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 8, "channels_choices": (4, 8)}, "--channels 8 given with --channels-choices"),
        ({"weight_bits_choices": (17,)}, "17 given; expected numbers from 2 to 16 or 32"),
        ({"channels_choices": (8, 8)}, "a number given twice"),
        ({"timesteps_choices": "2;3"}, "expected whole numbers with commas between them"),
        ({"weight_bits": 32}, "weight bits 32 given with export format integer"),
        ({"formats": ("integr",)}, "integr"),
        ({"finalists": 1}, "finalists"),
        ({"twin": True}, "twin"),
    ],
)
def test_wrong_settings_are_one_line(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan_design(options, out=tmp_path / "run")
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_one_value_fixes_an_axis() -> None:
    free = plan_design({})
    assert free.axes == Axes(channels=(16, 12, 8, 6, 4), timesteps=(5, 4, 3, 2), weight_bits=(8, 6, 4))
    assert plan_design({"channels": 8, "timesteps_choices": "2,4"}).axes == Axes(
        channels=(8,), timesteps=(4, 2), weight_bits=(8, 6, 4)
    )


def test_dry_run_says_what_would_be_done(neuronas: Neuronas) -> None:
    code, said, _ = neuronas("design", "--dry-run", "--json", "--channels", "4")
    content = json.loads(said)
    assert code == 0 and content["axes"]["channels"] == [4] and content["n_settings"] == 12


@pytest.mark.slow
def test_a_dead_network_ends_with_a_page_and_a_verdict_that_says_so(tmp_path: Path) -> None:
    one = {"channels_choices": (4,), "weight_bits_choices": (4,), "max_energy_uj": None}
    brief = {"n_draws": 4, "finalists": 2, "limit": 200, "epochs": 1, "chips": 1, "formats": "integer,onnx"}
    found = neuronas.design(**SMALL | one | brief, v_threshold=1e6, out=tmp_path / "run")
    assert found.verdict.startswith("the network is dead: it gives all ")
    assert found.verdict.endswith("; exported and verified, which says little")
    assert "the network is dead" in (tmp_path / "run" / "report.html").read_text()


def test_settings_by_size_by_hand() -> None:
    fitness = np.arange(100.0)
    found = [
        room((16, 5, 4), 99, fitness),
        room((16, 3, 6), 99, fitness),
        room((16, 2, 6), 99, fitness),  # smaller in everything than the one above
        room((16, 5, 8), 10, fitness),  # none of the ten fittest fits
        room((12, 5, 6), 95, fitness),
        room((8, 5, 8), 99, fitness),
        room((8, 4, 8), 98, fitness),
    ]
    places = [one.setting for one in diagonal(found, fitness)]
    assert places == [setting(16, 5, 4), setting(16, 3, 6), setting(12, 5, 6), setting(8, 5, 8)]
    assert diagonal([], fitness) == []


def test_settings_by_fitness_by_hand() -> None:
    fitness = np.arange(100.0)
    found = [
        room((16, 2, 6), 60, fitness),  # exceeded by the next one
        room((16, 3, 6), 70, fitness),
        room((12, 5, 6), 80, fitness),
        room((8, 5, 8), 80, fitness),
        room((8, 4, 8), 90, fitness),
        room((4, 5, 8), 10, fitness),  # exceeded, and fits none of the fittest
    ]
    places = [one.setting for one in by_fitness(found)]
    assert places == [setting(8, 4, 8), setting(12, 5, 6), setting(8, 5, 8), setting(16, 3, 6)]
    assert by_fitness([]) == []


def test_the_default_fitness_ranks_each_candidate_at_each_setting(tmp_path: Path) -> None:
    run = planned("design", {"dataset": "digits", "max_energy_uj": 5.0})
    axes = axes_of(run, is_resumed=False)
    Search(tmp_path / "survey", survey_plan(run, axes), resume=False).run(None, download=False, scan_images=False)
    surveyed = Surveyed.read(run, tmp_path / "survey" / HISTORY)
    choice = surveyed.choice(axes)
    values = [one.fitness for one in choice.contenders]
    assert values == sorted(values, reverse=True) and len(set(values)) > 1
    first = choice.contenders[0]
    measure, candidates = run.at(first.setting).measure, surveyed.candidates
    assert isinstance(measure, PathAndSize)
    cells = candidates.fitness[candidates.architectures.index(first.architecture)]
    assert first.fitness == pytest.approx(measure.sized(float(cells), parse_architecture(first.architecture)))


@given(
    st.lists(
        st.tuples(st.sampled_from((2, 4, 8)), st.integers(1, 3), st.sampled_from((4, 8)), st.integers(0, 29)),
        min_size=1, max_size=8, unique_by=lambda one: one[:3],
    )
)  # fmt: skip
def test_whatever_is_left_out_is_equalled(values: list[tuple[int, int, int, int]]) -> None:
    fitness = np.arange(30.0)
    found = [room(one[:3], one[3], fitness, one[3] + 1) for one in values]
    kept = diagonal(found, fitness)
    fits_best = max(one.fitness for one in found)
    assert any(one.fitness == fits_best for one in kept)
    for one in found:
        if one not in kept and one.fitness > fits_best - 10:  # ten of the fittest functions are enough
            mine = (*one.setting.plain().values(), one.fitness)
            others = [(*other.setting.plain().values(), other.fitness) for other in kept]
            assert any(all(a >= b for a, b in zip(other, mine, strict=True)) for other in others)


def test_rooms_by_hand() -> None:
    def values_at(one: NetworkSetting) -> tuple[Totals, Any]:
        energy = np.array([1.0, 2.0, 3.0]) * one.channels
        return Totals(energy * 0, energy * 0, energy * 0, energy), np.array([1.0, 2.0, np.nan]) * one.channels * energy

    settings = [setting(1, 1, 8), setting(2, 1, 8), setting(9, 1, 8)]
    found = rooms(settings, values_at, Budget(max_energy_uj=4.0))
    assert [(one.setting.channels, one.best, one.fitness, one.fits.tolist()) for one in found] == [
        (1, 1, 4.0, [True, True, False]),  # the third has no fitness
        (2, 1, 16.0, [True, True, False]),
    ]
