"""A real Ray cluster of two nodes in processes of this machine; during a search a node is lost, or all workers hang."""

import importlib.util
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conftest import Neuronas
from impatient import Impatient, state
from neuronas.distribution.silence import Silence
from waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'neuronas[cluster]'"
    ),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
]
SMALL = ("search", "--algorithm", "snasnet", "--n-draws", "250", "--channels", "8", "--seed", "2")
_STORE_BYTES = 80 * 2**20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Shared by all tests here; the last test removes one of its nodes."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
    made = Cluster(initialize_head=True, head_node_args=head)
    try:
        made.nodes_for_work = [made.add_node(num_cpus=1, object_store_memory=_STORE_BYTES) for _ in range(2)]
        made.wait_for_nodes()
        yield made
    finally:
        made.shutdown()


def test_what_a_cluster_has_no_room_for(cluster: Any, neuronas: Neuronas) -> None:
    terminate = signal.getsignal(signal.SIGTERM)
    code, _, err = neuronas(*SMALL, "--cluster", f"ray:{cluster.address}", "--workers", 3, "--quiet")
    assert (code, "--workers 3 given; expected at most 2 on this cluster" in err) == (2, True), err
    code, _, err = neuronas(*SMALL, "--cluster", f"ray:{cluster.address}", "--device", "cuda", "--quiet")
    assert (code, "cluster without CUDA devices" in err) == (2, True), err
    assert signal.getsignal(signal.SIGTERM) is terminate


def test_hung_workers_cost_time_only(
    cluster: Any, neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    from neuronas.distribution import ray_cluster

    @cache
    def process_of(actor: Any) -> int:
        found: int = ray.get(actor.__ray_call__.remote(lambda itself: os.getpid()))
        return found

    crews: list[Impatient] = []
    ray_crew = ray_cluster.RayCrew

    def crew_of(*arguments: Any) -> Impatient:
        crew = ray_crew(*arguments)
        stop_both = {2: signal.SIGSTOP, 3: signal.SIGSTOP}
        crews.append(Impatient(crew, lambda number: process_of(crew._actors[number]), stop_both))
        return crews[-1]

    monkeypatch.setattr(ray_cluster, "RayCrew", crew_of)
    silence = "neuronas.api.searching.workers.Silence"
    monkeypatch.setattr(silence, lambda limit_s: Silence(limit_s, lambda: crews[-1].now))
    few = (*SMALL, "--n-draws", 60, "--json")
    code, out, err = neuronas(*few, "--out", "ray", "--cluster", f"ray:{cluster.address}")
    assert code == 0, err
    assert (tmp_path / "ray" / "log.txt").read_text().count("it was running but did not respond") == 2
    assert len(set(crews[0].meddled)) == 2  # so the search continued with replacements
    until(lambda: all(state(process) in {"", "Z"} for process in crews[0].meddled))  # while their nodes keep running
    code, alone, err = neuronas(*few, "--out", "alone")
    assert code == 0, err
    assert _result(out) == _result(alone)
    assert _content(tmp_path / "ray" / "history.sqlite") == _content(tmp_path / "alone" / "history.sqlite")


@pytest.mark.nightly
def test_a_lost_node_costs_time_only(cluster: Any, tmp_path: Path) -> None:
    def search(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "neuronas", *SMALL, "--json", *options]
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    process = search("--out", "ray", "--cluster", f"ray:{cluster.address}")
    history = tmp_path / "ray" / "history.sqlite"
    until(lambda: process.poll() is not None or _n_evaluated(history) >= 20, seconds=120)
    assert process.poll() is None, process.communicate()
    cluster.remove_node(cluster.nodes_for_work[0], allow_graceful=False)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "was lost" in (tmp_path / "ray" / "log.txt").read_text()
    alone, err = search("--out", "alone").communicate(timeout=240)
    assert _result(out) == _result(alone)
    assert _content(history) == _content(tmp_path / "alone" / "history.sqlite")


def _n_evaluated(history: Path) -> int:
    if not history.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM evaluations").fetchone()[0])
    except sqlite3.OperationalError:  # not created yet
        return 0


def _result(text: str) -> dict[str, Any]:
    return {key: value for key, value in json.loads(text).items() if key not in {"seconds", "peak_memory_mb"}}


def _content(history: Path) -> list[Any]:
    with closing(sqlite3.connect(history)) as db:
        return [
            db.execute("SELECT * FROM candidates ORDER BY position").fetchall(),
            db.execute("SELECT key, screened, position, fitness FROM evaluations").fetchall(),
            db.execute("SELECT * FROM failures").fetchall(),
        ]
