"""Workers: the result does not depend on their number, and nothing is lost when one fails."""

import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, strategies as st

from conftest import Neuronas
from impatient import Impatient, state
from light_worker import light_fitness
from neuronas.api.setup.compose import plan
from neuronas.config import ALGORITHMS, SearchConfig, given as checked
from neuronas.distribution.crew import Crew, Evaluated, Job, Lost, Message, Noted, PieceFinished, Ready, Refused
from neuronas.distribution.distributor import DistributedEvaluator, Distributor
from neuronas.distribution.lines import from_line, to_line
from neuronas.distribution.processes import ProcessCrew
from neuronas.distribution.silence import Silence
from neuronas.distribution.subtrees import subtrees
from neuronas.errors import ConfigurationError, DataError, VerificationError, WorkerError
from neuronas.fitness.evaluator import Evaluator
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.paper import PaperCostModel
from neuronas.runs.history import History
from neuronas.search.loop import search
from neuronas.search.problem import Found, Problem
from neuronas.search.screening import Evaluators
from neuronas.space.genotype import Architecture, edge_order
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from waiting import until

SPACE = load_space("neuronas")
SHAPE = NetworkShape(3, 32, 10, 128)
TIGHT = Budget(max_parameters=1.2e6, max_area_mm2=40, max_latency_ms=320, max_energy_uj=120)
JOB = Job(
    settings=plan(checked({}, "test")).config, copies={}, identity="", threads=1,
    memory_limit_bytes=None, memory_share=1.0, cuda_device=0
)  # fmt: skip
Distribute = Callable[..., Distributor]


def some(n: int, seed: int = 0) -> list[Architecture]:
    random = Random(seed)
    return [SPACE.random_architecture(random).cleaned for _ in range(n)]


def light_command(*options: str) -> list[str]:
    return [sys.executable, str(Path(__file__).parent / "support" / "light_worker.py"), *options]


@pytest.fixture
def distribute() -> Iterator[Distribute]:
    """Create distributors over light workers: distribute(size, options...)."""
    made: list[Distributor] = []

    def make(size: int, *options: str) -> Distributor:
        processes = ProcessCrew(size, light_command(*options), lambda number: JOB)
        crew = Impatient(processes, lambda number: processes._workers[number]._process.pid)
        made.append(Distributor(crew, 2, silence=Silence(600.0, lambda: crew.now)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@given(st.integers(0, 60), st.integers(1, 12), st.integers(0, 5))
def test_subtrees_are_pieces_of_the_order(n: int, n_pieces: int, seed: int) -> None:
    architectures = some(n, seed)
    pieces = subtrees(architectures, 2, n_pieces)
    assert len(pieces) <= n_pieces
    assert all(pieces)
    order = [index for piece in pieces for index in piece]
    assert sorted(order) == list(range(n))
    keys = [edge_order(architectures[index], 2) for index in order]
    assert keys == sorted(keys)


def test_cuts_lie_where_least_is_shared() -> None:
    cells = list(SPACE.genotypes())
    firsts, seconds = cells[5:700:200], cells[100:200:3]
    architectures = [Architecture((first, second)).cleaned for first in firsts for second in seconds]
    Random(0).shuffle(architectures)
    pieces = subtrees(architectures, 2, len(firsts))
    assert len(pieces) == len(firsts) == 4
    assert all(len({architectures[index].cells[0] for index in piece}) == 1 for piece in pieces)


def test_pieces_have_like_work() -> None:
    pieces = subtrees(some(400), 2, 8)
    assert len(pieces) == 8
    assert max(map(len, pieces)) < 3 * min(map(len, pieces))


MESSAGES: list[Message] = [
    Ready("images"), Evaluated(3, 0.1 + 0.2), Evaluated(0, float("-inf")), PieceFinished(12.5), Noted("µ"),
    Lost("gone"),
]  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_come_back(message: Message) -> None:
    line = to_line(message)
    assert line.count(b"\n") == 1
    assert from_line(line) == message


def test_refusals_keep_their_kind() -> None:
    back = from_line(to_line(Refused(ConfigurationError("--memory-limit is too small"))))
    assert isinstance(back, Refused)
    assert type(back.error) is ConfigurationError
    assert str(back.error) == "--memory-limit is too small"
    with pytest.raises(ValueError, match="expected a message of a worker"):
        from_line(b'{"place": "1"}\n')


@pytest.mark.parametrize("size", [1, 3, *(pytest.param(size, marks=pytest.mark.slow) for size in (2, 7))])
def test_any_number_of_workers(distribute: Distribute, size: int) -> None:
    architectures = some(50)
    distributor = distribute(size)
    for name in ("full", "screen"):
        found = dict(DistributedEvaluator(distributor, name).evaluate(architectures))
        assert found == {index: light_fitness(one) for index, one in enumerate(architectures)}
    assert list(distributor.evaluate("full", [])) == []
    assert distributor.peak_memory_mb > 10
    assert distributor.n_lost == 0


def content(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return (
            db.execute("SELECT * FROM candidates ORDER BY position").fetchall()
            + db.execute("SELECT key, screened, position, fitness FROM evaluations ORDER BY screened, key").fetchall()
        )


def run_search(path: Path, accelerator: Accelerator, full: Evaluator, algorithm: str = "neuronas") -> Found:
    history = History(path)
    try:
        problem = Problem(SPACE, SHAPE, PaperCostModel(accelerator, 8, 5), TIGHT)
        return search(problem, ALGORITHMS[algorithm], SearchConfig(n_draws=200), 0, Evaluators(full), history)
    finally:
        history.close()


def test_a_search_leaves_the_same_history_with_any_number(
    distribute: Distribute, accelerator: Accelerator, tmp_path: Path
) -> None:
    found = [
        run_search(tmp_path / str(size), accelerator, DistributedEvaluator(distribute(size), "full")) for size in (1, 3)
    ]
    assert found[0] == found[1]
    assert content(tmp_path / "1") == content(tmp_path / "3")


def crew_of(distributor: Distributor) -> Impatient:
    crew = distributor._crew
    assert isinstance(crew, Impatient)
    return crew


@pytest.mark.parametrize(("number", "message"), [
    (signal.SIGKILL, "ended by SIGKILL, possibly out of memory"), (signal.SIGSTOP, "sent no message for more than 600"),
])  # fmt: skip
def test_a_worker_that_dies_or_hangs_costs_time_only(
    distribute: Distribute, caplog: pytest.LogCaptureFixture, number: signal.Signals, message: str
) -> None:
    architectures = some(60)
    distributor = distribute(2, "--sleep", "0.01")
    crew_of(distributor).meddle = {3: number}
    found = list(distributor.evaluate("full", architectures))
    assert len(found) == 60
    assert dict(found) == {index: light_fitness(one) for index, one in enumerate(architectures)}
    assert distributor.n_lost == 1
    assert message in caplog.text
    assert "are distributed again" in caplog.text


def test_a_hanging_worker_leaves_the_same_history(
    distribute: Distribute, accelerator: Accelerator, tmp_path: Path
) -> None:
    whole = run_search(tmp_path / "whole", accelerator, DistributedEvaluator(distribute(1), "full"))
    distributor = distribute(2)
    crew_of(distributor).meddle = {4: signal.SIGSTOP}
    assert run_search(tmp_path / "hung", accelerator, DistributedEvaluator(distributor, "full")) == whole
    assert content(tmp_path / "hung") == content(tmp_path / "whole")
    assert distributor.n_lost == 1


def test_a_hanging_worker_does_not_stop_who_gives_it_much(distribute: Distribute) -> None:
    architectures = some(4000)
    assert (
        len("".join(map(format_architecture, architectures))) > 2 * 3 * 2**16
    )  # more than a pipe can hold, for each piece
    distributor = distribute(1)
    crew_of(distributor).meddle = {0: signal.SIGSTOP}
    found = dict(distributor.evaluate("full", architectures))
    assert found == {index: light_fitness(one) for index, one in enumerate(architectures)}
    assert distributor.n_lost == 1


def test_workers_that_hang_while_they_start_end_the_search(distribute: Distribute) -> None:
    with pytest.raises(
        WorkerError,
        match=r"3 workers ended before .* reason of the last one: it was running but did not respond",
    ):
        distribute(2, "--never-moves").prepare()


class Quiet(Crew):
    """No workers: messages and their times are given."""

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[tuple[float, list[tuple[int, Message]]]] = []

    def wait(self, seconds: float) -> list[tuple[int, Message]]:
        passed, found = self.said.pop(0) if self.said else (seconds, [])
        self.now += passed
        return found


@given(st.lists(st.floats(0, 200), max_size=20), st.floats(1, 1000))
def test_the_limit_of_silence_follows_what_was_heard(gaps: list[float], shortest: float) -> None:
    crew = Quiet()
    silence = Silence(shortest, lambda: crew.now)
    longest = min(60.0, shortest / 10)
    for number in range(3):
        silence.begin(number, patience=max(1, number))
    for gap in gaps:  # one worker works; no wait exceeds the requested time
        crew.said.append((min(gap, longest), [(0, Evaluated(0, 1.0)), (1, Noted("")), (2, Noted(""))]))
        assert silence.listen(crew)[1] == []
    assert silence.limit_s(1) == pytest.approx(max(shortest, 20 * max([0.0, *(min(gap, longest) for gap in gaps)])))
    silence.end(0)
    started, waits = crew.now, 0
    while not (late := silence.listen(crew)[1]):
        waits += 1
    assert late == [1]
    assert waits >= 9
    assert crew.now - started == pytest.approx(silence.limit_s(1), abs=2 * longest)
    silence.end(1)
    while not (late := silence.listen(crew)[1]):  # more patience with workers that were silent before
        pass
    assert crew.now - started == pytest.approx(silence.limit_s(2), abs=3 * longest)
    assert silence.limit_s(2) == 2 * silence.limit_s(1)


def test_a_slow_start_and_a_death_leave_the_limit_of_work_alone() -> None:
    crew = Quiet()
    silence = Silence(600.0, lambda: crew.now)
    silence.begin(0, is_start=True)
    crew.said = [(60.0, [])] * 8 + [(60.0, [(0, Ready(""))])]
    for _ in range(9):
        assert silence.listen(crew)[1] == []
    assert silence.limit_s(0) == 20 * 540
    silence.begin(0)
    assert silence.limit_s(0) == 600
    crew.said = [(60.0, [])] * 8 + [(60.0, [(0, Lost(""))])]
    for _ in range(9):
        assert silence.listen(crew)[1] == []
    assert silence.limit_s(0) == 600


def test_a_search_that_was_stopped_blames_nobody() -> None:
    crew = Quiet()
    silence = Silence(600.0, lambda: crew.now)
    silence.begin(0)
    crew.said = [(100_000.0, [])] * 9
    assert all(silence.listen(crew)[1] == [] for _ in range(9))


def _worker_ids(distributor: Distributor) -> list[int]:
    crew = distributor._crew
    assert isinstance(crew, ProcessCrew)
    return [worker._process.pid for worker in crew._workers.values()]


@pytest.mark.parametrize(("option", "reason"), [
    ("--die-at", "ended by SIGKILL, possibly out of memory"),
    ("--raise-at", "MemoryError: no room for this one"),
    ("--stop-at", "it was running but did not respond"),
])  # fmt: skip
@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_candidate_that_fails_twice_is_recorded(
    distribute: Distribute, accelerator: Accelerator, tmp_path: Path, option: str, reason: str, size: int
) -> None:
    whole = run_search(tmp_path / "whole", accelerator, DistributedEvaluator(distribute(1), "full"), "snasnet")
    poison = format_architecture(whole.architecture)
    distributor = distribute(size, option, poison)
    path = tmp_path / "poisoned"
    found = run_search(path, accelerator, DistributedEvaluator(distributor, "full"), "snasnet")
    assert found.failed == ((whole.architecture, reason),)
    assert found.architecture != whole.architecture
    assert found.n_evaluated == whole.n_evaluated - 1
    assert distributor.n_lost == 2
    # A resumed search reads it from the history and distributes it to no worker.
    again = distribute(1, option, poison)
    assert run_search(path, accelerator, DistributedEvaluator(again, "full"), "snasnet") == found
    assert again.n_lost == 0


@pytest.mark.slow
def test_workers_that_all_fail_end_the_search(distribute: Distribute) -> None:
    with pytest.raises(WorkerError, match="workers were lost 2 times on each of the first 3 candidates"):
        list(distribute(1, "--die-at", "|").evaluate("full", some(6)))


def test_workers_that_cannot_start_end_the_search(distribute: Distribute) -> None:
    with pytest.raises(WorkerError, match=r"3 workers ended before .*; reason of the last one: ended by SIGKILL"):
        distribute(2, "--never-ready").prepare()
    with pytest.raises(WorkerError, match="unrecognized arguments: --wrong"):
        distribute(1, "--wrong").prepare()


def test_a_refusal_is_raised_as_what_it_was(distribute: Distribute) -> None:
    with pytest.raises(DataError, match="no images here"):
        distribute(2, "--refuse").prepare()


def test_workers_that_compute_something_else_are_refused(distribute: Distribute) -> None:
    with pytest.raises(VerificationError, match="workers would compute different results"):
        list(distribute(2, "--other", "--sleep", "0.05").evaluate("full", some(40)))


def test_warnings_of_workers_arrive_once(distribute: Distribute, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        list(distribute(3).evaluate("full", some(9)))
    assert caplog.text.count("one image is broken") == 1


def test_an_abandoned_set_leaves_nothing_behind(distribute: Distribute) -> None:
    architectures = some(30)
    distributor = distribute(2, "--sleep", "0.01")
    for _ in distributor.evaluate("full", architectures):
        break
    found = dict(distributor.evaluate("full", architectures[::-1]))
    assert found == {index: light_fitness(one) for index, one in enumerate(architectures[::-1])}


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = """
from test_distribution import *
from test_distribution import _worker_ids
distributor = Distributor(ProcessCrew(2, light_command("--sleep", "60"), lambda number: JOB), 2)
for number in range(2):
    distributor._crew.start(number)
print(*_worker_ids(distributor), flush=True)
list(distributor.evaluate("full", some(10)))
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert parent.stdout is not None
    workers = [int(text) for text in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not any(map(_is_alive, workers)))


def _is_alive(process: int) -> bool:
    return state(process) not in {"", "Z"}


SMALL = ("search", "--algorithm", "snasnet", "--n-draws", 40, "--channels", 8, "--timesteps", 2)


def result(text: str) -> dict[str, object]:
    return {key: value for key, value in json.loads(text).items() if key not in {"seconds", "peak_memory_mb"}}


@pytest.mark.slow  # the fast run has workers in test_examples.py and test_memory.py
@pytest.mark.parametrize(
    "options",
    [
        pytest.param((1,), marks=pytest.mark.nightly, id="one"),
        pytest.param((2, "--memory-limit", 0.05), id="two"),
        pytest.param((3,), marks=pytest.mark.nightly, id="three"),
    ],
)
def test_search_with_workers(neuronas: Neuronas, tmp_path: Path, options: tuple[object, ...]) -> None:
    code, alone, _ = neuronas(*SMALL, "--json", "--out", "alone")
    assert code == 0
    code, out, err = neuronas(*SMALL, "--json", "--out", "together", "--workers", *options)
    assert code == 0, err
    assert result(out) == result(alone)
    assert result((tmp_path / "together" / "result.json").read_text()) == result(alone)
    assert content(tmp_path / "together" / "history.sqlite") == content(tmp_path / "alone" / "history.sqlite")
    assert json.loads(out)["peak_memory_mb"] > json.loads(alone)["peak_memory_mb"] * 0.5


@pytest.mark.slow
def test_mistakes_with_workers_are_those_without(neuronas: Neuronas, tmp_path: Path) -> None:
    for options, message in [
        (("--dataset", "imagefolder:none"), "image folder none"),
        (("--batch-size", 5000), "1,438 training images"),
        (("--memory-limit", 0.0001), "is too small for one candidate"),
        (("--workers", 0), "engine.workers: given 0"),
        (("--cluster", "slurm"), "engine.cluster: given 'slurm'"),
    ]:
        code, _, err = neuronas(*SMALL, "--workers", 1, "--quiet", "--out", "run", *options)
        assert (code, message in err) == (2, True), err
        assert len(err.splitlines()) == 1
