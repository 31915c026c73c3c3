"""Resources available to this process: cores, memory and open files, also in a container, a job or a control group.

Linux sets such limits with control groups (man 7 cgroups): version 2 in one hierarchy, version 1 in one hierarchy per
resource. The limits of all parent groups apply as well.
"""

import ctypes
import math
import os
import platform
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/")
_SHARE_FOR_WORK = 0.45
"""Share of the memory that may be used. The rest of one half is for memory that is not counted: packed weights and
Python objects."""
_UNLIMITED = 2**60
"""In version 1, a number near 2**63 means no limit."""


@dataclass(frozen=True)
class AvailableMemory:
    """Memory in bytes.

    Attributes:
        total: memory of the machine or, if lower, the limit.
        free: free part of ``total``.
        own: resident memory of this process.
    """

    total: int
    free: int
    own: int

    @property
    def for_work(self) -> int:
        """Memory that this process may allocate in addition to stay below half of what it could have in total.

        Memory in use counts: in a container of 2 GB the libraries alone take a fifth of the limit. At least an eighth
        of the free memory.
        """
        return int(max(_SHARE_FOR_WORK * (self.free + self.own) - self.own, self.free / 8))


_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
"""Parameters of mallopt (malloc.h of the GNU C library)."""
_KEPT_BYTES = 2**31 - 1
_ENOUGH_BYTES = 8 * 2**30


def keep_freed_memory() -> None:
    """Let this process keep freed memory (up to 2 GiB at the end of its heap) for later large tensors.

    The GNU C library requests each block above 32 MB from the system, which clears its pages at the first access. A
    process that keeps them has a fragmented heap and is up to three times as large, so nothing changes if less than
    8 GiB are free, nor with other C libraries. It affects the whole process: for our own programs only.
    """
    if platform.libc_ver()[0] == "glibc" and memory().free >= _ENOUGH_BYTES:
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_MAX, 0)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def n_cores(root: Path = _ROOT) -> int:
    """Number of CPU cores that this process may use at a time, at least 1; a quota of 2.5 cores counts as 2.

    Args:
        root: root of the file system that holds the limits.
    """
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for group in _groups("cpu", root):
        quota, period = (_text(group / "cpu.max").split() or (None, None))[:2]
        if quota is None:
            quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
        share = _number(quota), _number(period)
        if share[0] and share[1] and share[0] > 0:
            n = min(n, max(1, math.floor(share[0] / share[1])))
    return n


def memory(root: Path = _ROOT) -> AvailableMemory:
    """Memory that this process may use: the machine's, or less by a control group or ``ulimit -v``.

    Args:
        root: root of the file system that holds the limits.
    """
    import psutil  # noqa: PLC0415 - takes a fraction of a second, and most commands do not need it

    here, own = psutil.virtual_memory(), psutil.Process().memory_info()
    total, free = here.total, here.available
    for group in _groups("memory", root):
        limit = _number(_text(group / "memory.max") or _text(group / "memory.limit_in_bytes"))
        if limit is None or limit > _UNLIMITED:
            continue
        used = _number(_text(group / "memory.current") or _text(group / "memory.usage_in_bytes")) or 0
        # Pages of files count as used, but are given up when they are needed.
        total, free = min(total, limit), min(free, limit - max(0, used - _pages_of_files(group)))
    address_space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if address_space != resource.RLIM_INFINITY:
        total = min(total, address_space)
        free = min(free, address_space - own.vms)
    return AvailableMemory(total, max(0, free), own.rss)


def n_open_files() -> int | None:
    """Maximum number of open files; None: no limit."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Folders of the control groups of this process, of both versions."""
    mounts = [line.split() for line in _text(root / "proc/self/mounts").splitlines()]
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, own = line.split(":", 2)
        kind, options = ("cgroup", controllers.split(",")) if controllers else ("cgroup2", [])
        if controllers and controller not in options:
            continue
        for _, place, found, flags, *_ in (mount for mount in mounts if len(mount) > 3):
            if found == kind and (kind == "cgroup2" or controller in flags.split(",")):
                top = root / place.lstrip("/")
                group = top / own.lstrip("/")
                if not group.is_dir():  # in a container, whose own group is the root
                    group = top
                yield group
                while group != top and group.parent != group:
                    group = group.parent
                    yield group


def _pages_of_files(group: Path) -> int:
    lines = dict(line.split(maxsplit=1) for line in _text(group / "memory.stat").splitlines() if " " in line)
    return _number(lines.get("total_inactive_file") or lines.get("inactive_file")) or 0


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:  # max
        return None


def _text(path: Path) -> str:
    """Content of a small kernel file; empty if it does not exist."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
