"""The experiment ``search-time``: both algorithms, both engines, equal fitness from either engine."""

import json
from pathlib import Path

import pytest

from conftest import Neuronas
from neuronas.experiments import search_time
from neuronas.experiments.search_time import TimedSearch, speed_up


def test_speed_up_by_hand() -> None:
    def timing(name: str, seed: int, seconds: float) -> TimedSearch:
        return TimedSearch(
            algorithm=name, engine="fast", seed=seed, n_candidates=1, n_evaluated=1, fitness=0.0, seconds=seconds
        )

    timings = [timing("neuronas", 0, 1), timing("snasnet", 0, 5), timing("neuronas", 1, 3), timing("snasnet", 1, 3)]
    assert speed_up(timings, "fast") == 2


def test_the_command_at_a_tiny_size(neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.yaml").write_text("operations: [conv_3x3]\n")
    monkeypatch.setitem(search_time.SIZES["small"], "space", str(tmp_path / "tiny.yaml"))
    code, out, err = neuronas("reproduce", "search-time", "--n-draws", 5, "--n-seeds", 2, "--json")
    assert code == 0, err
    document = json.loads(out)
    assert json.loads((tmp_path / "results" / "search-time-small.json").read_text()) == document
    assert list(document["speed_up"]) == ["fast", "reference"]
    assert [row["seed"] for row in document["searches"]] == [0, 0, 0, 0, 1, 1, 1, 1]
    by_seed = {row["seed"]: set() for row in document["searches"]}
    for row in document["searches"]:
        by_seed[row["seed"]].add(round(row["fitness"], 6))
    assert all(len(values) == 1 for values in by_seed.values())  # one architecture: engines and algorithms agree
    assert err.count("distinct functions") == 8
