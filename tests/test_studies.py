"""The papers' experiments: each at a tiny size on the command line, interrupted and resumed; and their parts."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from conftest import Neuronas
from neuronas.api.setup.compose import plan
from neuronas.config import ALGORITHMS, SearchConfig, given, merged
from neuronas.data.source import ArraySource
from neuronas.errors import DataError
from neuronas.experiments import constraints, precision, search_time
from neuronas.experiments.catalogue import STUDIES
from neuronas.experiments.deviations import deviations, deviations_of
from neuronas.experiments.figures import ACCURACY, MEMORY, Figure, markdown
from neuronas.experiments.neuronas_paper import RANK, SIGNIFICANCE, operations, variants
from neuronas.experiments.pieces import PAPER, Case
from neuronas.experiments.study import MEDIUM, SIZES, SearchPiece, Size, StudyResult, TrainingPiece, experiments
from neuronas.search.algorithms.base import Batch, Outcome
from neuronas.search.algorithms.limited import PIECE, limited
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.spaces import load_space
from neuronas.training import loop
from neuronas.training.images import drawn

RESULTS = Path(__file__).parents[1] / "results"
N_CASES = {
    "algorithm-1": 7,
    "search-time": 10,
    "operations": 8,
    "memory-case-study": 2,
    "qafe": 9,
    "precision": 29,
    "spikenas": 10,
    "snasnet": 2,
    "constraints": 6,
}


WITH_PRINTED = {
    "algorithm-1",
    "search-time",
    "operations",
    "memory-case-study",
    "precision",
    "qafe",
    "snasnet",
    "spikenas",
}
"""Studies with figures printed in the papers."""
ALIKE = {"memory-case-study", "operations", "precision", "qafe", "spikenas"}
"""Studies with the same parts as others; ``test_progress.py`` plans all of them."""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every study take seconds: a space of 64 cells, two channels, one epoch."""
    (tmp_path / "tiny.yaml").write_text("operations: [skip, conv_3x3]\n")
    settings: dict[str, Any] = {
        "space": str(tmp_path / "tiny.yaml"),
        "network": {"channels": 2, "timesteps": 2, "head": "gap"},
        "fitness": {"batch_size": 4},
        "search": {"algorithm": "snasnet", "n_draws": 3},
        "train": {"epochs": 2, "batch_size": 16, "precision": "float32"},
    }
    size = Size(settings=settings, n_seeds=2, n_training=60, n_test=30)
    for sizes in (SIZES, *(study.sizes for study in STUDIES)):
        for scale in ("small", "medium"):
            monkeypatch.setitem(sizes, scale, size)
    timed = {"engines": ("fast", "reference"), "settings": {**settings, "data": {"image_side": 8}}}
    monkeypatch.setitem(search_time.STUDY.sizes, "small", size.model_copy(update=timed))
    monkeypatch.setattr(search_time, "SHAPES", search_time.SHAPES[:1])  # images of twice the side take most of the time
    monkeypatch.setattr(constraints, "LEVELS", (1.0, 0.3))
    monkeypatch.setattr(constraints, "_MOST_CANDIDATES", 500)


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    kept = json.loads(json.dumps(document))
    for piece in kept["pieces"]:
        del piece["seconds"]
    del kept["command"]
    return kept


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.nightly if name in ALIKE else ()) for name in sorted(N_CASES)],
)
@pytest.mark.usefixtures("tiny")
def test_every_study_at_a_tiny_size(name: str, neuronas: Neuronas, tmp_path: Path) -> None:
    code, out, err = neuronas("reproduce", name, "--dataset", "digits", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert json.loads((tmp_path / "results" / f"{name}-small.json").read_text()) == document
    assert len({row["case"] for row in document["figures"]}) == N_CASES[name]
    assert all(row["n_seeds"] == len(row["values"]) == 2 for row in document["figures"])
    for row in document["figures"]:
        assert {"published", "ours", "difference", "n_seeds", "interval"} <= set(row)
        if row["published"] is not None:
            assert row["difference"] == pytest.approx(row["ours"] - row["published"])
            assert row["published"] in row["printed"].values()
    assert document["compared_with"] == "CIFAR-10"
    n_broken = sum("over its budget" in row["quantity"] for row in document["figures"])  # only in algorithm-1
    assert len(document["remarks"]) == {"qafe": 2, "precision": 7}.get(name, n_broken)
    assert document["deviations"] == list(deviations_of(name, "small"))
    assert any(row["printed"] for row in document["figures"]) == (name in WITH_PRINTED)
    assert document["seeds"] == [0, 1]
    assert {piece["seed"] for piece in document["pieces"]} == {0, 1}
    page = (tmp_path / "results" / f"{name}-small.md").read_text()
    assert all(f"- {line}." in page for line in document["deviations"])
    assert document["figures"][0]["case"] in page
    # Everything is finished: resuming computes nothing, and gives the same result.
    code, out, _ = neuronas("reproduce", name, "--dataset", "digits", "--json", "--resume", "--quiet")
    assert code == 0
    again = json.loads(out)
    assert again["figures"] == document["figures"]
    assert again["pieces"] == document["pieces"]


def test_the_list_names_every_experiment(neuronas: Neuronas) -> None:
    code, out, _ = neuronas("reproduce", "--list", "--json")
    assert code == 0
    listed = json.loads(out)
    assert set(N_CASES) == {study.name for study in STUDIES}
    assert set(listed) == set(experiments()) == {*N_CASES, "hardware", "proxy-benchmark", "silicon"}
    assert all(set(line) == {"shows", "needs", "takes"} and all(line.values()) for line in listed.values())


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_stopped_in_a_training_and_gone_on_with_ends_the_same(
    neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["reproduce", "qafe", "--dataset", "digits", "--n-seeds", 1, "--json"]
    code, out, err = neuronas(*options)
    assert code == 0, err
    whole = json.loads(out)
    step, n_steps = loop.Trainer._step, 0

    def interrupted(trainer: loop.Trainer, indices: np.ndarray) -> None:
        nonlocal n_steps
        n_steps += 1
        if n_steps == 12:  # three steps per epoch: in the second epoch of the second training
            raise KeyboardInterrupt
        step(trainer, indices)

    monkeypatch.setattr(loop.Trainer, "_step", interrupted)
    code, _, err = neuronas(*options, "--runs", "broken")
    assert code == 130
    assert "--resume --runs broken" in err
    code, _, err = neuronas(*options, "--runs", "broken")
    assert code == 2
    assert "--resume" in err
    code, out, err = neuronas(*options, "--runs", "broken", "--resume")
    assert code == 0, err
    assert without_times(json.loads(out)) == without_times(whole)


@pytest.mark.usefixtures("tiny")
def test_studies_share_what_they_have_in_common(neuronas: Neuronas, tmp_path: Path) -> None:
    some = ["--dataset", "digits", "--n-seeds", 1, "--runs", "shared"]
    assert neuronas("reproduce", "qafe", *some)[0] == 0
    before = {path.name for path in (tmp_path / "shared").iterdir()}
    code, out, err = neuronas("reproduce", "precision", *some, "--resume", "--json", "--quiet")
    assert code == 0, err
    assert before <= {path.name for path in (tmp_path / "shared").iterdir()}
    first = json.loads((tmp_path / "results" / "qafe-small.json").read_text())
    of_qafe = {row["case"] for row in first["figures"]}
    assert first["figures"] == [row for row in json.loads(out)["figures"] if row["case"] in of_qafe]


@pytest.mark.usefixtures("tiny")
def test_full_scale_without_a_gpu_says_so_and_does_small(neuronas: Neuronas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, out, err = neuronas(
        "reproduce", "snasnet", "--scale", "full", "--dataset", "digits", "--n-seeds", 1, "--seed", 7, "--json"
    )
    assert code == 0, err
    assert "there is none here; doing small" in err
    document = json.loads(out)
    assert document["scale"] == "small"
    assert document["seeds"] == [7]
    assert all(row["std"] is None for row in document["figures"])  # one seed has no spread


@pytest.mark.usefixtures("tiny")
def test_medium_needs_no_gpu_and_is_resumed(
    neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    options = ["reproduce", "snasnet", "--scale", "medium", "--dataset", "digits", "--quiet", "--json"]
    code, out, err = neuronas(*options, "--n-seeds", 1)
    assert code == 0, err
    code, out, err = neuronas(*options, "--resume")
    assert code == 0, err
    document = json.loads(out)
    assert json.loads((tmp_path / "results" / "snasnet-medium.json").read_text()) == document
    assert (document["scale"], document["seeds"]) == ("medium", [0, 1])
    assert any("five epochs" in line for line in document["deviations"])
    assert len(list((tmp_path / "runs" / "reproduce-snasnet-medium").glob("train-*"))) == 4


@pytest.mark.parametrize("dataset", ["cifar10", "fashion-mnist", "tiny-imagenet-200"])
def test_medium_reads_every_image_at_32_pixels(dataset: str) -> None:
    found = plan(given(merged(PAPER, MEDIUM.settings, {"data": {"name": dataset}}), "medium"))
    assert (found.shape.image_size, found.shape.stem_stride) == ((32, 32), 1)
    assert (found.shape.channels, found.config.train.recipe, found.config.fitness.name) == (32, "default", "sahd")
    assert MEDIUM.n_training is MEDIUM.n_test is None
    assert MEDIUM.n_seeds >= 5


@pytest.mark.usefixtures("tiny")
def test_a_damaged_piece_and_missing_images_are_one_line(neuronas: Neuronas, tmp_path: Path) -> None:
    assert neuronas("reproduce", "snasnet", "--dataset", "digits", "--n-seeds", 1, "--quiet")[0] == 0
    piece = next((tmp_path / "runs").glob("*/train-*/evaluation.json"))
    for content in ("{", "[]", '{"epoch": 1}'):
        piece.write_text(content)
        code, _, err = neuronas("reproduce", "snasnet", "--dataset", "digits", "--n-seeds", 1, "--quiet", "--resume")
        assert code == 4
        assert str(piece.relative_to(tmp_path)) in err
        assert err.count("\n") == 1
    code, _, err = neuronas("reproduce", "snasnet", "--runs", "other", "--quiet")
    assert code == 2
    assert "cifar10: not found" in err
    assert not (tmp_path / "other").exists()  # nothing was started, so there is nothing to resume
    for runs, options, message in (("other", ["--resume"], "leave out --resume"), ("tiny.yaml", [], "is a file")):
        code, _, err = neuronas("reproduce", "snasnet", "--dataset", "digits", "--runs", runs, *options)
        assert code == 2
        assert message in err


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*-small.md")), ids=lambda path: path.stem)
def test_the_kept_results_are_documents_of_this_version(path: Path) -> None:
    result = StudyResult.read(path.with_suffix(".json"))
    assert result.table in path.read_text(encoding="utf-8")


def test_deviations_name_experiments_and_scales_that_there_are() -> None:
    assert {name for one in deviations() for name in one.experiments} <= set(experiments())
    assert {name for one in deviations() for name in one.scales} <= set(SIZES)
    size = next(one for one in deviations() if one.scales)
    assert size.line in deviations_of("precision", "small")
    assert size.line not in deviations_of("precision", "full")


class Answers:
    """Replaces the parts of a study: each case has been searched, and trained with two seeds."""

    seeds = range(2)

    def __init__(self, accuracies: dict[str, tuple[float, float]]):
        self.accuracies = accuracies

    def search_and_train(self, name: str, changes: Any) -> Case:
        searched = [
            SearchPiece(
                case=name, seed=seed, architecture="", fitness=0.0, memory_bits=32, n_candidates=1, n_evaluated=1,
                seconds=0.0, parameters=1, area_mm2=1.0, latency_ms=1.0, energy_uj=1.0,
            )
            for seed in self.seeds
        ]  # fmt: skip
        trained = [
            TrainingPiece(
                case=name, seed=seed, epoch=1, validation_accuracy=None, test_accuracy={"32": share}, seconds=0
            )
            for seed, share in enumerate(self.accuracies[name])
        ]
        return Case(name, tuple(searched), tuple(trained))


def test_operations_are_ordered_by_what_is_lost_without_them() -> None:
    accuracies = {
        "all operations": (0.5, 0.6),
        "without none": (0.51, 0.6),
        "without skip": (0.45, 0.5),
        "without conv_1x1": (0.5, 0.61),
        "without conv_3x3": (0.2, 0.2),
        "without avg_pool_3x3": (0.47, 0.58),
        "conv_5x5 for conv_3x3": (0.52, 0.61),
        "conv_7x7 for conv_3x3": (0.54, 0.66),
    }
    found = {(one.case, one.quantity): one for one in operations(Answers(accuracies))}  # type: ignore[arg-type]
    assert found["without skip", SIGNIFICANCE].values == pytest.approx((5, 10))
    assert found["conv_7x7 for conv_3x3", SIGNIFICANCE].values == pytest.approx((4, 6))
    ranks = {case: one.values for (case, quantity), one in found.items() if quantity == RANK}
    assert ranks == {
        "without conv_3x3": (1, 1),
        "without skip": (2, 2),
        "conv_7x7 for conv_3x3": (3, 3),
        "without avg_pool_3x3": (4, 4),
        "conv_5x5 for conv_3x3": (5, 5),
        "without conv_1x1": (6, 7),
        "without none": (7, 6),
    }
    printed = {case: one.printed for (case, quantity), one in found.items() if quantity == RANK}
    order = sorted(printed, key=lambda case: printed[case]["CIFAR-100"])
    assert order[:4] == ["without conv_3x3", "without skip", "without avg_pool_3x3", "conv_5x5 for conv_3x3"]


@pytest.mark.usefixtures("tiny")
def test_the_memory_aware_search_keeps_the_share_of_two_million(neuronas: Neuronas) -> None:
    code, out, err = neuronas("reproduce", "memory-case-study", "--dataset", "digits", "--json", "--quiet")
    assert code == 0, err
    document = json.loads(out)
    cases = list(dict.fromkeys(row["case"] for row in document["figures"]))
    limit = float(cases[1].split("at most ")[1].split(" ")[0].replace(",", ""))
    assert limit == pytest.approx(2e6 / 4_722_048 * (2 * 9 + 2 * 4 * 9 + 6 * 9 * (2**2 + 4**2)), abs=0.5)
    by_place = {(row["case"], row["quantity"]): row for row in document["figures"]}
    assert max(by_place[cases[1], "parameters"]["values"]) <= limit
    assert by_place[cases[0], "area at 128 channels, mm²"]["published"] == 634
    gained = by_place[cases[1], "accuracy against SNASNet, points"]["values"]
    own, base = (by_place[case, ACCURACY]["values"] for case in reversed(cases))
    assert gained == pytest.approx([x - y for x, y in zip(own, base, strict=True)])


def test_spaces_of_the_study_of_operations() -> None:
    found = dict(variants())
    assert found["without conv_3x3"].operations == ("none", "skip", "conv_1x1", "avg_pool_3x3")
    assert found["conv_7x7 for conv_3x3"].operations == ("none", "skip", "conv_1x1", "conv_7x7", "avg_pool_3x3")
    assert len(found) == 8


def test_summary_by_hand() -> None:
    found = Figure.of("a", "x", [1.0, 2.0, 3.0])
    assert (found.n_seeds, found.ours, found.std) == (3, 2.0, 1.0)
    half = 4.302653 / 3**0.5  # Student's t, two degrees of freedom
    assert found.interval == pytest.approx((2 - half, 2 + half), rel=1e-6)
    assert (Figure.of("a", "x", [5.0]).std, Figure.of("a", "x", [5.0]).interval) == (None, None)


def test_a_figure_stands_beside_that_of_its_data_set_or_the_only_one() -> None:
    two = Figure.of("a", "x", [1.0, 3.0], {"CIFAR-10": 2.5, "CIFAR-100": 4.0})
    assert (two.compared_with("CIFAR-100").published, two.compared_with("CIFAR-100").difference) == (4.0, -2.0)
    assert (two.compared_with("TinyImageNet-200").published, two.compared_with("MNIST").difference) == (None, None)
    assert Figure.of("a", "x", [1.0], {"CIFAR-100": 4.0}).compared_with("CIFAR-10").published == 4.0


def test_a_table_has_what_is_published_beside_ours() -> None:
    figures = [
        Figure.of("a", "x", (1, 3), {"CIFAR-10": 2.5, "CIFAR-100": 1.0}),
        Figure.of("b", "x", (4,), {"CIFAR-100": 3.0}),
        Figure.of("c", "y", (7, 7)),
    ]
    assert markdown(figures).splitlines() == [
        "| case | x | published, CIFAR-10 | published, CIFAR-100 | y |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| a | 2 ± 1.414 [-10.71, 14.71] | 2.5 | 1 |  |",
        "| b | 4 (one seed) |  | 3 |  |",
        "| c |  |  |  | 7 ± 0 |",
    ]


@pytest.mark.parametrize("name", ["snasnet", "evolution"])
def test_a_limited_algorithm_ends_at_its_number_of_evaluations(name: str) -> None:
    space = load_space("neuronas")
    settings = SearchConfig(algorithm=name, n_draws=1000, population=20)
    fits: set[str] = set()

    def outcomes(batch: Sequence[Architecture]) -> list[Outcome]:
        found = []
        for architecture in batch:
            key = architecture_key(architecture)
            even = int(key, 16) % 2 == 0  # half of them break the budget
            if even:
                fits.add(key)
            fitness = float(int(key, 16) % 1000) if even else None
            found.append(Outcome(architecture, fitness, (1.0,) * 4, (0.0 if even else 1.0,) * 4))
        return found

    proposals = limited(ALGORITHMS[name], 70).propose(space, Random(0), settings)
    batch = next(proposals)
    with pytest.raises(StopIteration):
        while True:
            assert len(fits) < 70
            batch = proposals.send(outcomes(Batch.of(batch).architectures))
    assert 70 <= len(fits) < 70 + PIECE


def test_a_limit_that_is_never_reached_lets_the_algorithm_end() -> None:
    proposals = limited(ALGORITHMS["snasnet"], 10**6).propose(
        load_space("neuronas"), Random(0), SearchConfig(n_draws=25)
    )
    batch, n = next(proposals), 0
    with pytest.raises(StopIteration):
        while True:
            architectures = Batch.of(batch).architectures
            n += len(architectures)
            batch = proposals.send([Outcome(one, None, (1.0,) * 4, (1.0,) * 4) for one in architectures])
    assert n == 25


BOTH, ONE_32, ONE_8 = (
    "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|",
    "|none~0|+|conv_3x3~0|none~1|+|skip~0|none~1|skip~2|",
    "|conv_3x3~0|+|none~0|none~1|+|skip~0|skip~1|none~2|",  # the function of ONE_32: nodes 1 and 2 exchanged
)
FOUND = {32: (BOTH, ONE_32), 8: ("|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|", ONE_8)}
ACCURACIES = {  # for a network, by training bits: measured at 32 and at 8 bits
    (BOTH, 32): (0.60, 0.50),
    (BOTH, 8): (0.60, 0.58),
    (FOUND[8][0], 32): (0.61, 0.53),
    (FOUND[8][0], 8): (0.61, 0.59),
    (ONE_32, 32): (0.40, 0.30),
    (ONE_32, 8): (0.40, 0.41),
}


class Precisions(Answers):
    """The parts of ``precision`` with two seeds: the first finds two networks, the second one in two notations."""

    def __init__(self, found: dict[int, tuple[str, str]]):
        self.found = found

    def search_each(self, name: str, changes: Any) -> tuple[SearchPiece, ...]:
        bits = changes["network"]["weight_bits"]
        first = SearchPiece(
            case=name, seed=0, architecture="", fitness=0.0, memory_bits=1000 * bits, n_candidates=1, n_evaluated=1,
            seconds=0.0, parameters=1000, area_mm2=1.0, latency_ms=1.0, energy_uj=1.0,
        )  # fmt: skip
        return tuple(
            first.model_copy(update={"architecture": text, "seed": n}) for n, text in enumerate(self.found[bits])
        )

    def train_each(self, name: str, changes: Any, searched: Sequence[SearchPiece]) -> Case:
        trained = []
        for one in searched:
            whole, rounded = ACCURACIES[one.architecture, changes["network"]["weight_bits"]]
            trained.append(
                TrainingPiece(
                    case=name, seed=one.seed, epoch=1, validation_accuracy=None, seconds=0,
                    test_accuracy={"32": whole, "8": rounded},
                )
            )  # fmt: skip
        return Case(name, tuple(searched), tuple(trained))

    def search_and_train(self, name: str, changes: Any) -> Case:
        return self.train_each(name, changes, self.search_each(name, changes))


def test_two_by_two_by_hand() -> None:
    """The searches of the second seed find the same function: one network is trained, and searching gains nothing."""
    figures = tuple(precision.two_by_two(Precisions(FOUND), (8,)))  # type: ignore[arg-type]
    found = {(one.case, one.quantity): one for one in figures}
    cases = {case: one.values for (case, quantity), one in found.items() if quantity == ACCURACY}
    assert cases == {
        "searched at FxP32, trained at FxP32": pytest.approx((60, 40)),
        "searched at FxP32, trained at FxP32, rounded to FxP8": pytest.approx((50, 30)),
        "searched at FxP32, trained at FxP8": pytest.approx((58, 41)),
        "searched at FxP8, trained at FxP32, rounded to FxP8": pytest.approx((53, 30)),
        "searched at FxP8, trained at FxP8": pytest.approx((59, 41)),
    }
    whole, floats, mixed, rounded, own = cases
    assert {case: one.values for (case, quantity), one in found.items() if quantity == precision.SEARCHING} == {
        rounded: pytest.approx((3, 0)),
        own: pytest.approx((1, 0)),
    }
    assert {case: one.values for (case, quantity), one in found.items() if quantity == precision.TRAINING} == {
        mixed: pytest.approx((8, 11)),
        own: pytest.approx((6, 11)),
    }
    assert found[own, precision.EQUAL].values == (0, 100)
    assert {case for (case, quantity), one in found.items() if quantity == ACCURACY and one.printed} == {own}
    assert found[own, ACCURACY].printed["CIFAR-10"] == 83.44
    memory = {case: one.ours for (case, quantity), one in found.items() if quantity == MEMORY}
    assert memory == {whole: 32, floats: 8, mixed: 8, rounded: 8, own: 8}
    (remark,) = precision.remarks(figures)
    assert remark == (
        "FxP8: 1 of 2 seeds find the network of FxP32; searching at this precision adds +0.5 points [-5.9, +6.9] (no "
        "difference is shown) to what is trained at it; training at it adds +9.5 points [-9.6, +28.6] (no difference "
        "is shown) to what is searched at FxP32"
    )


def test_equal_networks_say_that_the_search_contributes_nothing() -> None:
    equal = {32: (BOTH, ONE_32), 8: (BOTH, ONE_8)}
    (remark,) = precision.remarks(tuple(precision.two_by_two(Precisions(equal), (8,))))  # type: ignore[arg-type]
    assert remark.startswith(
        "FxP8: 2 of 2 seeds find the network of FxP32, so the search at this precision contributes nothing; training"
    )
    assert [study.sizes["small"].n_seeds for study in precision.STUDIES] == [5, 5]


def test_a_draw_of_images_is_stratified_seeded_and_reads_the_right_ones() -> None:
    labels = np.repeat(np.arange(4), [40, 40, 40, 80]).astype(np.int64)
    source = ArraySource(torch.arange(200, dtype=torch.uint8)[:, None, None, None].expand(200, 1, 2, 2), labels)
    some = drawn(source, 50, 3)
    assert np.bincount(some.labels).tolist() == [10, 10, 10, 20]
    pixels = [int(some.read(index)[0, 0, 0]) for index in range(50)]
    assert labels[pixels].tolist() == some.labels.tolist()
    assert pixels == [int(drawn(source, 50, 3).read(index)[0, 0, 0]) for index in range(50)]
    assert pixels != [int(drawn(source, 50, 4).read(index)[0, 0, 0]) for index in range(50)]
    assert drawn(source, None, 0) is source
    assert drawn(source, 200, 0) is source
    with pytest.raises(DataError, match="no images"):
        drawn(ArraySource(torch.empty(0, 1, 2, 2, dtype=torch.uint8), labels[:0]), 5, 0)
