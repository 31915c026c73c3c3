"""Finalists of a search: their selection, their training, and that a resumed choice is the same."""

import json
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

import neuronas
from conftest import Neuronas
from neuronas.api.reporting.run_facts import read_run
from neuronas.api.searching.finalist_training import discard_finalists
from neuronas.errors import DataError, DivergedError, RunDirectoryError, VerificationError
from neuronas.report.comparison import runs_table
from neuronas.report.finalist_tables import difference, finalists_table
from neuronas.report.live import LiveRun
from neuronas.report.page import report_page
from neuronas.report.verdict import verdict
from neuronas.runs.finalists import FINALISTS, Finalist, FinalistChoice, Rung, total_epochs
from neuronas.runs.history import History
from neuronas.runs.history_file import CandidateRow
from neuronas.runs.intervals import difference_95
from neuronas.runs.metrics import read_epochs
from neuronas.runs.observer import Advanced, FinalistTrained, Finished, Started
from neuronas.runs.results import SearchSummary
from neuronas.search.halving import fittest, rungs
from recorder import Recorder
from report_runs import make_run

SMALL: dict[str, Any] = {
    "channels": 4, "timesteps": 2, "algorithm": "snasnet", "n_draws": 12, "batch_size": 16,
    "config": {"train": {"batch_size": 128}},
}  # fmt: skip
THREE: dict[str, Any] = {"finalists": 3, "finalist_epochs": 2, "finalist_images": 400}  # two steps an epoch


def finalist(rank: int, *accuracies: float, failed: str | None = None) -> Finalist:
    costs = {"parameters": 1, "area_mm2": 1.0, "latency_ms": 1.0, "energy_uj": 1.0}
    return Finalist(rank=rank, architecture=f"a{rank}", fitness=-rank, accuracies=accuracies, failed=failed, **costs)


def choice(*finalists: Finalist, n_validation: int = 100) -> FinalistChoice:
    return FinalistChoice(
        asked=4, eta=2, n_training=300, n_validation=n_validation, weight_bits=8, seed=0, seconds=0.0,
        rungs=rungs(4, 2, 4), finalists=finalists, question="", identity="",
    )  # fmt: skip


def learned(run: Path) -> tuple[Any, ...]:
    """The training results of finalists, without times."""
    document = FinalistChoice.read(run / FINALISTS)
    curves = [
        [
            row.model_dump(exclude={"images_per_s"})
            for row in read_epochs(run / "finalists" / one.folder / "metrics.jsonl")
        ]
        for one in document.finalists
    ]
    summary = json.loads((run / "result.json").read_text())
    answer = [summary[name] for name in ("architecture", "fitness", "cost", "chosen_by")]
    return document.model_dump(exclude={"seconds"}), curves, answer, (run / "architecture.json").read_text()


@pytest.mark.parametrize(
    ("n", "eta", "epochs", "expected"),
    [
        (8, 2, 12, [(8, 3), (4, 6), (2, 12)]),
        (9, 3, 9, [(9, 3), (3, 9)]),
        (5, 2, 8, [(5, 2), (3, 4), (2, 8)]),
        (2, 2, 3, [(2, 3)]),
        (8, 2, 2, [(8, 1), (2, 2)]),  # a rung of half an epoch is omitted
        (8, 2, 1, [(8, 1)]),
        (1, 2, 8, []),
        (0, 2, 8, []),
    ],
)
def test_rungs_by_hand(n: int, eta: int, epochs: int, expected: list[tuple[int, int]]) -> None:
    assert [(rung.n, rung.epochs) for rung in rungs(n, eta, epochs)] == expected


def test_a_rung_goes_on_where_the_one_before_stopped() -> None:
    assert total_epochs(rungs(8, 2, 12)) == 8 * 3 + 4 * 3 + 2 * 6
    assert total_epochs(()) == 0


def test_the_best_of_a_rung_go_on() -> None:
    begun = choice(finalist(1, 0.5), finalist(2, 0.7), finalist(3, 0.7), finalist(4))
    assert (begun.n_ended, begun.leader, begun.members(1)) == (0, None, ())
    halved = choice(finalist(1, 0.5), finalist(2, 0.7), finalist(3, 0.7), finalist(4, 0.6))
    assert [one.rank for one in halved.members(1)] == [2, 3]  # the fitter first if equal
    assert (halved.n_ended, halved.leader, halved.is_complete) == (1, finalist(2, 0.7), False)
    assert [halved.dropped_after(one) for one in halved.finalists] == [1, None, None, 1]
    ended = choice(finalist(1, 0.5), finalist(2, 0.7, 0.8), finalist(3, 0.7, 0.9), finalist(4, 0.6))
    assert ended.is_complete and ended.leader == finalist(3, 0.7, 0.9) and ended.second == finalist(2, 0.7, 0.8)
    assert [ended.dropped_after(one) for one in ended.finalists] == [1, 2, None, 1]


def test_a_finalist_that_fails_is_out() -> None:
    one = choice(finalist(1, failed="loss is nan"), finalist(2, 0.7, 0.8), finalist(3, 0.7), finalist(4, 0.6))
    assert [member.rank for member in one.members(1)] == [2, 3] and not one.is_complete
    one = one.having(one.finalists[2].model_copy(update={"failed": "loss is inf"}), 1.0)
    assert one.is_complete and one.leader is not None and one.leader.rank == 2 and one.second is None
    assert one.lead_95 is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rungs": []}, "rungs of fewer and fewer finalists"),
        ({"rungs": [{"n": 4, "epochs": 2}, {"n": 4, "epochs": 4}]}, "rungs of fewer and fewer finalists"),
        ({"rungs": [{"n": 4, "epochs": 2}, {"n": 1, "epochs": 4}]}, "at least 2"),
        ({"finalists": []}, "finalists of rank 1 to 4 expected"),
        ({"n_validation": 0}, "n_validation of at least 1 expected"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(change: dict[str, Any], expected: str, tmp_path: Path) -> None:
    sound = choice(finalist(1, 0.5), finalist(2, 0.7, 0.8), finalist(3, 0.7), finalist(4, 0.6))
    (tmp_path / FINALISTS).write_text(json.dumps(sound.plain() | change))
    with pytest.raises(VerificationError, match=f"{FINALISTS}.*{expected}"):
        FinalistChoice.read(tmp_path / FINALISTS)


def test_a_rank_or_an_accuracy_too_many_is_refused() -> None:
    with pytest.raises(ValueError, match="finalists of rank 1 to 4 expected"):
        choice(finalist(1), finalist(2), finalist(2), finalist(4))
    with pytest.raises(ValueError, match="at most 2 accuracies"):
        choice(finalist(1, 0.1, 0.2, 0.3), finalist(2), finalist(3), finalist(4))


def test_newcombes_interval_of_a_difference() -> None:
    """Newcombe's table II: 9 of 10 compared with 3 of 10."""
    assert difference_95(0.9, 0.3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_noise_is_called_noise() -> None:
    rivals = (finalist(1, 0.7, 0.8), finalist(2, 0.7, 0.7), finalist(3, 0.1), finalist(4, 0.1))
    assert choice(*rivals).verdict.endswith("10.0 points above rank 2, within noise")
    assert choice(*rivals, n_validation=1000).verdict.endswith("10.0 points above rank 2, beyond noise")


def test_finalists_are_the_fittest_distinct_functions_within_the_budgets(tmp_path: Path) -> None:
    keys = ["a", "b", "a", "c", "d", "e"]
    rejected = ["", "energy_uj", "", "", "", ""]
    with History(tmp_path / "history.sqlite") as history:
        history.add_candidates(
            CandidateRow(i, 0, f"architecture {i}", key, 10.0 + i, 1.0, 2.0, 3.0, rejected[i])
            for i, key in enumerate(keys)
        )
        for key, fitness in {"a": 3.0, "b": 9.0, "c": 5.0, "d": float("-inf")}.items():
            history.add_fitness(key, keys.index(key), fitness, 0.1, screened=False)
        history.add_fitness("e", 5, 99.0, 0.1, screened=True)  # small batch only
        found = fittest(history, 10)
        assert [(one.rank, one.architecture, one.fitness) for one in found] == [
            (1, "architecture 3", 5.0),
            (2, "architecture 0", 3.0),
        ]
        assert (found[0].parameters, found[0].energy_uj) == (13, 3.0)
        assert len(fittest(history, 1)) == 1


def test_the_finalist_that_learns_best_is_the_answer(tmp_path: Path) -> None:
    recorder = Recorder()
    found = neuronas.search(**SMALL, **THREE, out=tmp_path / "run", observer=recorder)
    document = FinalistChoice.read(tmp_path / "run" / FINALISTS)
    assert found.finalists == document and document.is_complete and document.leader is not None
    assert document.rungs == (Rung(n=3, epochs=1), Rung(n=2, epochs=2))
    assert (document.n_training, document.n_validation) == (299, 100)
    assert found.text == document.leader.architecture and found.fitness == document.leader.fitness
    summary = SearchSummary.read(tmp_path / "run" / "result.json")
    assert summary.chosen_by == "finalists" and summary.cost.energy_uj == document.leader.energy_uj
    assert not list((tmp_path / "run").rglob("*.safetensors"))  # learning curves are kept
    assert (tmp_path / "run" / "log.txt").read_text().splitlines()[-1].endswith(f"done: {found.text}")
    assert sorted(len(one.accuracies) for one in document.finalists) == [1, 2, 2]
    # Observers are told of every rung, and progress counts all images.
    steps = [one for one in recorder.events if isinstance(one, Advanced) and one.verb == "finalists"]
    assert [one.done for one in steps] == sorted(one.done for one in steps)
    assert steps[-1].done == steps[-1].total == 256 * total_epochs(document.rungs)
    ended = [one.detail for one in steps if isinstance(one.detail, FinalistTrained)]
    assert [(one.rung, one.epochs) for one in ended] == [(1, 1)] * 3 + [(2, 2)] * 2
    told = [one for one in recorder.events if not isinstance(one, Advanced)]
    kinds = [(type(one), one.verb) for one in told]
    assert kinds == [(Started, "search"), (Started, "finalists"), (Finished, "finalists"), (Finished, "search")]
    # A finished choice is not repeated, whatever the settings of the final training.
    neuronas.train(tmp_path / "run", epochs=1, config=None, learning_rate=1e-4)
    before = learned(tmp_path / "run")
    again = neuronas.search(out=tmp_path / "run", resume=True)
    assert again.was_finished and again.text == found.text and learned(tmp_path / "run") == before
    for other in ({"finalist_epochs": 1}, {"finalists": 0}):
        with pytest.raises(RunDirectoryError, match=r"its network is trained, and with search.finalist\w+ was \d, now"):
            neuronas.search(out=tmp_path / "run", resume=True, **other)
    assert neuronas.search(out=tmp_path / "run", resume=True).was_finished and learned(tmp_path / "run") == before


def test_other_finalists_replace_those_of_before(tmp_path: Path) -> None:
    one = neuronas.search(**SMALL, **THREE, out=tmp_path / "run")
    two = neuronas.search(out=tmp_path / "run", resume=True, finalists=2)
    assert two.finalists is not None and len(two.finalists.finalists) == 2
    assert not (tmp_path / "run" / "finalists" / "03").exists()
    none = neuronas.search(out=tmp_path / "run", resume=True, finalists=0)
    assert none.summary.chosen_by is None and none.fitness >= one.fitness
    assert not (tmp_path / "run" / FINALISTS).exists() and not (tmp_path / "run" / "finalists").exists()


class Killer(Recorder):
    """Interrupts the work at its n-th step of training."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def progress(self, event: Advanced) -> None:
        """See ``Observer``."""
        super().progress(event)
        if sum(isinstance(one, Advanced) and one.verb == "finalists" for one in self.events) == self.n:
            raise KeyboardInterrupt


def test_a_link_in_the_place_of_the_finalists_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "finalists").symlink_to(elsewhere)
    discard_finalists(tmp_path / "run")
    assert not list((tmp_path / "run").iterdir())
    assert list(elsewhere.iterdir()) == [elsewhere / "mine"]
    (tmp_path / "run" / "finalists").write_text("")
    with pytest.raises(RunDirectoryError, match="run/finalists"):
        discard_finalists(tmp_path / "run")


def test_a_choice_that_was_broken_off_goes_on_to_the_same_end(tmp_path: Path) -> None:
    neuronas.search(**SMALL, **THREE, out=tmp_path / "whole")
    expected = learned(tmp_path / "whole")
    run, n, sessions = tmp_path / "part", 3, 0
    while True:
        try:
            neuronas.search(**SMALL, **THREE, out=run, resume="auto", observer=Killer(n))
            break
        except KeyboardInterrupt:
            n, sessions = 3 + (n + 2) % 5, sessions + 1
            assert sessions < 40
    assert sessions > 2
    assert learned(run) == expected


def test_metrics_that_were_lost_are_named_and_their_folder_can_be_removed(tmp_path: Path) -> None:
    run, two = tmp_path / "run", THREE | {"finalists": 2, "finalist_epochs": 1}
    with pytest.raises(KeyboardInterrupt):
        neuronas.search(**SMALL, **two, out=run, observer=Killer(3))  # the first finalist has finished its only epoch
    assert FinalistChoice.read(run / FINALISTS).finalists[0].accuracies == ()
    (run / "finalists" / "01" / "metrics.jsonl").unlink()
    with pytest.raises(VerificationError, match=r"01/metrics.jsonl: epoch 1 not found; remove .*01, and --resume"):
        neuronas.search(out=run, resume=True)
    rmtree(run / "finalists" / "01")
    found = neuronas.search(out=run, resume=True)
    assert found.finalists is not None and found.finalists.is_complete


def test_a_choice_whose_time_is_up_goes_on_to_the_same_end(tmp_path: Path) -> None:
    neuronas.search(**SMALL, **THREE, out=tmp_path / "whole")
    run = tmp_path / "part"
    first = neuronas.search(**SMALL, out=run)
    assert first.summary.chosen_by is None and first.finalists is None
    found = neuronas.search(out=run, resume=True, **THREE, max_minutes=1e-9)  # finalists for a finished search
    assert found.summary.out_of_time and found.summary.chosen_by == "fitness" and found.text == first.text
    sessions, reasons = 1, {found.summary.chosen_by}
    while found.summary.out_of_time:
        found = neuronas.search(out=run, resume=True, max_minutes=1e-9)  # its settings are now those of the run
        reasons.add(found.summary.chosen_by)
        sessions += 1
        assert sessions < 40
    assert sessions == 10 and reasons == {"fitness", "finalists"}  # one step each
    assert learned(run) == learned(tmp_path / "whole")


def test_fewer_candidates_than_finalists(tmp_path: Path) -> None:
    settings = SMALL | {"n_draws": 2}
    found = neuronas.search(**settings, finalists=50, finalist_epochs=1, finalist_images=400, out=tmp_path / "two")
    assert found.finalists is not None and len(found.finalists.finalists) == 2 and found.finalists.asked == 50
    alone = neuronas.search(**settings, finalists=1, out=tmp_path / "one")
    assert alone.finalists is None and alone.summary.chosen_by == "fitness"
    assert not (tmp_path / "one" / FINALISTS).exists()


def test_one_class_is_learned_by_all_so_that_fitness_decides(
    tmp_path: Path, neuronas: Neuronas, caplog: pytest.LogCaptureFixture
) -> None:
    import numpy as np
    from PIL import Image

    folder = tmp_path / "photos" / "train" / "only"
    folder.mkdir(parents=True)
    (tmp_path / "photos" / "test" / "only").mkdir(parents=True)
    draw = np.random.default_rng(0)
    for number in range(40):
        for place in (folder, tmp_path / "photos" / "test" / "only"):
            Image.fromarray(draw.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(place / f"{number}.png")
    code, out, err = neuronas(
        "search", "--dataset", f"imagefolder:{tmp_path / 'photos'}", "--image-side", "8", "--channels", "4",
        "--timesteps", "2", "--algorithm", "snasnet", "--n-draws", "6", "--batch-size", "8", "--finalists", "2",
        "--finalist-epochs", "1", "--set", "train.batch_size=16", "--out", str(tmp_path / "run"), "--json",
    )  # fmt: skip
    assert code == 0, err
    assert "has a single class, 'only', which every network predicts" in caplog.text
    document = FinalistChoice.read(tmp_path / "run" / FINALISTS)
    assert [one.accuracies for one in document.finalists] == [(1.0,), (1.0,)]
    assert document.leader is not None and document.leader.rank == 1
    assert json.loads(out)["chosen_by"] == "finalists"


def test_too_few_images_are_noticed_before_the_search(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="finalists have 10 images to learn from and 10 to be compared on; expected at"):
        neuronas.search(**SMALL, finalists=3, finalist_images=20, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_that_cannot_be_combined_are_one_line(neuronas: Neuronas, tmp_path: Path) -> None:
    for options, message in {
        (
            "--prefer",
            "knee",
            "--algorithm",
            "exhaustive",
        ): "--finalists 3 given with --prefer knee; expected one of them",
        ("--set", "train.rate_target=0.1"): "rate_target 0.1 given without rate_weight",
    }.items():
        code, out, err = neuronas("search", "--finalists", "3", *options, "--out", str(tmp_path / "run"))
        assert (code, out, err.count("\n")) == (2, "", 1) and message in err


def test_finalists_that_all_diverge_end_the_search(tmp_path: Path) -> None:
    settings = SMALL | {"config": {"train": {"batch_size": 128, "learning_rate": 1e14, "optimiser": "sgd"}}}
    with pytest.raises(DivergedError, match="all finalists of rung 2 diverged; the first: "):
        neuronas.search(**settings, **THREE, out=tmp_path / "run")
    assert SearchSummary.read(tmp_path / "run" / "result.json").chosen_by == "fitness"


def test_nothing_fits_as_without_finalists(neuronas: Neuronas, tmp_path: Path) -> None:
    code, _, err = neuronas(
        "search", "--channels", "4", "--algorithm", "snasnet", "--n-draws", "5", "--max-parameters", "1",
        "--finalists", "3", "--out", str(tmp_path / "run"), "--quiet",
    )  # fmt: skip
    assert code == 3 and "fits the budget" in err


def test_a_dry_run_says_what_finalists_cost(neuronas: Neuronas, tmp_path: Path) -> None:
    code, out, _ = neuronas("search", "--finalists", "8", "--dry-run")
    assert code == 0
    assert "would then train finalists, 8 for 3, 4 for 6, 2 for 12 epochs: 48 passes in all over at most 5,000" in out
    code, out, _ = neuronas("search", "--finalists", "8", "--dry-run", "--json")
    assert json.loads(out)["finalists"] == {
        "rungs": [{"n": 8, "epochs": 3}, {"n": 4, "epochs": 6}, {"n": 2, "epochs": 12}],
        "epochs": 48,
        "images": 5000,
    }


def test_settings_without_finalists_leave_a_run_what_it_was(tmp_path: Path) -> None:
    """A history of an earlier version is continued: settings that choose among its candidates do not affect it."""
    from neuronas.runs.identity import identity

    one = neuronas.RunConfig(search={"finalists": 0})
    assert one.search.finalists == 0
    from neuronas.api.setup.compose import plan
    from neuronas.config import given

    keys = {
        identity(plan(given({"search": search}, "test")).config)
        for search in ({}, {"finalists": 5}, {"finalist_epochs": 3}, {"prefer": "fitness"})
    }
    assert len(keys) == 1


@pytest.mark.slow
def test_workers_choose_the_same(tmp_path: Path) -> None:
    neuronas.search(**SMALL, **THREE, out=tmp_path / "alone")
    neuronas.search(**SMALL, **THREE, out=tmp_path / "helped", workers=2)
    assert learned(tmp_path / "helped") == learned(tmp_path / "alone")


def test_the_terminal_says_who_was_chosen(neuronas: Neuronas, tmp_path: Path) -> None:
    options = [part for name, value in THREE.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    code, out, _ = neuronas(
        "search", "--channels", "4", "--timesteps", "2", "--algorithm", "snasnet", "--n-draws", "8", "--batch-size",
        "16", "--set", "train.batch_size=128", *options, "--out", str(tmp_path / "run"),
    )  # fmt: skip
    assert code == 0 and "\n3 finalists: rank " in out and "validation accuracy" in out


def with_finalists(run: Path, *, is_complete: bool = True) -> FinalistChoice:
    """Finalists of an artificial search: the second by fitness reaches the highest accuracy."""
    with History(run / "history.sqlite") as history:
        ranked = fittest(history, 4)
    accuracies = ((0.5,), (0.7, 0.9), (0.6, 0.7 if is_complete else 0.0), (0.4,))
    done = [
        one.model_copy(update={"accuracies": values if is_complete or one.rank != 3 else values[:1]})
        for one, values in zip(ranked, accuracies, strict=True)
    ]
    document = choice(*done, n_validation=200)
    document.write(run / FINALISTS)
    return document


def test_a_report_shows_who_learned_what_and_who_was_dropped_when(tmp_path: Path) -> None:
    document = with_finalists(make_run(tmp_path / "run", n=30))
    facts = read_run(tmp_path / "run", "run")
    table = finalists_table(document)
    assert table.titles[3:] == ("accuracy after 2 epochs", "accuracy after 4 epochs", "")
    assert [(row[0], row[-1]) for row in table.rows] == [
        ("2", "the answer"), ("3", "dropped after rung 2"), ("1", "dropped after rung 1"), ("4", "dropped after rung 1")
    ]  # fmt: skip
    assert table.rows[0][3:5] == ("70.0% (63.3% to 75.9%)", "90.0% (85.1% to 93.4%)")
    assert table.rows[3][4] == ""
    said = difference(document)
    assert said.startswith("The first (rank 2) and the second (rank 3) differ beyond noise: +12.")
    page = report_page(facts)
    assert said in page and 'id="finalists"' in page
    assert ("finalists", document.verdict, False) in verdict(facts)
    assert document.verdict in dict(runs_table([facts]).rows)["chosen by"]


def test_a_report_of_finalists_that_still_learn_says_so(tmp_path: Path) -> None:
    with_finalists(make_run(tmp_path / "run", n=30), is_complete=False)
    facts = read_run(tmp_path / "run", "run")
    assert facts.is_choosing and not facts.is_answered
    page = report_page(facts)
    assert "The finalists have not been trained to the end; this is the best so far." in page
    assert "1 of 2 rungs have ended" in page and "in the running" in page
    live = LiveRun(tmp_path / "run", lambda path: read_run(path, "run")).state("")
    assert "5 of 6 trainings of a rung" in " ".join(live["sections"]["progress"].split())


def test_a_report_without_finalists_says_how_to_get_some(tmp_path: Path) -> None:
    facts = read_run(make_run(tmp_path / "run", n=6), "run")
    assert "--finalists 8" in report_page(facts)
    assert dict(runs_table([facts]).rows)["chosen by"] == "fitness"
