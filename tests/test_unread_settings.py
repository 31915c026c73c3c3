"""Settings that a user gave although the chosen algorithm, cost model, data set, … does not read them."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from conftest import Neuronas, chain
from neuronas.api.designing.plan import plan_design
from neuronas.api.searching.search import plan_search
from neuronas.api.training.train import plan_training
from neuronas.config import SETTINGS, SearchConfig
from neuronas.config.unread_settings import expected_of
from neuronas.hardware.budget import Budget
from neuronas.search.algorithms.base import Algorithm, Proposals
from neuronas.space.spaces import Space


def unread_of(caplog: pytest.LogCaptureFixture, plan: Callable[[], object]) -> list[str]:
    """Warnings of a plan."""
    caplog.clear()
    plan()
    return [one.getMessage() for one in caplog.records]


def test_given_settings_without_effect_are_named(caplog: pytest.LogCaptureFixture) -> None:
    drawn = {"n_draws": 10, "population": 7}
    said = unread_of(caplog, lambda: plan_search(drawn))
    assert said == [
        "algorithm 'neuronas' reads no n_draws; --algorithm snasnet or evolution does",
        "algorithm 'neuronas' reads no population; --algorithm evolution does",
    ]
    assert unread_of(caplog, lambda: plan_design(drawn | {"population": None})) == said[:1]
    assert unread_of(caplog, lambda: plan_search(drawn, config={"search": {"algorithm": "evolution"}})) == []
    assert unread_of(caplog, lambda: plan_search({"n_draws": 5000})) == [], "the default changes nothing"


@pytest.mark.parametrize(
    ("assignments", "line"),
    [
        (["network.n_voters=3", "network.head_width=9"], "head 'gap' reads no head_width or n_voters; --head linear"),
        (["events.crop=3", "train.event_drop=0.1"], "data set 'digits' reads no event_drop or event_crop; --dataset"),
        (["data.data_dir=x"], "data set 'digits' reads no data_dir; --dataset cifar10 does"),
        (["network.weight_bits=32", "network.rounding=floor"], "rounding has no effect with weight_bits 32"),
        (["fitness.exact=true", "fitness.screen_keep=0.2"], "has no effect with exact on; expected --no-exact"),
        (["search.algorithm=evolution", "fitness.screen_keep=0.2"], "algorithm 'evolution' reads no screen_keep; "),
        (["engine.name=reference", "engine.memory_limit_gib=4"], "engine 'reference' reads no memory_limit; --engine"),
        (["search.finalist_eta=3"], "finalist_eta has no effect with finalists 0; expected --finalists K"),
        (["train.border=reflect"], "augment 'none' reads no border; --augment shift or flip"),
        (["train.full_from=0.5"], "full_from has no effect with early_side 1; expected less than 1"),
        (["train.timesteps_from=0.5"], "timesteps_from has no effect with early_timesteps 0"),
        (["train.teacher_share=0.5"], "teacher_share has no effect with teacher none; expected --teacher RUN"),
        (["hardware.cost_model=paper", "hardware.replication=2"], "cost model 'paper' reads no replication; "),
    ],
)  # fmt: skip
def test_each_need_of_a_setting(assignments: list[str], line: str, caplog: pytest.LogCaptureFixture) -> None:
    said = unread_of(caplog, lambda: plan_search({}, assignments=assignments))
    assert len(said) == 1 and line in said[0]


def test_a_plug_in_declares_what_its_algorithm_reads(caplog: pytest.LogCaptureFixture) -> None:
    def propose(space: Space, random: Random, settings: SearchConfig) -> Proposals:
        yield [space.random_architecture(random)]

    reads = Algorithm(propose, Budget(), "mine", reads=frozenset({"search.population"}))
    given = {"n_draws": 3, "population": 3}
    assert "reads no n_draws" in unread_of(caplog, lambda: plan_search({**given, "algorithm": reads}))[0]
    assert unread_of(caplog, lambda: plan_search({**given, "algorithm": propose})) == [], "it declares nothing"


def test_a_run_file_as_settings_of_another_run_names_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = plan_search({}).plan.config
    assert unread_of(caplog, lambda: plan_search({}, config=whole.model_dump())) == []


def test_what_a_setting_needs_exists() -> None:
    for one in SETTINGS.values():
        for needs in one.meaning.needs:
            other = SETTINGS[needs.path]
            assert set(map(str, needs.values)) <= {*other.choices, "True", "False"}, one.path
            is_declared = not needs.values and needs.is_met is None
            assert not is_declared or needs.expected or expected_of(needs, one.path, SETTINGS), one.path


def test_each_command_names_what_it_was_given_once(neuronas: Neuronas, caplog: pytest.LogCaptureFixture) -> None:
    line = "head 'gap' reads no n_voters; --head linear does"
    given = ("--set", "network.n_voters=3")
    for command in (("search", "--dry-run"), ("design", "--dry-run"), ("train", chain(1), "--dry-run"),
                    ("estimate", chain(1)), ("fit", chain(1))):  # fmt: skip
        caplog.clear()
        assert neuronas(*command, *given)[0] == 0
        assert [one.getMessage() for one in caplog.records] == [line], command
    caplog.clear()
    plan_training(chain(1), {}, config={"search": {"n_draws": 3}})
    assert not caplog.records, "a file of settings may be for several commands"


def test_a_preset_given_with_a_run_names_what_it_does_not_change(
    neuronas: Neuronas, caplog: pytest.LogCaptureFixture
) -> None:
    small = ("--channels", 2, "--timesteps", 1, "--batch-size", 8)
    assert neuronas("search", *small, "--algorithm", "snasnet", "--n-draws", 2, "--out", "run", "--quiet")[0] == 0
    caplog.clear()
    assert neuronas("train", "run", "--preset", "paper", "--out", "other", "--dry-run")[0] == 0
    (said,) = [one.getMessage() for one in caplog.records]
    assert said.startswith("preset paper does not change network.head or ") and "hardware.cost_model" in said
    assert "train.recipe" not in said, "which the run has not resolved yet"
