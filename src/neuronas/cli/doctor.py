"""``neuronas doctor``: what is installed, what is missing and how to get it."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import psutil
from rich.text import Text

from neuronas import __version__
from neuronas.api.settings import read_settings
from neuronas.cli import console, options
from neuronas.config.registry import DATASETS
from neuronas.kernels.library import cache_folder

_REQUIRED = ("numpy", "torch", "spikingjelly", "pydantic", "typer", "scikit-learn", "pillow", "safetensors")
_EXTRAS = {
    "matplotlib": "figures",
    "tensorboard": "tensorboard",
    "optuna": "evolution",
    "nir": "export",
    "nirtorch": "export",
    "onnx": "export",
    "onnxruntime": "export",
    "ray": "cluster",
}
"""Packages that some options need, with the extra that brings them."""
_MIN_FREE_GIB = 1.0


@dataclass(frozen=True)
class Check:
    """One finding; ``advice`` says what to do where ``ok`` is false."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def doctor(
    data_dir: options.DataDir = None,
    config: options.Config = None,
    seed: options.Seed = None,
    device: options.Device = None,
    out: options.Out = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what is installed, what is missing and how to get it."""
    settings = read_settings(config, data_dir=data_dir, seed=seed, device=device)
    checks = [*_machine(), *_packages(), *_torch(), *_data(settings.data.data_dir)]
    document = {"neuronas": __version__, "checks": [asdict(check) for check in checks]}
    if out:
        options.write_document(out, "doctor.json", document)
    if as_json:
        console.print_json(document)
        return
    for check in checks:
        if quiet and check.ok:
            continue
        mark = Text("ok     ", style="green") if check.ok else Text("missing", style="yellow")
        console.answers.print(mark, f"{check.name}: {check.found}" + (f"; {check.advice}" if check.advice else ""))


def _machine() -> Iterator[Check]:
    is_new = sys.version_info >= (3, 11)
    yield Check("python", is_new, platform.python_version(), "" if is_new else "install Python 3.11 or newer")
    yield Check(
        "cores",
        True,
        f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()}",
    )
    memory = psutil.virtual_memory()
    free = memory.available / 2**30
    yield Check(
        "memory", free > _MIN_FREE_GIB, f"{free:.1f} GiB free of {memory.total / 2**30:.1f}",
        "" if free > _MIN_FREE_GIB else "close other programs, or use smaller --batch-size",
    )  # fmt: skip
    disk = shutil.disk_usage(Path.cwd()).free / 2**30
    yield Check(
        "disk", disk > _MIN_FREE_GIB, f"{disk:.1f} GiB free here",
        "" if disk > _MIN_FREE_GIB else "runs are written here; free some space or use --out elsewhere",
    )  # fmt: skip
    cache = cache_folder()
    place = next(path for path in (cache, *cache.parents) if path.exists())
    writable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    yield Check(
        "cache of kernels", writable, str(cache),
        "" if writable else "cannot be written; set XDG_CACHE_HOME to a folder that can, or searches are slower",
    )  # fmt: skip


def _packages() -> Iterator[Check]:
    oldest = _oldest()
    for name in _REQUIRED:
        yield _package(name, oldest.get(name, ""), f"pip install '{name}>={oldest.get(name, '0')}'")
    for name, extra in _EXTRAS.items():
        yield _package(name, oldest.get(name, ""), f"optional: pip install --upgrade 'neuronas[{extra}]'")


def _package(name: str, oldest: str, advice: str) -> Check:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Check(name, False, "not installed", advice)
    if _numbers(found) < _numbers(oldest):
        return Check(name, False, f"{found}; supported from {oldest}", advice)
    return Check(name, True, found)


def _oldest() -> dict[str, str]:
    """The oldest supported version of each package, as our own metadata state it."""
    stated = (re.match(r"([\w.-]+)[^;]*>=([\d.]+)", text) for text in requires("neuronas") or ())
    return {found[1].lower(): found[2] for found in stated if found}


def _numbers(release: str) -> tuple[int, ...]:
    """``2.13.0+cpu`` as 2, 13, 0."""
    return tuple(map(int, re.findall(r"\d+", release.split("+", maxsplit=1)[0])[:3]))


def _torch() -> Iterator[Check]:
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Check("torch import", False, str(error).splitlines()[0], "pip install --force-reinstall torch")
        return
    try:
        from neuronas.fitness.engine.select import describe_kernels

        has_gpu = torch.cuda.is_available()
        kernels = {name: describe_kernels(torch.device(name)) for name in ("cpu", *["cuda"] * has_gpu)}
    except ImportError as error:
        yield Check("kernels", False, str(error), "install what is missing above")
        return
    yield Check("torch on the cpu", True, f"uses {torch.backends.cpu.get_cpu_capability()}")
    yield Check("cuda device", True, torch.cuda.get_device_name() if has_gpu else "none (searches run on the CPU)")
    for device, found in kernels.items():
        yield Check(f"{device} kernels", True, found.chosen)
        for reason in found.missing:
            name, _, why = reason.partition(": ")
            yield Check(name, False, why, "searches run without it, slower and with the same result")


def _data(data_dir: str | None) -> Iterator[Check]:
    try:
        from neuronas.data.datasets import open_dataset
        from neuronas.data.download import Downloadable
    except ImportError as error:
        yield Check("data sets", False, str(error), "install what is missing above")
        return
    for dataset in (open_dataset(name, data_dir) for name in DATASETS if ":" not in name):
        title = f"data set {dataset.name}"
        if not isinstance(dataset, Downloadable):
            yield Check(title, True, "embedded")
        elif (folder := dataset.found()) is not None:
            yield Check(title, True, str(folder))
        else:
            advice = f"neuronas search --dataset {dataset.name} --download, or unpack it there"
            yield Check(title, False, f"not in {dataset.data_dir}", advice)
