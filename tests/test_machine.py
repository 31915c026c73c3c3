"""Limits of containers and jobs."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from neuronas.machine import AvailableMemory, memory, n_cores, n_open_files

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
    """The path on the host does not exist; the container's own group is the top."""
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


def test_all_memory_of_this_process_stays_below_half_of_a_limit() -> None:
    here = AvailableMemory(total=2000, free=1700, own=300)
    assert 500 < here.own + here.for_work < 1000
    assert AvailableMemory(total=600, free=80, own=520).for_work == 10  # little free memory: an eighth of it
    assert memory().own > 2**20


def test_open_files_are_counted() -> None:
    n = n_open_files()
    assert n is None or n > 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library has mallopt")
@pytest.mark.skipif(memory().free < 8 * GIB, reason="less than 8 GiB are free")
def test_large_blocks_are_used_again() -> None:
    """A freed block of 64 MB causes no page faults when it is allocated again."""
    program = """
import resource
from neuronas.machine import keep_freed_memory
keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(b"x") * 2**26
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first = faults()
assert first > 1000, first
assert faults() < first / 10
"""
    subprocess.run([sys.executable, "-c", program], check=True)
