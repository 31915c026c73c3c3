"""The wheel holds every file of the package, and its version is that of the citation."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from neuronas import __version__

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "neuronas"


def test_the_wheel_holds_all_files_of_the_package(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        held = {name for name in content.namelist() if name.startswith("neuronas/")}
    assert wheel.name.split("-")[1] == __version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__
    expected = {
        str(file.relative_to(PACKAGE.parent))
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
    }
    assert held == expected
    kinds = {Path(name).suffix for name in held}
    assert kinds >= {".py", ".js", ".css", ".html", ".svg", ".yaml", ".cpp", ".h", ".typed"}
