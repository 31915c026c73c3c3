"""Packages that a command must not import, because each takes a considerable part of a second or more."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree

import pytest
import typer

from conftest import chain
from neuronas.cli.main import app

SMALL = ("--channels", "2", "--timesteps", "2")
NEVER = {
    "IPython", "matplotlib", "nir", "onnx", "onnxruntime", "optuna", "pandas", "ray", "scipy", "sklearn",
    "spikingjelly", "tensorboard", "torch._dynamo", "torch._inductor", "torchvision", "vl_convert",
}  # fmt: skip
NO_TORCH = {*NEVER, "http.client", "psutil", "torch"}
OF_OWN_NETWORKS = {"neuronas.api.setup.trained", "neuronas.importing.draft", "neuronas.snn.imported"}
NO_NUMPY = {*NO_TORCH, "PIL", "jinja2", "numpy"}
NOTHING = {*NO_TORCH, "PIL", "jinja2", "neuronas.api", "neuronas.config", "numpy", "pydantic", "sqlite3", "yaml"}
VERBS = tuple(typer.main.get_command(app).commands)
PROGRAM = """
import json, sys
from neuronas.cli.main import run
found = []
for command in json.loads(sys.argv[2]):
    found.append([run(command), sorted(sys.modules)])
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
"""

ENDING = """
import atexit, gc, os, sys
from neuronas.__main__ import main
found = lambda: print(gc.get_threshold()[0], len(gc.get_objects()), os.environ["PYDANTIC_DISABLE_PLUGINS"])
atexit.register(found)
sys.argv = ["neuronas", "--version"]
main()
"""


def imported(folder: Path, *commands: tuple[object, ...]) -> dict[str, set[str]]:
    """Modules imported by one process after each of several commands, run in a folder one after the other."""
    texts = [[str(word) for word in command] for command in commands]
    program = [sys.executable, "-c", PROGRAM, "modules.json", json.dumps(texts)]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "modules.json").read_text())
    assert [code for code, _ in found] == [0] * len(commands), done.stderr
    return {" ".join(words): set(modules) for words, (_, modules) in zip(texts, found, strict=True)}


def too_many(found: dict[str, set[str]], unwanted: set[str]) -> dict[str, set[str]]:
    """Commands after which an unwanted module was imported."""
    return {command: modules & unwanted for command, modules in found.items() if modules & unwanted}


def test_what_every_verb_shares_imports_nothing(tmp_path: Path) -> None:
    assert too_many(imported(tmp_path, ("--version",), ("--help",)), NOTHING) == {}


def test_help_and_lists_of_choices_import_nothing_that_computes(tmp_path: Path) -> None:
    helps = [(verb, "--help") for verb in VERBS]
    assert too_many(imported(tmp_path, *helps, ("reproduce", "--list")), NO_NUMPY) == {}


def test_what_needs_no_torch_imports_none(tmp_path: Path) -> None:
    commands = (
        ("design", "--dry-run"), ("search", "--dry-run"), ("train", chain(1), "--dry-run"), ("estimate", chain(1)),
        ("reproduce", "--list"), ("reproduce", "hardware"), ("example-files",),
    )  # fmt: skip
    assert too_many(imported(tmp_path, *commands), NO_TORCH) == {}


def test_the_estimate_of_an_architecture_imports_nothing_that_reads_networks(tmp_path: Path) -> None:
    assert too_many(imported(tmp_path, ("estimate", chain(1))), OF_OWN_NETWORKS) == {}


def test_a_start_reads_no_plug_ins_of_pydantic_and_seldom_looks_for_garbage(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], cwd=tmp_path, capture_output=True, text=True, check=True)
    threshold, n_objects, plugins = done.stdout.splitlines()[-1].split()
    assert int(threshold) == 10_000
    assert int(n_objects) < 100, "all others are frozen"
    assert plugins == "__all__"


@pytest.mark.skipif(find_spec("triton") is None, reason="torch for this machine comes without triton")
def test_a_command_that_has_used_triton_ends_without_a_word_of_leaks() -> None:
    program = "import triton._C.libtriton\nfrom neuronas.ending import end\nend(3)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


def test_a_search_imports_torch_and_no_other_framework(tmp_path: Path) -> None:
    search = ("search", *SMALL, "--batch-size", 8, "--algorithm", "snasnet", "--n-draws", 1)
    found = imported(tmp_path, search)
    assert too_many(found, NEVER) == {}
    assert too_many(found, {"torch"}) != {}


@pytest.mark.slow
def test_a_run_is_trained_and_used_without_other_frameworks(tmp_path: Path) -> None:
    doctor = imported(tmp_path, ("doctor",))
    assert too_many(doctor, {*NEVER, "neuronas.api.setup.compose", "neuronas.runs.results"}) == {}
    used = imported(
        tmp_path,
        ("example-files",),
        ("train", chain(2), *SMALL, "--limit", 200, "--epochs", 1, "--out", "run"),
        ("evaluate", "run"),
        ("evaluate", "run", "--chip", "--chips", "1", "--no-diagnosis"),
        ("predict", "run", "photos/test/one"),
    )
    assert too_many(used, NEVER) == {}
    copytree(tmp_path / "run", tmp_path / "copy")
    read = imported(tmp_path, ("estimate", "run"), ("report", "run"), ("compare", "run", "copy"))
    assert too_many(read, NO_TORCH) == {}
