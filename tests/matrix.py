"""Runs tests with each supported Python and the oldest and newest torch that pyproject.toml allows.

    python tests/matrix.py [--folder .matrix] [--short] [--python 3.12] [--torch newest] [--out FILE.json]

Each combination gets a virtual environment in the folder (several GB with CUDA builds of torch), which is reused. A
Python version that is not installed is skipped with this reason. ``--short`` runs a few test files only (``SHORT``).
Exit code 1 if tests fail.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
SHORT = ("canonical", "data", "fitness", "mapped_cost", "notation", "paper_cost", "search", "snn", "space")
"""Modules of ``--short``: spaces, costs, data, spikes, fitness and search."""
VERSIONS = (
    "import sys, torch, numpy, pydantic as p; print(sys.version.split()[0], torch.__version__, numpy.__version__,"
    " p.__version__)"
)


def main() -> int:
    """Run all combinations, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / ".matrix")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--python", choices=PYTHONS, action="append", help="only this one; others keep their rows")
    parser.add_argument("--torch", choices=("oldest", "newest"), action="append", help="only this one, likewise")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "matrix.json")
    given = parser.parse_args()
    tests = [f"tests/test_{name}.py" for name in SHORT] if given.short else ["-m", "not browser"]
    versions = _torch_versions()
    chosen = [(python, name) for python in given.python or PYTHONS for name in given.torch or versions]
    kept = json.loads(given.out.read_text())["combinations"] if given.out.exists() else []
    rows = [row for row in kept if (row["python"], row["which"]) not in chosen]
    rows += [_combination(given.folder, python, name, versions[name], tests) for python, name in chosen]
    rows.sort(key=lambda row: (PYTHONS.index(row["python"]), row["which"] == "newest"))
    document = {"machine": platform.machine(), "combinations": rows}
    given.out.write_text(json.dumps(document, indent=2) + "\n")
    return int(any(row["result"] == "failed" for row in rows))


def _torch_versions() -> dict[str, str]:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    oldest = next(found[1] for text in wanted if (found := re.match(r"torch>=([\d.]+)", text)))
    return {"oldest": f"torch=={oldest}.*", "newest": next(text for text in wanted if text.startswith("torch>="))}


def _combination(folder: Path, python: str, name: str, torch: str, tests: list[str]) -> dict[str, Any]:
    print(f"Python {python}, {torch}", flush=True)
    row: dict[str, Any] = {"python": python, "which": name, "torch": torch, "tests": " ".join(tests)}
    interpreter = shutil.which(f"python{python}")
    if interpreter is None or subprocess.run([interpreter, "-V"], capture_output=True, check=False).returncode:
        return row | {"result": "skipped", "reason": f"python{python} is not installed"}
    place = folder / f"py{python}-{name}"
    inside = place / "bin" / "python"
    if not inside.exists():
        subprocess.run([interpreter, "-m", "venv", place], check=True)
    extras = f"{ROOT}[evolution,export,figures]"
    if not (place / "ready").exists():
        packages = [torch, "-e", extras, "pytest", "pytest-xdist", "hypothesis", "triton"]
        subprocess.run([inside, "-m", "pip", "install", "-q", *packages], check=True)
        (place / "ready").touch()
    versions = subprocess.run([inside, "-c", VERSIONS], capture_output=True, text=True, check=False)
    if versions.returncode:
        return row | {"result": "failed", "reason": versions.stderr.strip().splitlines()[-1]}
    row |= dict(zip(("python_release", "torch", "numpy", "pydantic"), versions.stdout.split(), strict=True))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    started = time.monotonic()
    done = subprocess.run(
        [inside, "-m", "pytest", "-p", "no:cacheprovider", *tests], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", lines[-1])}
    row |= {"result": "failed" if done.returncode else "passed", **counts, "seconds": round(time.monotonic() - started)}
    print(f"  {lines[-1]}", flush=True)
    if done.returncode:
        row["reason"] = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        print("\n".join(lines[-60:]))
    return row


if __name__ == "__main__":
    sys.exit(main())
