"""A few rounds of ``crash.py``, and storage that fails in other ways."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import Neuronas
from crash import SEARCH, Rounds, check_search, search_rounds, searched, training_rounds
from neuronas.runs.directory import log, log_to
from waiting import until

SMALL = ("search", "--algorithm", "snasnet", "--n-draws", "60", "--channels", "4", "--timesteps", "2")


@pytest.mark.slow
def test_searches_broken_off_at_random_moments(tmp_path: Path) -> None:
    (tmp_path / "search").mkdir()
    rounds = search_rounds(tmp_path, 4, seed=5)
    assert rounds.losses == []
    assert rounds.faults.total() >= 4


@pytest.mark.slow
def test_training_broken_off_at_random_moments(tmp_path: Path) -> None:
    rounds = training_rounds(tmp_path, 2, seed=6)
    assert rounds.losses == []
    assert rounds.faults.total() >= 2


def test_the_crash_test_notices_a_loss(tmp_path: Path) -> None:
    class Forgetful(Rounds):
        def _finish(self, run: Path, options: tuple[str, ...]) -> dict[str, object]:
            return {"run": run.name}

        def _break_off(self, run: Path, options: tuple[str, ...]) -> bool:
            self.faults["made up"] += 1
            return True

    from random import Random

    rounds = Forgetful(tmp_path, SEARCH, searched, check_search, Random(0))
    rounds.run(1)
    assert len(rounds.losses) == 1
    assert "another result" in rounds.losses[0]


def _limited(n_bytes: int) -> None:
    """Files of this process can hold so much: what a full disk does, without one."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


def _search(folder: Path, *options: str, limit_bytes: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "neuronas", *SMALL, "--quiet", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=None if limit_bytes is None else lambda: _limited(limit_bytes),
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert _search(folder, "--out", "run").returncode == 0
    return folder / "run"


@pytest.mark.parametrize("limit_bytes", [1_000, 3_000, 40_000, 70_000])
def test_a_full_disk_loses_nothing(undisturbed: Path, tmp_path: Path, limit_bytes: int) -> None:
    """From a disk that is full at once to one that is full amid the search."""
    failed = _search(tmp_path, "--out", "run", limit_bytes=limit_bytes)
    assert failed.returncode == 2, failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert failed.stderr.startswith("neuronas: ")
    check_search(tmp_path / "run")
    resume = ["--resume"] if (tmp_path / "run" / "config.yaml").exists() else []
    again = _search(tmp_path, "--out", "run", *resume)
    assert again.returncode == 0, again.stderr
    assert searched(tmp_path / "run") == searched(undisturbed)


def test_a_full_file_system(undisturbed: Path, tmp_path: Path) -> None:
    """The same with a real one, where it may be made."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(small)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        failed = _search(tmp_path, "--out", "small/run")
        assert (failed.returncode, len(failed.stderr.splitlines())) == (2, 1), failed.stderr
        assert "full" in failed.stderr or "space" in failed.stderr
        subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
        again = _search(tmp_path, "--out", "small/run", "--resume")
        assert again.returncode == 0, again.stderr
        assert searched(small / "run") == searched(undisturbed)
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory(neuronas: Neuronas, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    code, _, err = neuronas(*SMALL, "--out", "locked/run")
    assert (code, "cannot be written" in err) == (2, True), err


def _started(folder: Path) -> subprocess.Popen[str]:
    """A search in another process, in the folder ``run``, that has come to its history."""
    command = [sys.executable, "-m", "neuronas", *SMALL, "--quiet", "--out", "run"]
    search = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: search.poll() is not None or (folder / "run" / "history.sqlite").exists())
    assert search.poll() is None
    return search


def test_two_searches_on_one_directory(undisturbed: Path, tmp_path: Path) -> None:
    """The second one is sent away at once; the first one does not notice."""
    first = _started(tmp_path)
    second = _search(tmp_path, "--out", "run", "--resume")
    _, err = first.communicate()
    assert (first.returncode, err) == (0, "")
    if second.returncode:  # otherwise it came when the first one was done
        assert second.returncode == 2
        assert "another neuronas is working in it" in second.stderr
    assert searched(tmp_path / "run") == searched(undisturbed)


def test_a_search_is_ended_from_another_shell_and_gone_on_with(undisturbed: Path, tmp_path: Path) -> None:
    first = _started(tmp_path)
    subprocess.run("kill $(cat run/.lock)", shell=True, cwd=tmp_path, check=True)
    _, err = first.communicate()
    assert (first.returncode, "interrupted" in err) == (130, True)
    assert _search(tmp_path, "--out", "run", "--resume").returncode == 0
    assert searched(tmp_path / "run") == searched(undisturbed)


def test_a_log_does_not_grow_without_end(tmp_path: Path) -> None:
    with log_to(tmp_path / "log.txt"):
        for number in range(7):
            log.info("%d %s", number, "x" * 4_000_000)
    assert {path.name for path in tmp_path.iterdir()} == {"log.txt", "log.txt.1", "log.txt.2"}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 15_000_000
    assert " 6 xxx" in (tmp_path / "log.txt").read_text()


def test_a_clock_set_back(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, neuronas: Neuronas
) -> None:
    moments = iter(range(2_000_000_000, 0, -1000))
    monkeypatch.setattr(time, "time", lambda: float(next(moments)))
    code, _, err = neuronas(*SMALL, "--out", "run", "--quiet")
    assert (code, err) == (0, "")
    assert searched(tmp_path / "run") == searched(undisturbed)
    assert json.loads((tmp_path / "run" / "result.json").read_text())["seconds"] > 0
