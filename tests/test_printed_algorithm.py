"""Algorithm 1 as printed by NeuroNAS, compared with a program that follows it line by line."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from hashlib import blake2b
from itertools import product
from pathlib import Path

import pytest

from neuronas.cli.main import run as command
from neuronas.config import ALGORITHMS, SearchConfig
from neuronas.errors import InfeasibleError
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import PAPER_BUDGET, Budget
from neuronas.hardware.cost import Cost
from neuronas.hardware.paper import PaperCostModel
from neuronas.runs.history import History
from neuronas.runs.results import SearchSummary
from neuronas.search.algorithms.limited import limited
from neuronas.search.loop import search
from neuronas.search.problem import Found, Problem
from neuronas.search.screening import Evaluators
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture, Edge, Genotype
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.space.workload import rows

SHAPE, BITS, TIMESTEPS = NetworkShape(3, 32, 10, 128), 8, 5
TIGHT = Budget(max_parameters=1.2e6, max_area_mm2=40, max_latency_ms=320, max_energy_uj=120)
OPERATIONS = ("skip", "conv_3x3", "avg_pool_3x3")
Fitness = Callable[[str], float]


def drawn(n_values: int, lowest: float = 0.0) -> Fitness:
    """Pseudo-random fitness from the text of an architecture; few distinct values give many ties."""
    return lambda text: lowest + int.from_bytes(blake2b(text.encode(), digest_size=6).digest()) % n_values


class Evaluator:
    """Records requests; stops after a number of answers, as if killed."""

    def __init__(self, fitness: Fitness, stop_after: int | None = None):
        self.fitness, self.stop_after = fitness, stop_after
        self.asked: list[str] = []

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        for index in reversed(range(len(architectures))):
            if len(self.asked) == self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(format_architecture(architectures[index]))
            yield index, self.fitness(self.asked[-1])


def run(path: Path, accelerator: Accelerator, evaluator: Evaluator, budget: Budget, name: str) -> Found:
    problem = Problem(load_space("neuronas"), SHAPE, PaperCostModel(accelerator, BITS, TIMESTEPS), budget)
    with closing(History(path)) as history:
        # The screen would fail, so it must not be used.
        evaluators = Evaluators(evaluator, Evaluator(drawn(9), stop_after=0) if name != "neuronas" else None, keep=0.1)
        return search(problem, ALGORITHMS[name], SearchConfig(), 0, evaluators, history)


def line_by_line(
    accelerator: Accelerator, fitness: Fitness, budget: Budget
) -> tuple[float, str | None, list[str], list[str]]:
    """Algorithm 1 as printed: best score, its network, the proposed networks, and the evaluated ones."""
    model = PaperCostModel(accelerator, BITS, TIMESTEPS)

    @cache
    def cost_of(n_first: int, n_second: int) -> Cost:
        """In this model, cost depends on the number of convolutions in each cell."""
        edges = [Edge("conv_3x3")] * 6 + [Edge("skip")] * 6
        cells = (Genotype(tuple(edges[6 - n : 12 - n])) for n in (n_first, n_second))
        return model.estimate(rows(Architecture(tuple(cells)), SHAPE))

    score_best, a_best, network_best = -1000.0, None, None
    proposed, scored = [], []
    for is_second in (False, True):
        if is_second and a_best is None:
            break
        for op01 in OPERATIONS:
            for op02 in OPERATIONS:
                for op03, op12, op13, op23 in product(OPERATIONS, repeat=4):
                    cell = f"|{op01}~0|+|{op02}~0|{op12}~1|+|{op03}~0|{op13}~1|{op23}~2|"
                    network = f"{a_best} / {cell}" if is_second and a_best != cell else cell
                    proposed.append(network)
                    cost = cost_of((a_best if is_second and a_best else cell).count("conv"), cell.count("conv"))
                    if cost.parameters > budget.max_parameters:
                        continue
                    others = (cost.area_mm2, cost.latency_ms, cost.energy_uj)
                    limits = (budget.max_area_mm2, budget.max_latency_ms, budget.max_energy_uj)
                    if is_second and any(value > limit for value, limit in zip(others, limits, strict=True)):
                        continue
                    score = fitness(network)
                    scored.append(network)
                    if score > score_best:
                        score_best, network_best = score, network
                        chosen = cell
        if not is_second and network_best is not None:
            a_best = chosen
    return score_best, network_best, proposed, scored


@pytest.mark.parametrize(
    ("budget", "fitness"),
    [
        (PAPER_BUDGET, drawn(10**9)),
        (TIGHT, drawn(7)),
        (Budget(max_parameters=1e6, max_latency_ms=330), drawn(7, lowest=-1005.0)),
    ],
)
def test_it_proposes_scores_and_answers_as_the_printed_lines(
    accelerator: Accelerator, tmp_path: Path, fitness: Fitness, budget: Budget
) -> None:
    evaluator = Evaluator(fitness)
    score, network, proposed, scored = line_by_line(accelerator, fitness, budget)
    found = run(tmp_path / "a", accelerator, evaluator, budget, "neuronas-published")
    assert (found.fitness, format_architecture(found.architecture)) == (score, network)
    with closing(History(tmp_path / "a")) as history:
        assert history.columns("architecture")[0] == proposed
    # (A, A) occurs again in the second pass, with known fitness.
    assert sorted(evaluator.asked) == sorted(set(scored))
    assert found.n_candidates == len(proposed) == 1458
    assert len({architecture_key(parse_architecture(text)) for text in scored}) < found.n_evaluated == len(set(scored))


def test_it_answers_with_a_network_that_breaks_the_budget_where_the_amended_one_does_not(
    accelerator: Accelerator, tmp_path: Path
) -> None:
    """A fitness that counts convolutions: the printed first pass takes all possible ones; no second cell has more."""

    def convolutions(text: str) -> float:
        return float(sum(cell.count("conv") for cell in (text.split(" / ") * 2)[:2]))

    model = PaperCostModel(accelerator, BITS, TIMESTEPS)
    broken = {}
    for name in ("neuronas", "neuronas-published"):
        found = run(tmp_path / name, accelerator, Evaluator(convolutions), PAPER_BUDGET, name)
        cost = model.estimate(rows(found.architecture, SHAPE))
        broken[name] = (found.fitness, round(cost.parameters, -4), PAPER_BUDGET.violations(cost))
    assert broken["neuronas-published"] == (12.0, 4_720_000, {"latency_ms": pytest.approx(122, abs=0.5)})
    assert broken["neuronas"][0] < 12 and broken["neuronas"][2] == {}


def test_no_candidate_above_the_start_is_no_answer(accelerator: Accelerator, tmp_path: Path) -> None:
    with pytest.raises(
        InfeasibleError, match=r"none of 729 candidates has a fitness above -1000, .* highest is -1000;"
    ):
        run(tmp_path / "a", accelerator, Evaluator(lambda text: -1000.0), PAPER_BUDGET, "neuronas-published")


def test_where_memory_fits_no_candidate_the_closest_is_named(accelerator: Accelerator, tmp_path: Path) -> None:
    evaluator = Evaluator(drawn(9))
    with pytest.raises(InfeasibleError, match="closest misses parameters: "):
        run(tmp_path / "a", accelerator, evaluator, Budget(max_parameters=10, max_latency_ms=1), "neuronas-published")
    assert evaluator.asked == []


@pytest.mark.parametrize("stop_after", [0, 1, 800])
def test_it_is_resumed_to_the_identical_result(accelerator: Accelerator, tmp_path: Path, stop_after: int) -> None:
    fitness = drawn(10**9)
    whole = run(tmp_path / "whole", accelerator, Evaluator(fitness), PAPER_BUDGET, "neuronas-published")
    first, second = Evaluator(fitness, stop_after), Evaluator(fitness)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", accelerator, first, PAPER_BUDGET, "neuronas-published")
    assert run(tmp_path / "parts", accelerator, second, PAPER_BUDGET, "neuronas-published") == whole
    assert not set(first.asked) & set(second.asked)


def test_a_limited_one_keeps_what_each_pass_checks(accelerator: Accelerator, tmp_path: Path) -> None:
    evaluator = Evaluator(drawn(10**9))
    problem = Problem(load_space("neuronas"), SHAPE, PaperCostModel(accelerator, BITS, TIMESTEPS), TIGHT)
    with closing(History(tmp_path / "a")) as history:
        algorithm = limited(ALGORITHMS["neuronas-published"], 10**6)
        found = search(problem, algorithm, SearchConfig(), 0, Evaluators(evaluator), history)
    whole = run(tmp_path / "b", accelerator, Evaluator(drawn(10**9)), TIGHT, "neuronas-published")
    assert (found.architecture, found.n_evaluated) == (whole.architecture, whole.n_evaluated)


def test_the_command_says_which_limits_the_answer_breaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    options = ["--channels", "2", "--batch-size", "8", "--timesteps", "2", "--fitness", "sahd", "--out", str(out)]
    options += ["--cost-model", "paper", "--max-energy-uj", "0.09", "--algorithm", "neuronas-published"]
    assert command(["search", *options]) == 0
    shown = capsys.readouterr()
    assert "note: the answer breaks the budget: energy by " in shown.err
    assert "; --algorithm neuronas keeps every limit" in shown.err
    summary = SearchSummary.read(out / "result.json")
    assert list(summary.violations) == ["energy_uj"]
    assert summary.violations["energy_uj"] == pytest.approx(summary.cost.energy_uj - 0.09)
    for verb in (["report", str(out)], ["estimate", str(out)], ["search", "--resume", "--out", str(out)]):
        assert command(verb) == 0
