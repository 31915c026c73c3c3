"""Evolution and exhaustive search: known fronts, seeds, resuming, and the choice from a front."""

import csv
import gc
import json
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, strategies as st

from conftest import Neuronas, chain
from neuronas.config import ALGORITHMS, SearchConfig
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.paper import PaperCostModel
from neuronas.hardware.pareto import hypervolume, non_dominated, scaled
from neuronas.hardware.units import BUDGETED
from neuronas.runs.history import History
from neuronas.search.algorithms.base import Algorithm, Outcome
from neuronas.search.algorithms.evolution import crossover, mutate
from neuronas.search.algorithms.exhaustive import distinct_cells
from neuronas.search.algorithms.random_draws import random_draws
from neuronas.search.algorithms.selection import Selection
from neuronas.search.algorithms.table import BUILTIN
from neuronas.search.front import choose, front, knee, objectives
from neuronas.search.loop import search
from neuronas.search.problem import Found, Problem
from neuronas.search.screening import Evaluators
from neuronas.search.survey import pareto_front, write_ranking
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space, load_space
from neuronas.space.workload import rows

SHAPE = NetworkShape(3, 32, 10, 128)
NO_LIMIT = Budget()
CELL = parse_architecture("|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|")


class Convolutions:
    """Fitness: number of convolutions, those of cell A counted twice. (n_A, n_B) determines fitness and cost."""

    def __init__(self, stop_after: int | None = None):
        self.keys: list[str] = []
        self.stop_after = stop_after

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        for index, architecture in enumerate(architectures):
            if self.stop_after is not None and len(self.keys) >= self.stop_after:
                raise KeyboardInterrupt
            self.keys.append(architecture_key(architecture))
            first, second = architecture.expanded(2)
            counts = [sum(edge.operation == "conv_3x3" for edge in cell.edges) for cell in (first, second)]
            yield index, float(2 * counts[0] + counts[1])


def run(
    name: str,
    path: Path,
    accelerator: Accelerator,
    space: str = "neuronas",
    *,
    n_draws: int = 600,
    budget: Budget = NO_LIMIT,
    seed: int = 0,
    evaluator: Convolutions | None = None,
    prefer: str = "fitness",
) -> Found:
    history = History(path)
    settings = SearchConfig(algorithm=name, n_draws=n_draws, population=40, prefer=prefer)  # type: ignore[arg-type]
    problem = Problem(load_space(space), SHAPE, PaperCostModel(accelerator, 8, 5), budget)
    try:
        return search(problem, ALGORITHMS[name], settings, seed, Evaluators(evaluator or Convolutions()), history)
    finally:
        history.close()


@pytest.fixture
def two_operations(tmp_path: Path) -> str:
    file = tmp_path / "two.yaml"
    file.write_text("operations: [skip, conv_3x3]\n")
    return str(file)


def outcome(fitness: float | None, *cost: float) -> Outcome:
    return Outcome(CELL, fitness, cost, (-1.0,) * 4)


def test_exhaustive_proposes_every_distinct_pair_once(accelerator, tmp_path: Path, two_operations: str) -> None:
    space = load_space(two_operations)
    cells = list(space.genotypes())
    keys = {architecture_key(Architecture(pair)) for pair in product(cells, cells)}
    evaluator = Convolutions()
    found = run("exhaustive", tmp_path / "a", accelerator, two_operations, evaluator=evaluator)
    assert sorted(evaluator.keys) == sorted(keys)
    assert found.n_candidates == len(distinct_cells(cells)) ** 2 < len(cells) ** 2
    assert found.fitness == 18  # six convolutions in each cell: 2 * 6 + 6


def test_distinct_cells_of_the_papers_space() -> None:
    cells = distinct_cells(list(load_space("neuronas").genotypes()))
    assert len({architecture_key(Architecture((cell,))) for cell in cells}) == 420
    assert len(cells) == 456  # 36 functions exist with two amounts of pooling or additions


def test_the_front_by_hand(accelerator, tmp_path: Path, two_operations: str) -> None:
    """With this fitness every (n_A, n_B) has its own cost and fitness; brute force over the 49 gives the front."""
    found = run("exhaustive", tmp_path / "a", accelerator, two_operations)
    by_counts = {}
    for one in found.surveyed:
        by_counts.setdefault((one.fitness, *one.cost), one)
    assert len(by_counts) == 49
    points = [(-row[0], *row[1:]) for row in by_counts]
    expected = {
        point
        for point in points
        if not any(other != point and all(a <= b for a, b in zip(other, point, strict=True)) for other in points)
    }
    assert {(-(one.fitness or 0), *one.cost) for one in front(found.surveyed)} == expected
    assert len(expected) < 49


@pytest.mark.slow
def test_evolution_finds_the_known_front(accelerator, tmp_path: Path, two_operations: str) -> None:
    exact = run("exhaustive", tmp_path / "a", accelerator, two_operations)
    found = run("evolution", tmp_path / "b", accelerator, two_operations, n_draws=10_000)

    def points(one: Found) -> set[tuple[object, ...]]:
        return {(member.fitness, *member.cost) for member in front(one.surveyed)}

    assert points(found) == points(exact)
    fronts = [pareto_front(one.surveyed, "fitness", "") for one in (exact, found)]
    assert fronts[0].hypervolume == pytest.approx(fronts[1].hypervolume, rel=1e-12)


def test_evolution_beats_random_draws(accelerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With equal numbers of evaluations, evolution dominates more of the box between the cheapest and dearest pair."""
    monkeypatch.setitem(BUILTIN, "draws", Algorithm(random_draws, NO_LIMIT, "", surveys=True))
    model = PaperCostModel(accelerator, 8, 5)
    corners = [model.estimate(rows(parse_architecture(chain(n)), SHAPE)) for n in (0, 6)]
    box = np.array(
        [
            (fitness, *(getattr(cost, name) for name in BUDGETED))
            for fitness, cost in zip((0, -18), corners, strict=True)
        ]
    )
    volumes = {
        name: [
            hypervolume(scaled(objectives(front(found.surveyed)), box))
            for found in (run(name, tmp_path / f"{name}{seed}", accelerator, seed=seed) for seed in range(3))
        ]
        for name in ("evolution", "draws")
    }
    assert min(volumes["evolution"]) > max(volumes["draws"])


@pytest.mark.parametrize("name", ["evolution", "exhaustive"])
class TestEverySurvey:
    def test_budgets_are_kept(self, name: str, accelerator, tmp_path: Path, two_operations: str) -> None:
        budget = Budget(max_parameters=2e6, max_latency_ms=330)
        found = run(name, tmp_path / "a", accelerator, two_operations, budget=budget)
        assert found.rejected["latency_ms"] > 0
        assert all(one.cost[0] <= 2e6 and one.cost[2] <= 330 for one in found.surveyed)

    def test_same_seed_same_front(self, name: str, accelerator, tmp_path: Path, two_operations: str) -> None:
        runs = [run(name, tmp_path / str(n), accelerator, two_operations, n_draws=200) for n in range(2)]
        assert runs[0] == runs[1]
        other = run(name, tmp_path / "other", accelerator, two_operations, n_draws=200, seed=1)
        assert (other == runs[0]) == (name == "exhaustive")

    @pytest.mark.parametrize("stop_after", [0, 3, 95])
    def test_resume_gives_the_identical_result(self, name, accelerator, tmp_path, two_operations, stop_after) -> None:
        whole = run(name, tmp_path / "whole", accelerator, two_operations, n_draws=200)
        first, second = Convolutions(stop_after), Convolutions()
        with pytest.raises(KeyboardInterrupt):
            run(name, tmp_path / "parts", accelerator, two_operations, n_draws=200, evaluator=first)
        assert run(name, tmp_path / "parts", accelerator, two_operations, n_draws=200, evaluator=second) == whole
        assert not set(first.keys) & set(second.keys)

    def test_no_function_twice(self, name: str, accelerator, tmp_path: Path, two_operations: str) -> None:
        evaluator = Convolutions()
        run(name, tmp_path / "a", accelerator, two_operations, evaluator=evaluator)
        assert len(evaluator.keys) == len(set(evaluator.keys))

    def test_the_choice(self, name: str, accelerator, tmp_path: Path, two_operations: str) -> None:
        cheap = run(name, tmp_path / "a", accelerator, two_operations, prefer="energy_uj")
        knee_point = run(name, tmp_path / "b", accelerator, two_operations, prefer="knee")
        fittest = run(name, tmp_path / "c", accelerator, two_operations)
        assert cheap.fitness < knee_point.fitness < fittest.fitness


def test_evolution_of_a_space_with_a_condition(accelerator, tmp_path: Path) -> None:
    space = load_space("snasnet")
    found = run("evolution", tmp_path / "a", accelerator, "snasnet", n_draws=200)
    assert all(space.allows(cell) for one in found.surveyed for cell in one.architecture.cells)


def test_the_dead_are_forgotten() -> None:
    selection, random = Selection(20, seed=0), Random(0)
    sizes = []
    gc.collect()
    gc.freeze()  # existing objects would make collections slow
    tracemalloc.start()
    try:
        for _ in range(40):
            costs = [tuple(random.random() for _ in BUDGETED) for _ in range(20)]
            assert len(selection.survivors([outcome(random.random(), *cost) for cost in costs])) == 20
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    assert max(sizes[20:]) - max(sizes[:20]) < 40_000  # 400 candidates; their trials alone would take 800,000 bytes


def test_a_space_too_large_is_refused(accelerator, tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("operations: [none, skip, conv_1x1, conv_3x3]\n")
    with pytest.raises(ConfigurationError, match="distinct architectures given; expected at most 1,000,000"):
        run("exhaustive", tmp_path / "a", accelerator, str(file))


def test_prefer_needs_a_survey(accelerator, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--prefer knee given with --algorithm neuronas"):
        run("neuronas", tmp_path / "a", accelerator, prefer="knee")


def test_a_missing_optuna_is_one_line(accelerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "neuronas.search.algorithms.selection", raising=False)
    with pytest.raises(ConfigurationError, match=r"pip install 'neuronas\[evolution\]'"):
        run("evolution", tmp_path / "a", accelerator)


@pytest.mark.parametrize(
    ("points", "volume"),
    [
        ([[0.25]], 0.75),
        ([[0.5, 0.5]], 0.25),
        ([[0.0, 0.5], [0.5, 0.0]], 0.75),
        ([[0.0, 0.0, 0.5], [0.5, 0.5, 0.0]], 0.625),  # 0.5 + 0.25 - 0.125
        ([[1.0, 0.0]], 0.0),
    ],
)
def test_hypervolume_by_hand(points: list[list[float]], volume: float) -> None:
    assert hypervolume(np.array(points)) == pytest.approx(volume)


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=12))
def test_hypervolume_counts_dominated_cells(corners: list[tuple[int, int, int]]) -> None:
    cells = sum(
        any(all(a <= b for a, b in zip(corner, cell, strict=True)) for corner in corners)
        for cell in product(range(4), repeat=3)
    )
    assert hypervolume(np.array(corners) / 4) == pytest.approx(cells / 64)


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=20))
def test_nobody_beats_the_front(rows: list[tuple[int, int, int]]) -> None:
    chosen = [rows[index] for index in non_dominated(np.array(rows, dtype=float))]
    assert len(set(chosen)) == len(chosen)
    beats = lambda a, b: a != b and all(x <= y for x, y in zip(a, b, strict=True))  # noqa: E731
    assert set(chosen) == {row for row in rows if not any(beats(other, row) for other in rows)}


def test_choosing_by_hand(tmp_path: Path) -> None:
    best, middle, cheap = outcome(10, 10, 10, 10, 10), outcome(9, 2, 2, 2, 2), outcome(1, 1, 1, 1, 1)
    beaten, over, blind = outcome(8, 3, 3, 3, 3), outcome(None, 0, 0, 0, 0), outcome(-np.inf, 0, 0, 0, 0)
    everyone = [best, beaten, cheap, over, middle, blind]
    assert front(everyone) == [best, cheap, middle]
    assert [choose(everyone, name) for name in ("fitness", "area_mm2", "knee")] == [best, cheap, middle]
    assert choose([over, blind], "knee") == blind
    assert choose([over], "fitness") is None
    assert knee(np.array([[0.0] * 5])) == 0
    write_ranking(tmp_path / "ranking.csv", everyone)
    with (tmp_path / "ranking.csv").open(newline="") as file:
        assert [row["fitness"] for row in csv.DictReader(file)] == ["10", "9", "8", "1", "-inf"]


def test_offspring_stay_within_their_parents_edges() -> None:
    space: Space = load_space("neuronas")
    random = Random(0)
    for _ in range(50):
        first, second = space.random_architecture(random), space.random_architecture(random)
        child = crossover(first, second, 2, random)
        for one, two, three in zip(first.expanded(2), second.expanded(2), child.expanded(2), strict=True):
            assert all(edge in pair for edge, *pair in zip(three.edges, one.edges, two.edges, strict=True))
        space.check(mutate(child, space, 2, random))


def test_the_command_keeps_front_and_ranking(neuronas: Neuronas, tmp_path: Path) -> None:
    options = ["--dataset", "digits", "--channels", 4, "--batch-size", 8, "--out", "run", "--algorithm", "evolution"]
    size = ["--n-draws", 40, "--population", 10, "--seed", 3]
    code, out, err = neuronas("search", *options, *size, "--json", "--quiet")
    assert code == 0, err
    document = json.loads(out)
    written = json.loads((tmp_path / "run" / "front.json").read_text())
    assert document["architecture"] == written["chosen"] == written["front"][0]["architecture"]
    assert 0 < written["hypervolume"] <= 1
    assert (tmp_path / "run" / "ranking.csv").read_text().startswith("rank,architecture,fitness,parameters,")
    code, out, _ = neuronas("search", "--resume", "--out", "run", "--prefer", "energy_uj")
    assert code == 0
    assert "chosen by --prefer energy_uj" in out
    cheapest = min(row["energy_uj"] for row in written["front"])
    assert json.loads((tmp_path / "run" / "result.json").read_text())["cost"]["energy_uj"] == pytest.approx(cheapest)
    assert neuronas("search", *options[:-4], "--prefer", "fast")[0] == 2
