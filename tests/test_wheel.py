"""The wheel contains every file of the package and compiled kernels; its version is that of the citation."""

import os
import platform
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from neuronas import __version__
from neuronas.kernels.compiler import find_compiler
from neuronas.kernels.library import native

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "neuronas"


pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")


def build(folder: Path, **environment: str) -> tuple[Path, str]:
    """The wheel, and the output of its build."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    given = {**os.environ, **environment}
    done = subprocess.run(command, cwd=ROOT, env=given, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    return wheel, done.stdout + done.stderr


def test_the_wheel_holds_all_files_of_the_package(tmp_path: Path) -> None:
    wheel, _ = build(tmp_path, NEURONAS_NATIVE="0")
    with zipfile.ZipFile(wheel) as content:
        held = {name for name in content.namelist() if name.startswith("neuronas/")}
    assert wheel.name == f"neuronas-{__version__}-py3-none-any.whl"
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__
    expected = {
        str(file.relative_to(PACKAGE.parent))
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
    }
    assert held == expected
    kinds = {Path(name).suffix for name in held}
    assert kinds >= {".py", ".js", ".css", ".html", ".svg", ".yaml", ".cpp", ".h", ".typed"}


def test_without_a_compiler_the_wheel_holds_sources_alone(tmp_path: Path) -> None:
    wheel, said = build(tmp_path, CXX="no-such-compiler", PATH="/nowhere")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "the wheel holds no compiled kernels: C++ compiler not found" in said


@pytest.mark.slow
def test_kernels_of_a_wheel_need_no_compiler_and_are_those_of_its_sources(tmp_path: Path) -> None:
    target = native().target
    if target is None:
        pytest.skip(native().reason)
    compiler = tmp_path / "c++"
    compiler.write_text(f'#!/bin/sh\nexec {find_compiler("C++")} "$@" -O0\n')  # compiled code is tested elsewhere
    compiler.chmod(0o755)
    wheel, _ = build(tmp_path, NEURONAS_TARGET=target.name, CXX=str(compiler))
    version = re.fullmatch(rf"neuronas-{__version__}-py3-none-manylinux_2_(\d+)_{platform.machine()}.whl", wheel.name)
    assert version
    venv.create(tmp_path / "venv", with_pip=False)
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(installed)]
    subprocess.run([*pip, str(wheel)], check=True)
    (compiled,) = (installed / "neuronas" / "kernels" / "prebuilt").iterdir()
    needed = subprocess.run(["objdump", "-T", str(compiled)], capture_output=True, text=True, check=True).stdout
    assert max(int(minor) for minor in re.findall(r"GLIBC_2\.(\d+)", needed)) <= int(version[1])

    def load() -> tuple[str, ...]:
        script = "from neuronas.kernels.library import native as n; print(n().origin, n().reason, sep='|')"
        # neuronas from the wheel, its dependencies from this environment
        path = os.pathsep.join((str(installed), *(entry for entry in sys.path if entry.endswith("site-packages"))))
        given = {"PATH": "/nowhere", "PYTHONPATH": path, "HOME": str(tmp_path), "NEURONAS_TARGET": target.name}
        python = [str(tmp_path / "venv" / "bin" / "python"), "-c", script]
        said = subprocess.run(python, env=given, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True).stdout
        return tuple(said.strip().split("|"))

    assert load() == ("prebuilt", "")
    source = installed / "neuronas" / "kernels" / "distances.cpp"
    source.write_text(source.read_text() + "// changed\n")
    assert load()[0] == "None"  # never a library of other sources
