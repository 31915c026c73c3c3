"""Every command in README and documentation runs, in order, as typed by a reader but with small data.

Small: few channels, few candidates, small artificial images, two chips (``SMALL_SETTINGS``, ``REPLACED``, ``ADDED``).
Nothing else differs.
"""

import re
import runpy
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer

from documented_commands import PAGES, ROOT, Block, blocks
from neuronas.cli.main import app, run as neuronas
from waiting import at_most

SMALL_SETTINGS = """\
space: small-space.yaml
data: {image_side: 8}
network: {channels: 8, timesteps: 2, head: gap}
fitness: {batch_size: 16}
train: {epochs: 6, batch_size: 32}
"""
SMALL_SPACE = "operations: [skip, conv_3x3]\nshared_cell: true\n"
LABELS = "id,op_01,op_02,op_03,op_12,op_13,op_23,test_accuracy\n1,2,0,0,0,1,0,86\n2,0,0,1,0,0,0,81\n3,3,0,1,4,0,2,88\n"
ARCH = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"
REPLACED = {
    "cifar10": "imagefolder:photos",
    "FILE.csv": "labels.csv",
    "RUN": "runs/mine",
    "ARCH": ARCH,
    "DIR": "figures",
}
"""Words that stand for something of the reader's, and data sets that would have to be downloaded."""
ADDED = {
    ("search",): ["--config", "small.yaml"],
    ("search", "runs/digits"): ["--set", "train.batch_size=32", "--set", "train.epochs=3"],  # 18 times as many images
    ("train", "runs/photos"): ["--epochs", "3"],  # all on images of 32x32 pixels
    ("train", "|"): ["--config", "small.yaml"],
    ("evaluate", "--chip"): ["--chips", "2"],
    ("reproduce", "proxy-benchmark"): ["--sample", "3", "--channels", "2", "--timesteps", "2", "--batch-size", "8"],
}
"""Options appended to commands that contain all of these words (or parts of words); the last of equal ones counts."""
TIME_LIMIT_S = 300
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the reader's files: images and an accelerator (``example-files``), a table of labels, plug-ins."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "small.yaml").write_text(SMALL_SETTINGS)
    (folder / "small-space.yaml").write_text(SMALL_SPACE)
    (folder / "my-space.yaml").write_text("operations: [skip, conv_9x9]\nshared_cell: true\n")
    (folder / "labels.csv").write_text(LABELS)
    shutil.copy(ROOT / "examples/my_plugin.py", folder)
    shutil.copy(ROOT / "examples/own_dataset.py", folder)
    assert neuronas(["example-files", "--out", str(folder), "--quiet"]) == 0
    return folder


@contextmanager
def copied(folder: Path, inside: Path) -> Iterator[Path]:
    """Copy a reader's folder, and work in the copy."""
    copy = inside / "reader"
    shutil.copytree(folder, copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        yield copy


@pytest.fixture(scope="module")
def searched(materials: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with two runs."""
    with copied(materials, tmp_path_factory.mktemp("searched")) as folder:
        common = ["--config", "small.yaml", "--dataset", "imagefolder:photos", "--quiet"]
        assert neuronas(["search", *common, "--out", "runs/mine"]) == 0
        assert neuronas(["search", *common, "--out", "runs/other", "--seed", "1"]) == 0
    return folder


@pytest.fixture(scope="module")
def trained(searched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with one of them trained: the starting point of most pages."""
    with copied(searched, tmp_path_factory.mktemp("trained")) as folder:
        assert neuronas(["train", "runs/mine", "--quiet"]) == 0
    return folder


BEGINS = {"README.md": "materials", "index.md": "materials", "tutorial.md": "materials", "training.md": "searched"}
"""What the reader of a page already has; for all other pages, a trained run."""


@pytest.mark.usefixtures("forget_plugins")
@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page(
    page: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(request.getfixturevalue(BEGINS.get(page.name, "trained")), tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for block in blocks(page):
        if not block.reason:
            _run(block, f"{page.relative_to(ROOT)}, line {block.line}", tmp_path, capfd)


def _run(block: Block, place: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if block.language == "python":
        script = folder / "block.py"
        script.write_text(re.sub(r'(?<=")RUN(?=["/])', REPLACED["RUN"], block.text))
        runpy.run_path(str(script))
        return
    for words in block.commands():
        if words[:2] == ["pip", "install"]:
            assert _extras(words[2]) <= EXTRAS, place
            continue
        assert words[0] == "neuronas", f"{place}: '{' '.join(words)}' cannot be tested; say why: <!-- not run: … -->"
        arguments = [_replaced(word) for word in words[1:]]
        if arguments[0] == "dashboard":
            _serve_and_end(arguments, folder)
            continue
        resumes = "--resume" in arguments  # with the previous settings
        added = [one for needed, more in ADDED.items() if _holds(arguments, needed) and not resumes for one in more]
        with at_most(TIME_LIMIT_S, f"{place}: {' '.join(words)}"):
            code = neuronas([*arguments, *added])
        assert code == block.exit_code, f"{place}: {' '.join(words)}\n{capfd.readouterr().err}"


def _serve_and_end(arguments: list[str], folder: Path) -> None:
    """Start a command that serves until interrupted, and interrupt it once it states its address."""
    command = [sys.executable, "-m", "neuronas", *arguments]
    with (
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server,
        at_most(TIME_LIMIT_S, " ".join(arguments), server.kill),
    ):
        assert server.stdout
        assert any("http://127.0.0.1:" in line for line in server.stdout)
        server.send_signal(signal.SIGTERM)  # children of a background job ignore Ctrl-C
        assert server.wait() == 0


def _holds(arguments: list[str], needed: tuple[str, ...]) -> bool:
    return arguments[0] == needed[0] and all(any(part in word for word in arguments) for part in needed)


def _replaced(word: str) -> str:
    head, slash, tail = word.partition("/")
    return REPLACED.get(head, head) + slash + tail


def _extras(text: str) -> set[str]:
    return {name for found in re.findall(r"neuronas\[([\w,]+)\]", text) for name in found.split(",")}


def _all_options(command: Any) -> Iterator[str]:
    for part in command.params:
        yield from (*part.opts, *part.secondary_opts)
    for child in getattr(command, "commands", {}).values():
        yield from _all_options(child)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_and_extras_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {*_all_options(typer.main.get_command(app)), "--help"}
    others = {"--nproc-per-node", "--nnodes", "--rdzv-endpoint"}  # torchrun's
    others |= {"--seconds", "--short"}  # options of tests/fuzz/readers.py and tests/matrix.py
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", _without_skipped(text)))
    assert named - known - others == set()
    assert _extras(text) <= EXTRAS


def _without_skipped(text: str) -> str:
    """The text without blocks that contain no commands of neuronas, and without hidden comments."""
    text = re.sub(r"^<!-- not run: [^\n]*\n```\w+\n.*?^```$", "", text, flags=re.M | re.S)
    return re.sub(r"<!--.*?-->", "", text, flags=re.S)


def test_a_command_that_is_not_run_has_a_reason() -> None:
    for page in PAGES:
        for block in blocks(page):
            assert not block.reason or len(block.reason.split()) > 3, f"{page.name}, line {block.line}"
