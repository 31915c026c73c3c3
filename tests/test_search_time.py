"""The study ``search-time``: both tools in their own spaces, both engines, and the ratios between them."""

from random import Random
from typing import Any

import pytest

from neuronas.api.searching.search import plan_search
from neuronas.config import merged
from neuronas.experiments.pieces import PAPER
from neuronas.experiments.search_time import (
    AT_LEAST,
    AT_MOST,
    DISTINCT,
    EACH,
    FASTER,
    SECONDS,
    STUDY,
    search_time,
)
from neuronas.experiments.study import SearchPiece, Size
from neuronas.space.canonical import architecture_key
from neuronas.space.spaces import load_space


class Timed:
    """Replaces the parts of the study: SNASNet takes 120 and 60 s, NeuroNAS 3 and 2 s per bit."""

    size = Size(settings={"data": {"image_side": 8}}, n_seeds=2, engines=("fast", "reference"))

    def __init__(self) -> None:
        self.changes: dict[str, Any] = {}

    def search_each(self, case: str, changes: Any) -> tuple[SearchPiece, ...]:
        self.changes[case] = changes
        bits = changes["network"]["weight_bits"]
        times, n = ((120.0, 60.0), (5000, 2000)) if bits == 32 else ((3.0 * bits, 2.0 * bits), (1458, 729))
        return tuple(
            SearchPiece(
                case=case, seed=seed, architecture="", fitness=0.0, memory_bits=1, n_candidates=n[0], n_evaluated=n[1],
                seconds=seconds, parameters=1, area_mm2=1.0, latency_ms=1.0, energy_uj=1.0,
            )
            for seed, seconds in enumerate(times)
        )  # fmt: skip


def test_factors_by_hand() -> None:
    pieces = Timed()
    found = {(one.case, one.quantity): one for one in search_time(pieces)}  # type: ignore[arg-type]
    where = "8x8 pixels, fast engine"
    assert found[f"SNASNet, FxP32, {where}", SECONDS].values == (120, 60)
    assert found[f"SNASNet, FxP32, {where}", DISTINCT].values == (2000, 2000)
    assert found[f"NeuroNAS, FxP4, {where}", FASTER].values == pytest.approx((10, 7.5))
    assert found[f"NeuroNAS, FxP8, {where}", FASTER].printed == {"at most, abstract": 6.6}
    summary = f"NeuroNAS, all precisions, {where}"
    assert found[summary, AT_LEAST].values == pytest.approx((2.5, 1.875))
    assert found[summary, AT_MOST].values == pytest.approx((10, 7.5))
    assert found[summary, AT_LEAST].printed == {"CIFAR-10": 4.8, "CIFAR-100": 3.1}
    tiny = found["NeuroNAS, all precisions, 16x16 pixels, reference engine", AT_MOST]
    assert tiny.printed == {"TinyImageNet-200": 8.9}
    # 120 s for 2,000 of 5,000 compared with 12 s for 729 of 1,458
    each = found["NeuroNAS, FxP4, 8x8 pixels, reference engine", EACH]
    assert each.values[0] == pytest.approx((120 * 2.5) / (12 * 2))
    assert (f"NeuroNAS, FxP4, {where}", EACH) not in found


def test_either_tool_searches_as_published() -> None:
    pieces = Timed()
    tuple(search_time(pieces))  # type: ignore[arg-type]
    full = STUDY.sizes["full"].settings
    for bits, space, fitness, n_batches in ((32, "snasnet", "sahd-snasnet", 2), (8, "neuronas", "sahd", 1)):
        tool = "SNASNet" if bits == 32 else "NeuroNAS"
        changes = pieces.changes[f"{tool}, FxP{bits}, 8x8 pixels, fast engine"]
        run = plan_search({}, config=merged(PAPER, full, {"data": {"name": "cifar10"}}, changes)).plan
        config = run.config
        assert (config.network.weight_bits, config.network.head, config.network.channels) == (bits, "linear", 128)
        assert (config.space, config.fitness.name, config.fitness.n_batches) == (space, fitness, n_batches)
        assert config.fitness.has_screen is False


def test_snasnets_draws_are_of_one_shared_cell_with_five_operations() -> None:
    changes = Timed()
    tuple(search_time(changes))  # type: ignore[arg-type]
    run = plan_search({}, config=merged(PAPER, changes.changes["SNASNet, FxP32, 8x8 pixels, fast engine"])).plan
    assert run.space.shared_cell and len(run.space.operations) == 5
    assert run.budget.limits == dict.fromkeys(run.budget.limits, float("inf"))


def test_distinct_functions_among_snasnets_draws() -> None:
    space, random = load_space("snasnet"), Random(0)
    assert len({architecture_key(space.random_architecture(random)) for _ in range(5000)}) == 1790
