"""Progress of long-running commands, and its display."""

import io
import re
import sys
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
from rich.console import Console

import neuronas
from neuronas.api.reporting.run_facts import read_run
from neuronas.cli import console, progress
from neuronas.cli.main import app
from neuronas.cli.progress import ProgressBar, describe
from neuronas.errors import ConfigurationError
from neuronas.experiments.pieces import Rehearsal
from neuronas.report.verdict import verdict
from neuronas.runs.observer import Advanced, BatchProposed, CandidateEvaluated, EpochEnded, Finished, Started
from neuronas.runs.results import TrainingResult
from neuronas.runs.work import Work
from recorder import Recorder

ARCH = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"
SMALL: dict[str, Any] = {"channels": 4, "timesteps": 2}


def advanced(done: int = 30, total: int | None = 100, seconds: float = 15.0, **more: Any) -> Advanced:
    return Advanced("train", Path("run"), "images", done, total, more.pop("n_before", 0), seconds, "epoch 1", **more)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Output without a terminal."""
    text = io.StringIO()
    monkeypatch.setattr(console, "notes", Console(file=text, width=200))
    return text


def test_every_verb_tells_one_kind_of_observer(tmp_path: Path) -> None:
    for verb, call in {
        "search": lambda seen: neuronas.search(
            **SMALL, algorithm="snasnet", n_draws=30, batch_size=16, out=tmp_path / "run", observer=seen
        ),
        "train": lambda seen: neuronas.train(tmp_path / "run", epochs=2, batch_size=128, observer=seen),
        "evaluate": lambda seen: neuronas.evaluate(tmp_path / "run", limit=40, observer=seen),
        "chips": lambda seen: neuronas.evaluate_on_chips(tmp_path / "run", chips=2, limit=40, observer=seen),
        "export": lambda seen: neuronas.export(tmp_path / "run", "integer", observer=seen),
    }.items():
        recorder = Recorder()
        result = call(recorder)
        first, *between, last = recorder.events
        assert isinstance(first, Started) and first.verb == verb
        assert isinstance(last, Finished) and last.result == result
        steps = [one for one in between if isinstance(one, Advanced)]
        assert len(steps) == len(between) >= 1
        assert steps[-1].done == steps[-1].total
        assert [one.done for one in steps] == sorted(one.done for one in steps)
        if verb == "search":
            assert isinstance(steps[0].detail, BatchProposed) and steps[0].detail.n_candidates == 30
            fitness = [one.detail.fitness for one in steps if isinstance(one.detail, CandidateEvaluated)]
            assert max(fitness) == result.fitness == steps[-1].values["best_fitness"]
        if verb == "train":
            assert isinstance(steps[-1].detail, EpochEnded) and steps[-1].detail.row.epoch == 2


@pytest.mark.parametrize("given", [3, ProgressBar, SimpleNamespace(started=print)])
def test_every_verb_refuses_what_is_no_observer_in_one_line_and_leaves_nothing(tmp_path: Path, given: object) -> None:
    run = tmp_path / "run"
    neuronas.train(ARCH, **SMALL, limit=200, epochs=1, batch_size=40, out=run)
    there = set(tmp_path.rglob("*"))
    calls: dict[str, Any] = {
        "search": lambda seen: neuronas.search(**SMALL, n_draws=5, out=tmp_path / "search", observer=seen),
        "train": lambda seen: neuronas.train(ARCH, **SMALL, epochs=1, out=tmp_path / "train", observer=seen),
        "design": lambda seen: neuronas.design(out=tmp_path / "design", observer=seen),
        "design_front": lambda seen: neuronas.design_front("converters", out=tmp_path / "front", observer=seen),
        "evaluate": lambda seen: neuronas.evaluate(run, limit=40, observer=seen),
        "evaluate_on_chips": lambda seen: neuronas.evaluate_on_chips(run, chips=1, limit=40, observer=seen),
        "predict": lambda seen: neuronas.predict(run, np.zeros((1, 8, 8), np.uint8), observer=seen),
        "export": lambda seen: neuronas.export(run, "integer", observer=seen),
    }
    verbs = {name: getattr(neuronas, name) for name in neuronas.__all__ if name[0].islower()}
    assert calls.keys() == {name for name, one in verbs.items() if "observer" in signature(one).parameters}
    expected = r"^observer.* given.*; expected .*started, progress, finished"
    for call in calls.values():
        with pytest.raises(ConfigurationError, match=expected) as said:
            call(given)
        assert "\n" not in str(said.value)
    assert set(tmp_path.rglob("*")) == there


def test_rate_and_time_left_count_this_session_only() -> None:
    event = advanced(done=60, total=100, seconds=10, n_before=40)
    assert event.rate == 2
    assert event.seconds_left == 20
    assert advanced(total=None).seconds_left is None
    assert advanced(done=40, n_before=40).seconds_left is None
    assert describe(event) == "2.0 images/s, about 20 s left"
    assert describe(advanced(done=1, total=3, seconds=4)) == "4 s each, about 8 s left"


def test_work_that_was_kept_is_no_work_of_this_session() -> None:
    recorder = Recorder()
    work = Work("chips", Path("run"), "chips", recorder)
    work.start(4)
    work.skip(2)
    work.advance(1, "chips")
    event = recorder.events[-1]
    assert isinstance(event, Advanced)
    assert (event.done, event.n_before) == (3, 2)


def test_how_long_it_takes_is_said_once(printed: io.StringIO) -> None:
    with ProgressBar() as bar:
        bar.started(Started("train", Path("run"), "images", 10_000))
        bar.progress(advanced(done=10, total=10_000, seconds=1))  # too early to estimate
        assert printed.getvalue() == ""
        bar.progress(advanced(done=100, total=10_000, seconds=10))
        bar.progress(advanced(done=200, total=10_000, seconds=20))
    assert printed.getvalue() == "about 17 min for 10,000 images (estimated from the first 100)\n"


def test_the_first_step_does_not_count_for_the_estimate(printed: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 840 candidates, the first takes 4 s including all shared work, each further one 1/16 s."""
    clock = 0.0
    monkeypatch.setattr("neuronas.runs.work.monotonic", lambda: clock)
    with ProgressBar() as bar:
        recorder = Recorder()
        for observer in (recorder, bar):
            clock = 0.0
            work = Work("search", Path("run"), "candidates", observer)
            work.start(840)
            for number in range(60):
                clock += 1 / 16 if number else 4.0
                work.advance(1, "batch 1")
    steps = [one for one in recorder.events if isinstance(one, Advanced)]
    assert steps[0].seconds_left is None  # it is not known what takes 4 s and what 1/16 s
    assert [one.seconds_left for one in steps[1:]] == pytest.approx([(840 - n) / 16 for n in range(2, 61)])
    assert printed.getvalue() == "about 56 s for 840 candidates (estimated from the first 33)\n"


def test_lines_where_there_is_no_terminal(printed: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY_S", -1)
    with ProgressBar() as bar:
        bar.started(Started("train", Path("run"), "images", 100))
        bar.progress(advanced(values={"train_accuracy": 0.5}))
    line = printed.getvalue().splitlines()[-1]
    assert line == "epoch 1, 30 of 100 images, 2.0 images/s, about 35 s left, train accuracy 0.5"


def test_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(console, "notes", Console(file=text, width=120, force_terminal=True))
    with ProgressBar() as bar:
        bar.started(Started("train", Path("run"), "images", 100))
        bar.progress(advanced(detail=BatchProposed(1, 2, 0, 2, 2)))
    assert "epoch 1" in text.getvalue() and "about 35 s left" in text.getvalue()


def test_quiet_shows_nothing(printed: io.StringIO) -> None:
    with ProgressBar(quiet=True) as bar:
        bar.started(Started("train", Path("run"), "images", 100_000))
        bar.progress(advanced(total=100_000))
    assert printed.getvalue() == ""


def test_a_bar_below_the_cell_of_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    display = SimpleNamespace(
        display=lambda one, **more: SimpleNamespace(update=lambda html: shown.append(html._repr_html_()))
    )
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with ProgressBar() as bar:
        bar.started(Started("train", Path("run"), "images", 100_000))
        bar.progress(advanced(total=100_000, detail=BatchProposed(1, 2, 0, 2, 2)))
        assert re.search(r'<progress value="30" max="100000">.*2.0 images/s', shown[-1])
        assert "about 13.9 h for 100,000 images" in shown[-1]
    assert "<progress" not in shown[-1]  # the bar is removed, the notes are kept


@pytest.mark.slow
def test_a_study_is_counted_before_it_begins(tmp_path: Path) -> None:
    from neuronas.experiments.catalogue import STUDIES

    for study in STUDIES:
        rehearsal = Rehearsal(
            study.sizes["small"], {"data": {"name": "digits"}}, range(2), tmp_path, Work("reproduce", tmp_path, "runs")
        )
        assert tuple(study.run(rehearsal))
        assert rehearsal.n >= 8
    assert not list(tmp_path.iterdir())


def findings(run: Path) -> dict[str, str]:
    """The verdict at the beginning of the run's report."""
    return {name: finding for name, finding, _ in verdict(read_run(run, "run"))}


def page_of(run: Path) -> str:
    """The run's report."""
    return neuronas.report(run).file.read_text(encoding="utf-8")


def test_a_search_that_ran_out_of_time_continues_to_the_same_end(tmp_path: Path) -> None:
    settings: dict[str, Any] = {**SMALL, "algorithm": "snasnet", "n_draws": 40, "batch_size": 16, "exact": True}
    whole = neuronas.search(**settings, out=tmp_path / "whole")
    part = neuronas.search(**settings, out=tmp_path / "part", max_minutes=1e-9)
    assert part.summary.out_of_time and part.summary.n_evaluated == 1
    assert part.fitness <= whole.fitness
    assert findings(tmp_path / "part")["search"].startswith("time limit reached (--max-minutes) after 1 evaluated")
    assert "after 1 evaluated candidates" in page_of(tmp_path / "part")
    assert not neuronas.search(**settings, out=tmp_path / "part", resume=True).summary.out_of_time
    assert "search" not in findings(tmp_path / "part")
    done = neuronas.search(out=tmp_path / "part", resume=True, max_minutes=1e-9)  # no work remains
    assert done.was_finished and not done.summary.out_of_time
    assert (done.text, done.fitness, done.summary.n_evaluated) == (whole.text, whole.fitness, whole.summary.n_evaluated)


def test_a_search_with_a_screen_that_ran_out_of_time_has_an_answer(tmp_path: Path) -> None:
    settings: dict[str, Any] = {**SMALL, "algorithm": "snasnet", "n_draws": 40, "batch_size": 128}
    part = neuronas.search(**settings, out=tmp_path / "part", max_minutes=1e-9)
    assert part.summary.out_of_time and part.found.n_full == 1
    resumed = neuronas.search(out=tmp_path / "part", resume=True)
    whole = neuronas.search(**settings, out=tmp_path / "whole")
    assert (resumed.text, resumed.fitness, resumed.found) == (whole.text, whole.fitness, whole.found)


def test_a_training_that_ran_out_of_time_continues_bit_for_bit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings: dict[str, Any] = {**SMALL, "epochs": 2, "batch_size": 128}
    whole = neuronas.train(ARCH, **settings, out=tmp_path / "whole")
    part = neuronas.train(ARCH, **settings, out=tmp_path / "part", max_minutes=1e-9)
    assert part.out_of_time and (part.epochs, part.best_epoch, part.validation_accuracy) == (0, 0, None)
    assert TrainingResult.read(tmp_path / "part" / "training.json").out_of_time
    found = findings(tmp_path / "part")["training"]
    assert found == "0 of 2 epochs; time limit reached (--max-minutes); can be resumed"
    assert "before the last epoch" in page_of(tmp_path / "part")
    n_sessions = 1
    while not part.best_epoch:
        part = neuronas.train(tmp_path / "part", resume=True, max_minutes=1e-9)
        n_sessions += 1
    caplog.clear()
    neuronas.load(tmp_path / "part")
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        f"run {tmp_path / 'part'}: its training is not finished; these are the weights of epoch 1 of 2; "
        f"continue with: neuronas train {tmp_path / 'part'} --resume"
    ]
    caplog.clear()
    while part.out_of_time:
        part = neuronas.train(tmp_path / "part", resume=True, max_minutes=1e-9)
        n_sessions += 1
    assert n_sessions >= 10  # one step each
    assert part.best_epoch == whole.best_epoch
    neuronas.load(tmp_path / "part")
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    weights = [(tmp_path / name / "checkpoints/last.safetensors").read_bytes() for name in ("whole", "part")]
    assert weights[0] == weights[1]
    assert not TrainingResult.read(tmp_path / "part" / "training.json").out_of_time
    assert "--max-minutes" not in findings(tmp_path / "part")["training"]


def test_one_is_not_several() -> None:
    assert str(BatchProposed(1, 1, 0, 1, 1)) == "batch 1: 1 candidate, 0 break the budget, 1 distinct function left"
    assert str(BatchProposed(2, 2000, 0, 2, 2)).startswith(
        "batch 2: 2,000 candidates, 0 break the budget, 2 distinct f"
    )


def test_a_time_limit_is_above_0() -> None:
    with pytest.raises(ConfigurationError, match="--max-minutes 0 given; expected a number above 0"):
        neuronas.search(**SMALL, max_minutes=0)


def test_help_has_every_default_an_example_and_the_next_step() -> None:
    verbs: list[tuple[str, Any]] = [("neuronas", typer.main.get_command(app))]
    n_verbs = 0
    while verbs:
        name, verb = verbs.pop()
        if hasattr(verb, "commands"):
            verbs += [(f"{name} {inner}", one) for inner, one in verb.commands.items()]
            continue
        n_verbs += 1
        assert re.fullmatch(rf"Example: {name} .*\n\nNext: .+", verb.epilog, flags=re.DOTALL)
        for option in verb.params:
            if option.param_type_name == "option" and option.name != "help" and not option.required:
                is_shown = option.show_default and option.default is not None and option.default is not False
                assert is_shown or re.search(r"[\[(]", option.help), f"{name} {option.opts[0]}: {option.help}"
    assert n_verbs > 15
