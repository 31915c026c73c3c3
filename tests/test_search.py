"""The contract of every algorithm, the loop and the history."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuronas.config import ALGORITHMS, SearchConfig
from neuronas.errors import ConfigurationError, InfeasibleError, NeuronasError, RunDirectoryError, VerificationError
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import Budget, rejected
from neuronas.hardware.paper import PaperCostModel
from neuronas.runs.history import History
from neuronas.runs.history_file import CandidateRow, HistorySnapshot
from neuronas.search.loop import search
from neuronas.search.problem import Found, Problem
from neuronas.search.screening import MIN_SURVIVORS, Evaluators, survivors
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.space.workload import Workload, rows

SETTINGS = SearchConfig(n_draws=400)
SHAPE = NetworkShape(3, 32, 10, 128)
TIGHT = Budget(max_parameters=1.2e6, max_area_mm2=40, max_latency_ms=320, max_energy_uj=120)


class Fake:
    """Fitness from the architecture's text: deterministic, distinct, and counted."""

    def __init__(self, stop_after: int | None = None):
        self.calls: list[str] = []
        self.stop_after = stop_after

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        # in reverse, to show that the order of results does not matter
        for index in reversed(range(len(architectures))):
            if self.stop_after is not None and len(self.calls) >= self.stop_after:
                raise KeyboardInterrupt
            self.calls.append(architecture_key(architectures[index]))
            yield index, float(int(self.calls[-1][:8], 16))


def run(
    name: str,
    path: Path,
    space: str,
    accelerator: Accelerator,
    *,
    budget: Budget = TIGHT,
    seed: int = 0,
    fake: Fake | None = None,
    evaluators: Evaluators | None = None,
) -> Found:
    history = History(path)
    try:
        problem = Problem(load_space(space), SHAPE, PaperCostModel(accelerator, 8, 5), budget)
        return search(problem, ALGORITHMS[name], SETTINGS, seed, evaluators or Evaluators(fake or Fake()), history)
    finally:
        history.close()


def content(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT * FROM candidates ORDER BY position").fetchall()
        return (
            rows
            + db.execute("SELECT key, screened, position, fitness FROM evaluations ORDER BY screened, key").fetchall()
        )


# Exhaustive search has spaces of its own size in test_survey.py. The printed algorithm does not fulfil this contract;
# it is tested in test_printed_algorithm.py.
ELSEWHERE = {"exhaustive", "neuronas-published"}
CASES = [(name, space) for name in ALGORITHMS for space in ("neuronas", "snasnet", "snasnet-backward")
         if name not in ELSEWHERE and not (space.startswith("snasnet") and name != "snasnet")]  # fmt: skip


@pytest.mark.parametrize(("name", "space"), CASES)
class TestEveryAlgorithm:
    def test_same_seed_same_history(self, name: str, space: str, accelerator: Accelerator, tmp_path: Path) -> None:
        assert run(name, tmp_path / "a", space, accelerator) == run(name, tmp_path / "b", space, accelerator)
        assert content(tmp_path / "a") == content(tmp_path / "b")

    def test_the_answer_fits_and_lies_in_the_space(self, name, space, accelerator, tmp_path: Path) -> None:
        for seed in range(3):
            found = run(name, tmp_path / str(seed), space, accelerator, seed=seed)
            cost = PaperCostModel(accelerator, 8, 5).estimate(rows(found.architecture, SHAPE))
            assert TIGHT.violations(cost) == {}
            if space == "neuronas":
                load_space(space).check(found.architecture)

    def test_every_function_is_evaluated_once(self, name, space, accelerator, tmp_path: Path) -> None:
        fake = Fake()
        found = run(name, tmp_path / "a", space, accelerator, fake=fake)
        assert len(fake.calls) == len(set(fake.calls)) == found.n_evaluated

    def test_an_impossible_budget_ends(self, name, space, accelerator, tmp_path: Path) -> None:
        fake = Fake()
        with pytest.raises(InfeasibleError, match=r"closest misses latency: [\d.]+ ms against a limit of 10 ms"):
            run(name, tmp_path / "a", space, accelerator, budget=Budget(max_latency_ms=10), fake=fake)
        assert fake.calls == []

    @pytest.mark.parametrize("stop_after", [0, 1, 7])
    def test_resume_gives_the_identical_result(self, name, space, accelerator, tmp_path: Path, stop_after: int) -> None:
        whole = run(name, tmp_path / "whole", space, accelerator)
        first, second = Fake(stop_after), Fake()
        with pytest.raises(KeyboardInterrupt):
            run(name, tmp_path / "parts", space, accelerator, fake=first)
        assert run(name, tmp_path / "parts", space, accelerator, fake=second) == whole
        assert content(tmp_path / "parts") == content(tmp_path / "whole")
        assert not set(first.calls) & set(second.calls)


def test_algorithm_1_by_hand(accelerator: Accelerator, tmp_path: Path) -> None:
    """A search over four cells, worked out by brute force over the first pass and then the second."""
    file = tmp_path / "two.yaml"
    file.write_text("operations: [skip, conv_3x3]\n")
    space = load_space(str(file))
    model = PaperCostModel(accelerator, 8, 5)

    def fitness(architecture: Architecture) -> float | None:
        fits = not TIGHT.violations(model.estimate(rows(architecture, SHAPE)))
        return float(int(architecture_key(architecture)[:8], 16)) if fits else None

    def top(candidates: list[Architecture]) -> Architecture:
        return max((c for c in candidates if fitness(c) is not None), key=lambda c: fitness(c) or 0)

    first = top([Architecture((cell,)) for cell in space.genotypes()])
    second = top([Architecture((first.cells[0], cell)) for cell in space.genotypes()] + [first])
    found = run("neuronas", tmp_path / "a", str(file), accelerator)
    assert architecture_key(found.architecture) == architecture_key(second)
    assert found.n_candidates == 2 * 2**6
    assert found.rejected["latency_ms"] > 0


def test_published_flaw_is_gone(accelerator: Accelerator, tmp_path: Path) -> None:
    """With memory alone, the first pass may return a network that breaks the other limits; ours never does."""
    memory_only = Budget(max_parameters=10e6)
    loose = run("neuronas", tmp_path / "a", "neuronas", accelerator, budget=memory_only)
    strict = run("neuronas", tmp_path / "b", "neuronas", accelerator)
    model = PaperCostModel(accelerator, 8, 5)
    assert TIGHT.violations(model.estimate(rows(loose.architecture, SHAPE)))
    assert not TIGHT.violations(model.estimate(rows(strict.architecture, SHAPE)))


def test_violations_carry_their_excess(accelerator: Accelerator) -> None:
    architecture = parse_architecture("|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|")
    cost = PaperCostModel(accelerator, 8, 5).estimate(rows(architecture, SHAPE))
    budget = Budget(max_latency_ms=cost.latency_ms, max_area_mm2=cost.area_mm2 - 1)
    assert budget.violations(cost) == {"area_mm2": pytest.approx(1)}
    excess = budget.excess(cost)
    assert excess["latency_ms"] == 0
    assert excess["energy_uj"] == -np.inf


def test_not_a_number_is_refused(accelerator: Accelerator, tmp_path: Path) -> None:
    class Broken(Fake):
        def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
            yield 0, float("nan")

    with pytest.raises(NeuronasError, match="is not a number"):
        run("neuronas", tmp_path / "a", "neuronas", accelerator, fake=Broken())


def test_history_of_another_search_is_refused(accelerator: Accelerator, tmp_path: Path) -> None:
    run("snasnet", tmp_path / "a", "neuronas", accelerator, seed=0)
    with pytest.raises(VerificationError, match="belongs to another search"):
        run("snasnet", tmp_path / "a", "neuronas", accelerator, seed=1)


@pytest.mark.parametrize("damage", ["text", "version", "tables"])
def test_broken_history_files(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "history.sqlite"
    if damage == "text":
        path.write_text("this is no database, but it is long enough to be read as one" * 20)
    else:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 99" if damage == "version" else "CREATE TABLE other (x)")
    with pytest.raises(VerificationError, match=r"history\.sqlite"):
        History(path)


def test_unwritable_history(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="unable to open"):
        History(tmp_path / "missing" / "history.sqlite")


def test_candidates_come_back_in_order(accelerator: Accelerator, tmp_path: Path) -> None:
    run("snasnet", tmp_path / "a", "neuronas", accelerator)
    with closing(History(tmp_path / "a")) as history:
        columns = history.columns("position", "architecture", "key", "rejected")
    assert columns[0] == list(range(400))
    for _, text, key, broken in list(zip(*columns, strict=True))[:5]:
        architecture = parse_architecture(text)
        assert format_architecture(architecture) == text
        assert architecture_key(architecture) == key
        cost = PaperCostModel(accelerator, 8, 5).estimate(rows(architecture, SHAPE))
        assert broken == ",".join(TIGHT.violations(cost))


class Scaled(Fake):
    """A screen with the ranking of the full fitness on another scale."""

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        for index, fitness in super().evaluate(architectures):
            yield index, fitness / 1e6 - 3


def test_a_faithful_screen_changes_nothing_but_the_work(accelerator: Accelerator, tmp_path: Path) -> None:
    exact = run("neuronas", tmp_path / "exact", "neuronas", accelerator)
    full = Fake()
    screened = run(
        "neuronas", tmp_path / "screened", "neuronas", accelerator, evaluators=Evaluators(full, Scaled(), keep=0.1)
    )
    assert (screened.architecture, screened.fitness) == (exact.architecture, exact.fitness)
    assert screened.n_evaluated == exact.n_evaluated == exact.n_full
    assert screened.n_full == len(full.calls) < 0.3 * exact.n_full


@pytest.mark.parametrize(("stop_screen", "stop_full"), [(5, None), (None, 3), (150, 20)])
def test_a_screened_search_resumes_to_the_identical_result(
    accelerator: Accelerator, tmp_path: Path, stop_screen: int | None, stop_full: int | None
) -> None:
    def go(path: Path, screen: Fake, full: Fake) -> Found:
        return run("neuronas", path, "neuronas", accelerator, evaluators=Evaluators(full, screen, keep=0.1))

    whole = go(tmp_path / "whole", Scaled(), Fake())
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "parts", Scaled(stop_screen), Fake(stop_full))
    assert go(tmp_path / "parts", Scaled(), Fake()) == whole
    assert content(tmp_path / "parts") == content(tmp_path / "whole")


def test_survivors() -> None:
    assert survivors({"a": 1.0, "b": 3.0, "c": 3.0, "d": -np.inf}, 2) == ["b", "c"]
    screen = Evaluators(Fake(), Fake(), keep=0.1)
    assert [screen.n_survivors(n) for n in (3, 100, 1000)] == [3, MIN_SURVIVORS, 100]
    assert Evaluators(Fake()).n_survivors(1000) == 1000


def test_a_limit_equal_to_an_estimate_is_kept(accelerator: Accelerator) -> None:
    model, work = PaperCostModel(accelerator, 8, 5), Workload(SHAPE, 4)
    for cell in list(load_space("neuronas").genotypes())[::7]:
        cost = model.estimate(rows(Architecture((cell,)), SHAPE))
        budget = Budget(cost.parameters, cost.area_mm2, cost.latency_ms, cost.energy_uj)
        assert budget.violations(cost) == {}
        totals = model.totals(work.slots, work.occupancy([Architecture((cell,))]))
        assert rejected(budget.excess(totals)) == [()]


def test_a_space_too_large_to_go_through_is_refused(accelerator: Accelerator, tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("operations: [none, skip, conv_1x1, conv_3x3, conv_5x5]\nthresholds: [0.5, 1, 1.5]\n")
    with pytest.raises(ConfigurationError, match="1,771,561 cells"):
        run("neuronas", tmp_path / "a", str(file), accelerator)


def test_a_snapshot_reads_while_a_search_writes(accelerator: Accelerator, tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    writer = History(path)
    row = CandidateRow(0, 0, "one", "key", 1.0, 2.0, 3.0, 4.0, "")
    writer.add_candidates([row])
    snapshot = HistorySnapshot(path)
    writer.add_candidates([replace(row, position=1, architecture="two")])
    writer.add_fitness("key", 0, 5.0, 0.1, screened=False)
    assert snapshot.columns("architecture") == [["one"]]
    assert snapshot.fitness(screened=False) == {}
    snapshot.close()
    later = HistorySnapshot(path)
    assert later.columns("architecture") == [["one", "two"]]
    assert later.fitness(screened=False) == {"key": 5.0}
    later.close()
    writer.close()


def test_a_snapshot_writes_nothing(accelerator: Accelerator, tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    run("snasnet", path, "neuronas", accelerator)
    before = path.read_bytes()
    snapshot = HistorySnapshot(path)
    assert len(snapshot.columns("position")[0]) == 400
    snapshot.close()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    (tmp_path / "new").touch()
    with closing(HistorySnapshot(tmp_path / "new")) as snapshot:
        assert snapshot.is_empty
