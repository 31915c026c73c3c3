"""A few rounds of ``crash.py``, and other storage failures."""

import errno
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from conftest import Neuronas
from crash import (
    SEARCH,
    TRAIN,
    Content,
    Rounds,
    check_search,
    check_training,
    search_rounds,
    searched,
    trained,
    training_rounds,
)
from neuronas.cli.main import run as command
from neuronas.errors import RunDirectoryError
from neuronas.runs.directory import log, log_to
from neuronas.runs.history import History
from neuronas.runs.lines import JsonLines
from neuronas.runs.results import FailedCandidate
from own_process import OwnProcess
from waiting import until

SMALL = ("search", "--algorithm", "snasnet", "--n-draws", "60", "--channels", "4", "--timesteps", "2")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "content", "check"),
    [
        ((*SEARCH, "--n-draws", "80"), searched, check_search),
        ((*TRAIN, "--limit", "300"), trained, check_training),
    ],
    ids=["search", "training"],
)
def test_broken_off_at_random_moments(
    tmp_path: Path, command: tuple[str, ...], content: Callable[[Path], Content], check: Callable[[Path], None]
) -> None:
    def start(arguments: list[str]) -> OwnProcess:
        return OwnProcess(*arguments, folder=tmp_path)

    rounds = Rounds(tmp_path / "runs", command, content, check, Random(5), start)
    rounds.run(2)
    assert rounds.losses == []
    assert rounds.faults.total() >= 2


@pytest.mark.nightly
def test_more_is_broken_off_also_with_workers(tmp_path: Path) -> None:
    for rounds in (search_rounds(tmp_path, 6, seed=5), training_rounds(tmp_path, 3, seed=6)):
        assert rounds.losses == []
        assert rounds.faults.total() >= 3


def test_the_crash_test_notices_a_loss(tmp_path: Path) -> None:
    class Forgetful(Rounds):
        def _finish(self, run: Path, options: tuple[str, ...]) -> dict[str, object]:
            return {"run": run.name}

        def _break_off(self, run: Path, options: tuple[str, ...]) -> bool:
            self.faults["made up"] += 1
            return True

    rounds = Forgetful(tmp_path, SEARCH, searched, check_search, Random(0))
    rounds.run(1)
    assert len(rounds.losses) == 1
    assert "another result" in rounds.losses[0]


@contextmanager
def full_at(n_bytes: int) -> Iterator[None]:
    """Limit the file size, to simulate a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    assert command([*SMALL, "--quiet", "--out", str(run)]) == 0
    return run


@pytest.mark.parametrize("limit_bytes", [1_000, 3_000, 40_000, 70_000])
def test_a_full_disk_loses_nothing(neuronas: Neuronas, undisturbed: Path, tmp_path: Path, limit_bytes: int) -> None:
    """From a disk that is full at the start to one that becomes full during the search."""
    with full_at(limit_bytes):
        code, _, err = neuronas(*SMALL, "--quiet", "--out", "run")
    assert code == 2, err
    assert len(err.splitlines()) == 1
    assert err.startswith("neuronas: ")
    check_search(tmp_path / "run")
    resume = ["--resume"] if (tmp_path / "run" / "config.yaml").exists() else []
    code, _, err = neuronas(*SMALL, "--quiet", "--out", "run", *resume)
    assert code == 0, err
    assert searched(tmp_path / "run") == searched(undisturbed)


def test_a_full_file_system(neuronas: Neuronas, undisturbed: Path, tmp_path: Path) -> None:
    """The same with a real full disk, if one can be mounted."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(small)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        code, _, err = neuronas(*SMALL, "--quiet", "--out", "small/run")
        assert (code, len(err.splitlines())) == (2, 1), err
        assert "full" in err or "space" in err
        subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
        code, _, err = neuronas(*SMALL, "--quiet", "--out", "small/run", "--resume")
        assert code == 0, err
        assert searched(small / "run") == searched(undisturbed)
    finally:
        subprocess.run(["umount", str(small)], check=True)


FULL = [errno.ENOSPC, errno.EDQUOT]


def refuse(monkeypatch: pytest.MonkeyPatch, code: int, n_before: int) -> None:
    """Make the system refuse to write complete files, such as checkpoints, after a number of them."""
    flush, n = os.fsync, 0

    def fsync(descriptor: int) -> None:
        nonlocal n
        n += 1
        if n > n_before:
            raise OSError(code, os.strerror(code))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("code", FULL)
@pytest.mark.parametrize(("verb", "n_before"), [("search", 5), ("train", 8)])
def test_a_full_disk_and_a_disk_quota(
    verb: str, n_before: int, code: int, neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture = "|skip~0|+|skip~0|conv_3x3~1|+|skip~0|none~1|conv_3x3~2|"
    train = ("train", architecture, "--epochs", "2", "--channels", "4", "--timesteps", "2")
    given = (*(SMALL if verb == "search" else train), "--quiet", "--out", "run")
    with monkeypatch.context() as patch:
        refuse(patch, code, n_before)
        status, _, err = neuronas(*given)
    assert (status, len(err.splitlines())) == (2, 1), err
    assert f"cannot be written ({os.strerror(code)}); free some space, or have the disk quota raised" in err
    assert not list((tmp_path / "run").rglob("*.part"))
    again = given if verb == "search" else ("train", "run", "--quiet")
    status, _, err = neuronas(*again, "--resume")
    assert status == 0, err
    assert (tmp_path / "run" / ("result.json" if verb == "search" else "training.json")).is_file()


@pytest.mark.parametrize("code", FULL)
def test_the_log_and_lines_on_a_full_disk(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    expected = re.escape(f"cannot be written ({os.strerror(code)}); free some space")
    with log_to(tmp_path / "log.txt"), monkeypatch.context() as patch:
        patch.setattr(log.handlers[-1], "flush", fail)
        with pytest.raises(RunDirectoryError, match=rf"log.txt: {expected}"):
            log.info("a line")
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(RunDirectoryError, match=rf"rows.jsonl: {expected}"):
        JsonLines(tmp_path / "rows.jsonl", FailedCandidate).append(FailedCandidate(architecture="a", reason="b"))


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE])
def test_a_history_on_a_full_disk(code: int, tmp_path: Path) -> None:
    """SQLite reports an exceeded disk quota as an input or output error."""
    refused = sqlite3.OperationalError("refused")
    refused.sqlite_errorcode = code
    history = History(tmp_path / "history.sqlite")
    with closing(history), pytest.raises(RunDirectoryError, match="refused; free some space"), history._errors():
        raise refused


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory(neuronas: Neuronas, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    code, _, err = neuronas(*SMALL, "--out", "locked/run")
    assert (code, "cannot be written" in err) == (2, True), err


def _started(folder: Path) -> OwnProcess:
    """A search in another process, in folder ``run``, that has created its history."""
    search = OwnProcess(*SMALL, "--quiet", "--out", "run", folder=folder)
    until(lambda: search.poll() is not None or (folder / "run" / "history.sqlite").exists())
    assert search.poll() is None
    return search


@pytest.mark.slow  # test_cli.py has a quick test
def test_two_searches_on_one_directory(neuronas: Neuronas, undisturbed: Path, tmp_path: Path) -> None:
    """The second process is rejected at once; the first one is not affected."""
    first = _started(tmp_path)
    code, _, refusal = neuronas(*SMALL, "--quiet", "--out", "run", "--resume")
    _, err = first.communicate()
    assert (first.returncode, err) == (0, "")
    if code:  # otherwise it started after the first one had finished
        assert code == 2
        assert "another neuronas is working in it" in refusal
    assert searched(tmp_path / "run") == searched(undisturbed)


@pytest.mark.slow
def test_a_search_is_ended_from_another_shell_and_resumed(
    neuronas: Neuronas, undisturbed: Path, tmp_path: Path
) -> None:
    first = _started(tmp_path)
    subprocess.run("kill $(cat run/.lock)", shell=True, cwd=tmp_path, check=True)
    _, err = first.communicate()
    assert (first.returncode, "interrupted" in err) == (130, True)
    assert neuronas(*SMALL, "--quiet", "--out", "run", "--resume")[0] == 0
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
