"""What a verb must not import: packages that it does not use, each of which takes a part of a second or more."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree

import pytest

from conftest import chain

SMALL = ("--channels", "2", "--timesteps", "2")
NEVER = {
    "IPython", "matplotlib", "nir", "onnx", "onnxruntime", "optuna", "pandas", "ray", "scipy", "sklearn",
    "spikingjelly", "tensorboard", "torch._dynamo", "torch._inductor", "torchvision", "vl_convert",
}  # fmt: skip
NO_TORCH = {*NEVER, "http.client", "psutil", "torch"}
OF_OWN_NETWORKS = {"neuronas.api.trained", "neuronas.importing.draft", "neuronas.snn.imported"}
NO_NUMPY = {*NO_TORCH, "PIL", "jinja2", "numpy"}
NOTHING = {*NO_TORCH, "PIL", "jinja2", "neuronas.api", "neuronas.config", "numpy", "pydantic", "sqlite3", "yaml"}
VERBS = (
    "search", "estimate", "train", "evaluate", "predict", "export", "report", "compare", "dashboard", "doctor",
    "example-files", "reproduce",
)  # fmt: skip
PROGRAM = """
import json, sys
from neuronas.cli.main import run
code = run(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump({"code": code, "modules": sorted(sys.modules)}, file)
"""

ENDING = """
import atexit, gc, os, sys
from neuronas.__main__ import main
found = lambda: print(gc.get_threshold()[0], len(gc.get_objects()), os.environ["PYDANTIC_DISABLE_PLUGINS"])
atexit.register(found)
sys.argv = ["neuronas", "--version"]
main()
"""


def imported(folder: Path, *arguments: object) -> set[str]:
    """The modules that a process has imported at the end of a command, which it runs in a folder."""
    command = [sys.executable, "-c", PROGRAM, "modules.json", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "modules.json").read_text())
    assert found["code"] == 0, done.stderr
    return set(found["modules"])


@pytest.mark.parametrize("option", ["--version", pytest.param("--help", marks=pytest.mark.slow)])
def test_what_every_verb_shares_imports_nothing(tmp_path: Path, option: str) -> None:
    assert imported(tmp_path, option) & NOTHING == set()


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_help_imports_nothing_that_computes(tmp_path: Path, verb: str) -> None:
    assert imported(tmp_path, verb, "--help") & NO_NUMPY == set()


def test_lists_of_choices_and_experiments_import_no_numpy(tmp_path: Path) -> None:
    for command in (("search", "--help"), ("reproduce", "--list")):
        assert imported(tmp_path, *command) & NO_NUMPY == set(), command


@pytest.mark.parametrize(
    "command",
    [
        ("search", "--dry-run"),
        *(
            pytest.param(command, marks=pytest.mark.slow)
            for command in (
                ("train", chain(1), "--dry-run"),
                ("estimate", chain(1)),
                ("reproduce", "--list"),
                ("reproduce", "hardware"),
                ("example-files",),
            )
        ),
    ],
    ids=" ".join,
)
def test_what_needs_no_torch_imports_none(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert imported(tmp_path, *command) & NO_TORCH == set()


def test_the_estimate_of_an_architecture_imports_nothing_that_reads_networks(tmp_path: Path) -> None:
    assert imported(tmp_path, "estimate", chain(1)) & OF_OWN_NETWORKS == set()


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
    found = imported(tmp_path, "search", *SMALL, "--batch-size", 8, "--algorithm", "snasnet", "--n-draws", 1)
    assert found & NEVER == set()
    assert "torch" in found


@pytest.mark.slow
def test_a_run_is_trained_and_used_without_other_frameworks(tmp_path: Path) -> None:
    assert imported(tmp_path, "doctor") & {*NEVER, "neuronas.api.compose", "neuronas.runs.results"} == set()
    train = ("train", chain(2), *SMALL, "--limit", 200, "--epochs", 1, "--out", "run")
    assert imported(tmp_path, *train) & NEVER == set()
    assert imported(tmp_path, "example-files") & NO_TORCH == set()
    for command in (
        ("evaluate", "run"),
        ("evaluate", "run", "--chip", "--chips", "1", "--no-diagnosis"),
        ("predict", "run", "photos/test/one"),
    ):
        assert imported(tmp_path, *command) & NEVER == set(), command
    copytree(tmp_path / "run", tmp_path / "copy")
    for command in (("estimate", "run"), ("report", "run"), ("compare", "run", "copy")):
        assert imported(tmp_path, *command) & NO_TORCH == set(), command
