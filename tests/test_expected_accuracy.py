"""Expected accuracy for a fitness: where tables of trained networks apply, and the text elsewhere."""

import json
from pathlib import Path

import pytest

from conftest import Neuronas
from neuronas.api.searching.expected_accuracy import expected_accuracy
from neuronas.api.setup.settings import planned
from neuronas.fitness.calibration import AccuracyCalibration, calibration
from neuronas.fitness.measure import rule_of
from neuronas.runs.finalists import Finalist, FinalistChoice, Rung
from neuronas.runs.results import ExpectedAccuracy
from neuronas.space.genotype import Architecture
from neuronas.space.notation import parse_architecture

CHAIN = parse_architecture("|conv_3x3~0|+|none~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|")
POOLED = parse_architecture("|avg_pool_3x3~0|+|none~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|")


def expected(architecture: Architecture = CHAIN, fitness: float = 5.6, **options: object) -> ExpectedAccuracy | None:
    given = {"dataset": "cifar10", "channels": 128, "timesteps": 5, **options}
    return expected_accuracy(planned("search", given), architecture, fitness)


def table_of(measure: str) -> AccuracyCalibration:
    (table,) = [one for one in calibration().accuracy if (one.dataset, one.fitness) == ("cifar10", measure)]
    return table


@pytest.mark.parametrize(("measure", "fitness"), [("path-and-size", 5.6), ("path-information", 6.0)])
def test_intervals_come_from_the_table_of_the_data_set(measure: str, fitness: float) -> None:
    run = planned("search", {"dataset": "cifar10", "channels": 128, "timesteps": 5, "fitness": measure})
    table, found = table_of(measure), expected_accuracy(run, CHAIN, fitness)
    assert found is not None
    assert found.value == pytest.approx((table.slope * fitness + table.intercept) / 100)
    assert 0.8 < found.low < found.value < found.high < 0.9
    assert found.level == 0.9
    other = expected(dataset="cifar100")
    assert other is not None
    assert other.high < found.low


@pytest.mark.parametrize(
    "options",
    [
        {"dataset": "digits"},
        {"channels": 64},
        {"timesteps": 4},
        {"fitness_name": "sahd"},
        {"architecture": POOLED},
        {"fitness": 100.0},
    ],
)
def test_elsewhere_nothing_is_expected(options: dict) -> None:
    if "fitness_name" in options:
        run = planned("search", {"dataset": "cifar10", "channels": 128, "timesteps": 5, "fitness": "sahd"})
        assert expected_accuracy(run, CHAIN, 5.6) is None
    else:
        assert expected(**options) is None


def test_the_line_is_that_of_the_measure_as_it_is() -> None:
    # If constants of the measures are changed, run benchmarks/fit_accuracy.py again.
    for table in calibration().accuracy:
        measure = planned("search", {"dataset": table.dataset, "fitness": table.fitness}).measure
        assert table.rule == rule_of(measure) != ""


def test_finalists_say_what_they_learned() -> None:
    cost = {"parameters": 1, "area_mm2": 1.0, "latency_ms": 1.0, "energy_uj": 1.0, "architecture": "a", "fitness": 1.0}
    learned = (Finalist(rank=1, accuracies=(0.6,), **cost), Finalist(rank=2, accuracies=(0.5,), **cost))
    choice = FinalistChoice(
        asked=2, eta=2, n_training=900, n_validation=100, weight_bits=8, seed=0, seconds=1.0, question="", identity="",
        rungs=(Rung(n=2, epochs=4),), finalists=learned,
    )  # fmt: skip
    found = expected_accuracy(planned("search", {"dataset": "digits"}), CHAIN, 5.6, choice)
    assert found is not None
    assert (found.value, found.level, found.difference) == (0.6, 0.95, None)
    assert (found.low, found.high) == choice.interval_95(0.6)
    assert "after 4 epochs on 900 images, not extrapolated" in found.source


def test_how_many_others_are_as_good() -> None:
    table = table_of("path-and-size")
    noise = table.difference / table.slope
    others = tuple(5.6 + share * noise for share in (-1.01, -0.99, 0, 0.99, 1.01))
    run = planned("search", {"dataset": "cifar10", "channels": 128, "timesteps": 5})
    found = expected_accuracy(run, CHAIN, 5.6, others=others)
    assert found is not None
    assert (found.n_within_noise, found.n_compared) == (3, 5)
    assert found.text.endswith("; 3 of 5 other functions differ by no more than noise")
    alone = expected()
    assert alone is not None
    assert "other functions" not in alone.text


def test_two_networks_differ_beyond_noise() -> None:
    low, near, far = expected(fitness=5.3), expected(fitness=5.301), expected(fitness=5.8)
    assert low and near and far
    assert low.against(near) == "by no more than noise"
    assert low.against(far) == "beyond noise"
    assert low.against(far.model_copy(update={"source": "another"})) is None


def test_a_search_says_that_it_is_not_calibrated(neuronas: Neuronas, tmp_path: Path) -> None:
    small = ("--algorithm", "snasnet", "--n-draws", 4, "--batch-size", 8, "--timesteps", 2, "--channels", 4)
    code, out, _ = neuronas("search", *small, "--out", "run")
    assert (code, "expected accuracy: not calibrated for this data" in out) == (0, True)
    assert json.loads((tmp_path / "run" / "result.json").read_text())["expected_accuracy"] is None
