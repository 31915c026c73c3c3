"""Check of this machine: what is installed, what is missing, and how to get it."""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from neuronas.api.setup.devices import device_named
from neuronas.config.registry import DATASETS
from neuronas.kernels.folders import CACHE, cache_folder
from neuronas.kernels.library import LibraryOrigin, native
from neuronas.machine import memory, n_cores, n_open_files
from neuronas.runs.document import Document
from neuronas.version import __version__

_DEVELOPMENT = {"dev", "docs"}
"""Extras for the development of neuronas."""
_MIN_FREE_GIB = 1.0
_MIN_OPEN_FILES = 256


@dataclass(frozen=True)
class Check:
    """Result of one check.

    Attributes:
        name: subject of the check.
        ok: it is present, in a supported version.
        found: what was found.
        advice: what to do; empty if ``ok`` is true.
    """

    name: str
    ok: bool
    found: str
    advice: str = ""


class Diagnosis(Document):
    """``doctor.json``: results of all checks."""

    neuronas: str
    checks: tuple[Check, ...]


def examine(data_dir: str | None = None, device: str = "auto") -> Diagnosis:
    """Check the machine, the packages, torch's devices and kernels, and the data sets.

    Args:
        data_dir: folder of downloaded data sets; None: the default places.
        device: device that is needed: ``auto``, ``cpu`` (CUDA is not checked) or ``cuda`` (it is missing without one).
    """
    checks = (*_machine(), *_packages(), *_torch(device), *_data(data_dir))
    return Diagnosis(neuronas=__version__, checks=checks)


def _machine() -> Iterator[Check]:
    yield Check("python", True, platform.python_version())
    yield Check("cores", True, str(n_cores()))
    there, n_files = memory(), n_open_files()
    yield _free_space(
        "memory", there.free, f" of {there.total / 2**30:.1f}", "close other programs, or reduce --batch-size"
    )
    advice = "runs are written here; free some space, or give --out"
    disk = _free_space("disk", shutil.disk_usage(Path.cwd()).free, "", advice)
    yield replace(disk, found=f"{disk.found} to this user, unless a disk quota allows less (see: quota -s)")
    few = n_files is not None and n_files < _MIN_OPEN_FILES
    advice = f"run: ulimit -n {_MIN_OPEN_FILES}, or workers may not start" if few else ""
    yield Check("open files", not few, "no limit" if n_files is None else f"at most {n_files:,}", advice)
    cache = _cache()  # before kernels are loaded, since they set another folder if this one cannot be used
    if native().origin is not LibraryOrigin.PREBUILT:
        yield cache


def _cache() -> Check:
    cache = cache_folder()
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    is_writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    advice = f"cannot be written; set {CACHE} to a writable folder, or every command compiles the kernels anew"
    return Check("cache of kernels", is_writable, str(cache), "" if is_writable else advice)


def _free_space(name: str, free_bytes: int, total: str, advice: str) -> Check:
    free_gib = free_bytes / 2**30
    is_enough = free_gib > _MIN_FREE_GIB
    return Check(name, is_enough, f"{free_gib:.1f}{total} GiB free", "" if is_enough else advice)


def _packages() -> Iterator[Check]:
    try:
        requirements = [Requirement(text) for text in requires("neuronas") or ()]
        extras = [name for name in metadata("neuronas").get_all("Provides-Extra") or () if name not in _DEVELOPMENT]
    except PackageNotFoundError:
        yield Check("neuronas", False, "not installed, only its source is here", "pip install . in its repository")
        return
    checked = set()
    for requirement in requirements:
        marker, package = requirement.marker, f"{requirement.name}{requirement.specifier}"
        if package in checked:  # several extras need it
            continue
        if marker is None or marker.evaluate({"extra": ""}):
            advice = f"pip install '{package}'"
        elif extra := next((name for name in extras if marker.evaluate({"extra": name})), None):
            advice = f"optional: pip install --upgrade 'neuronas[{extra}]'"
        else:
            continue
        checked.add(package)
        yield _package(requirement, advice)


def _package(requirement: Requirement, advice: str) -> Check:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return Check(requirement.name, False, "not installed", advice)
    if not requirement.specifier.contains(found, prereleases=True):
        return Check(requirement.name, False, f"{found}; supported {requirement.specifier}", advice)
    return Check(requirement.name, True, found)


def _torch(device: str) -> Iterator[Check]:
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Check("torch import", False, str(error).splitlines()[0], "pip install --force-reinstall torch")
        return
    try:
        from neuronas.fitness.engine.select import describe_kernels

        has_gpu = device != "cpu" and torch.cuda.is_available()
        kernels = {name: describe_kernels(device_named(name)) for name in ("cpu", *["cuda"] * has_gpu)}
    except ImportError as error:
        yield Check("kernels", False, str(error), "install the missing packages above")
        return
    yield Check("torch on the cpu", True, f"uses {torch.backends.cpu.get_cpu_capability()}")
    if has_gpu:
        yield Check("cuda device", True, torch.cuda.get_device_name())
    elif device == "cuda":
        yield Check("cuda device", False, "torch finds none", "install NVIDIA's driver and a CUDA build of torch")
    elif device == "auto":
        yield Check("cuda device", True, "none (searches run on the CPU)")
    for name, found in kernels.items():
        yield Check(f"{name} kernels", True, found.chosen)
        for reason in found.missing:
            name, _, why = reason.partition(": ")
            yield Check(name, False, why, "optional: searches run without it, slower and with the same result")


def _data(data_dir: str | None) -> Iterator[Check]:
    try:
        from neuronas.data.datasets import open_dataset
        from neuronas.data.published import Downloadable, Placed
    except ImportError as error:
        yield Check("data sets", False, str(error), "install the missing packages above")
        return
    for dataset in (open_dataset(name, data_dir) for name in DATASETS if ":" not in name):
        title = f"data set {dataset.name}"
        if not isinstance(dataset, Placed):
            yield Check(title, True, "embedded")
        elif (folder := dataset.found()) is not None:
            yield Check(title, True, str(folder))
        else:
            is_fetched = isinstance(dataset, Downloadable)
            fetch = f"neuronas search --dataset {dataset.name} --download, or unpack it there"
            advice = f"optional: {fetch if is_fetched else dataset.advice}"
            yield Check(title, False, f"not in {dataset.data_dir}", advice)
