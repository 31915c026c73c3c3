"""Limits of containers and jobs, and the cache of compiled kernels."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from neuronas.kernels import library
from neuronas.machine import memory, n_cores, n_open_files

GIB = 2**30


def write(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return root


def version_2(root: Path, own: str = "/job/step") -> Path:
    mounts = {"proc/self/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0", "proc/self/cgroup": f"0::{own}"}
    return write(root, **mounts)


def version_1(root: Path, own: str = "/job/step") -> Path:
    mounts = "\n".join(
        f"cgroup /sys/fs/cgroup/{place} cgroup rw,relatime,{options} 0 0"
        for place, options in (("cpu", "cpu,cpuacct"), ("memory", "memory"))
    )
    groups = f"4:memory:{own}\n2:cpu,cpuacct:{own}\n1:name=systemd:/\n0::/"
    return write(root, **{"proc/self/mounts": mounts, "proc/self/cgroup": groups})


def test_without_limits_the_machine_counts(tmp_path: Path) -> None:
    for root in (tmp_path, version_2(tmp_path / "2"), version_1(tmp_path / "1")):
        assert n_cores(root) == len(os.sched_getaffinity(0))
        assert memory(root).total == psutil.virtual_memory().total
    write(tmp_path / "2", **{"sys/fs/cgroup/job/step/memory.max": "max", "sys/fs/cgroup/job/cpu.max": "max 100000"})
    write(
        tmp_path / "1",
        **{
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "9223372036854771712",
            "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "-1",
        },
    )
    for root in (tmp_path / "2", tmp_path / "1"):
        assert n_cores(root) == len(os.sched_getaffinity(0))
        assert memory(root).total == psutil.virtual_memory().total


@pytest.mark.parametrize("group", ["job/step", "job", ""])
def test_version_2_of_control_groups(group: str, tmp_path: Path) -> None:
    place = f"sys/fs/cgroup/{group}".rstrip("/")
    root = version_2(tmp_path)
    (root / "sys/fs/cgroup/job/step").mkdir(parents=True)
    write(
        root,
        **{
            f"{place}/memory.max": str(GIB // 4),
            f"{place}/memory.current": str(GIB // 8),
            f"{place}/memory.stat": f"anon 5\ninactive_file {GIB // 16}",
            f"{place}/cpu.max": "150000 100000",
        },
    )
    found = memory(root)
    assert (found.total, found.free) == (GIB // 4, GIB // 4 - GIB // 16)
    assert n_cores(root) == 1


def test_version_1_of_control_groups_within_a_container(tmp_path: Path) -> None:
    """The path of the host is not there; the container's own group is the top."""
    root = version_1(tmp_path, own="/docker/0123")
    write(
        root,
        **{
            "sys/fs/cgroup/memory/memory.limit_in_bytes": str(GIB // 4),
            "sys/fs/cgroup/memory/memory.stat": "",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": str(GIB),
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    )
    assert (memory(root).total, memory(root).free) == (GIB // 4, 0)
    assert n_cores(root) == 1


def test_open_files_are_counted() -> None:
    n = n_open_files()
    assert n is None or n > 0


COMPILE = "from neuronas.kernels.library import native; native(); import sys; sys.exit(native().library is None)"
needs_a_compiler = pytest.mark.skipif(library.native().library is None, reason=library.native().reason)


def run(*lines: str, **environment: str) -> None:
    subprocess.run([sys.executable, "-c", "\n".join((COMPILE, *lines))], env={**os.environ, **environment}, check=True)


@pytest.mark.slow
@needs_a_compiler
def test_a_damaged_cache_is_rebuilt_and_leftovers_are_removed(tmp_path: Path) -> None:
    whole = next(path for path in library.cache_folder().glob("kernels-*.so") if library._is_whole(path))
    for damage in (whole.read_bytes()[:50_000], b"", whole.read_bytes()[:-1] + b"x"):
        (tmp_path / whole.name).write_bytes(damage)
        assert not library._is_whole(tmp_path / whole.name)
    left = tmp_path / "building-1.so"
    left.write_bytes(b"")
    os.utime(left, (0, 0))
    run(NEURONAS_CACHE=str(tmp_path))
    assert [library._is_whole(path) for path in tmp_path.iterdir()] == [True] * len(list(tmp_path.iterdir()))
    assert not left.exists()


@pytest.mark.slow
@needs_a_compiler
def test_without_a_cache_nothing_is_left_behind_and_children_do_not_compile(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "tmp").mkdir()
    child = (
        "import os, subprocess; from pathlib import Path",
        "(made,) = Path(os.environ['NEURONAS_CACHE']).iterdir(); before = made.stat().st_mtime_ns",
        f"subprocess.run([sys.executable, '-c', {COMPILE!r}], check=True)",
        "assert [made] == list(made.parent.iterdir()) and made.stat().st_mtime_ns == before",
    )
    script = COMPILE.rpartition("import sys")[0] + "import sys"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file"), "TMPDIR": str(tmp_path / "tmp")}
    environment.pop("NEURONAS_CACHE", None)
    subprocess.run([sys.executable, "-c", "\n".join((script, *child))], env=environment, check=True)
    assert not list((tmp_path / "tmp").iterdir())
