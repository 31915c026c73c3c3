"""Measures the start-up of commands: CPU time, time and number of modules of whole processes, against a revision.

    python benchmarks/startup.py REVISION

REVISION: a commit to compare with this working tree. Both run alternately, each with a run of its own, and the smallest
time counts. Compare CPU times on a busy machine, times on an idle one. Commands that compute do as little as possible,
so that start-up dominates: a search of one candidate with 8 images (its evaluation takes milliseconds), an evaluation
of ten images. Python and Typer take a tenth of a second of each time. "torch" and "numpy" are the times of these
imports.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import time
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import write

REPEATS = 5
ROOT = Path(__file__).parents[1]
ARCH = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"
SMALL = ("--channels", "4", "--timesteps", "2")
WITHOUT_TORCH: dict[str, tuple[str, ...]] = {
    "--version": ("--version",),
    "--help": ("--help",),
    **{f"{verb} --help": (verb, "--help") for verb in ("search", "export", "reproduce")},
    "search --dry-run": ("search", "--dry-run"),
    "estimate ARCH": ("estimate", ARCH),
    "report RUN": ("report", "run"),
    "compare RUN RUN": ("compare", "run", "copy"),
    "reproduce hardware": ("reproduce", "hardware"),
    "example-files": ("example-files", "--out", "again"),
}
WITH_TORCH: dict[str, tuple[str, ...]] = {
    "doctor": ("doctor",),
    "search": ("search", *SMALL, "--batch-size", "8", "--algorithm", "snasnet", "--n-draws", "1"),
    "train": ("train", ARCH, *SMALL, "--limit", "100", "--epochs", "1", "--batch-size", "32"),
    "evaluate RUN": ("evaluate", "run", "--limit", "10"),
    "predict RUN IMAGE": ("predict", "run", "photos/test/one/0.png"),
    "export RUN --format integer": ("export", "run", "--format", "integer"),
}
IMPORTS = {"python": "pass", "numpy": "import numpy", "torch": "import torch", "torch._dynamo": "import torch._dynamo"}
COUNTED = """
import json, sys
from neuronas.cli.main import run
code = run(sys.argv[2:])
json.dump([code, len(sys.modules)], open(sys.argv[1], "w"))
"""


def environment(source: Path, folder: Path) -> dict[str, str]:
    """Compiled modules are kept for both sources, as in an installation of neuronas."""
    own = {"PYTHONPATH": str(source), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own


def taken_s(command: list[str], folder: Path, env: dict[str, str]) -> tuple[float, float]:
    """CPU time of a process (user and system), and its wall-clock time."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended - began


def measured(arguments: tuple[str, ...], folder: Path, environments: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Smallest CPU time and time in seconds, and number of modules at the end, of a command with both sources.

    Args:
        arguments: arguments of the command.
        folder: folder with a working folder for each source.
        environments: environment variables by source.
    """
    found: dict[str, Any] = {}
    for name, env in environments.items():  # the first run also compiles modules
        counted = [sys.executable, "-c", COUNTED, "count.json", *arguments]
        subprocess.run(counted, cwd=folder / name, env=env, check=True, capture_output=True)
        code, n_modules = json.loads((folder / name / "count.json").read_text())
        if code:
            raise SystemExit(f"neuronas {' '.join(arguments)}: exit code {code} ({name})")
        found[f"{name}_modules"] = n_modules
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in environments}
    for _ in range(REPEATS):
        for name, env in environments.items():
            times[name].append(taken_s([sys.executable, "-m", "neuronas", *arguments], folder / name, env))
    for name, taken in times.items():
        processor, wall = (round(min(values), 3) for values in zip(*taken, strict=True))
        found |= {f"{name}_processor_s": processor, f"{name}_s": wall}
    return found


def prepare(folder: Path, env: dict[str, str]) -> None:
    """Create the inputs of the commands with the version that reads them: ``run``, a ``copy`` of it, ``photos``."""
    folder.mkdir(exist_ok=True)
    neuronas = [sys.executable, "-m", "neuronas"]
    for arguments in (("train", ARCH, "--channels", "8", "--epochs", "3", "--out", "run"), ("example-files",)):
        subprocess.run([*neuronas, *arguments], cwd=folder, env=env, check=True, capture_output=True)
    shutil.copytree(folder / "run", folder / "copy")


def main() -> None:
    """Measure and write ``results/startup.json``."""
    (revision,) = sys.argv[1:]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = subprocess.run(["git", "archive", revision, "src"], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder / "before", filter="data")
        sources = {"before": folder / "before" / "src", "after": ROOT / "src"}
        environments = {name: environment(source, folder) for name, source in sources.items()}
        for name, env in environments.items():
            prepare(folder / name, env)
        verbs = {}
        for kind, commands in (("without_torch", WITHOUT_TORCH), ("with_torch", WITH_TORCH)):
            for title, arguments in commands.items():
                verbs[title] = {"kind": kind, **measured(arguments, folder, environments)}
                print(title, verbs[title], flush=True)
        imports = {
            title: round(
                min(taken_s([sys.executable, "-c", code], folder, environments["after"])[0] for _ in range(REPEATS)), 3
            )
            for title, code in IMPORTS.items()
        }
    load = [round(one, 1) for one in os.getloadavg()]
    write("startup", {"repeats": REPEATS, "load_average": load, "imports_processor_s": imports, "verbs": verbs})


if __name__ == "__main__":
    main()
