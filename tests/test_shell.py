"""Commands in a shell: closed streams, ``~``, empty variables, names with spaces, suggestions that are copied."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from conftest import Neuronas, chain
from neuronas.cli.main import app
from neuronas.config import as_path, settings_for
from neuronas.errors import ConfigurationError, quoted

SMALL = ("--channels", 4, "--timesteps", 1, "--batch-size", 8, "--quiet")
SEARCH = ("search", "--algorithm", "snasnet", "--n-draws", 1, *SMALL)


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    neuronas = f"{shlex.quote(sys.executable)} -m neuronas"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("neuronas", neuronas, 1)],
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"neuronas estimate '{chain(1)}' --cost-model mapped | head -1", 0),
        ("neuronas search --help | head -1", 0),
        (f"neuronas estimate '{chain(1)}' >&-", 0),
        (f"neuronas estimate '{chain(1)}' --json >&- 2>&-", 0),
        ("neuronas estimate nothing 2>&-", 2),
        (f"neuronas estimate '{chain(1)}' --json >/dev/full", 2),
    ],
)
def test_streams_that_are_closed_or_cut_off(command: str, code: int, tmp_path: Path) -> None:
    done = shell(command, tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    if "full" in command:
        assert done.stderr == "neuronas: system: No space left on device\n"


@pytest.mark.slow
def test_the_home_folder_in_every_path(neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert neuronas(*SEARCH, "--timesteps", 4, "--channels", 8, "--out", "~/run")[0] == 0
    (home / "more.yaml").write_text("train: {epochs: 1}")
    assert neuronas("train", "~/run", "--config", "~/run/config.yaml", "--epochs", 4, "--quiet")[0] == 0
    assert neuronas("estimate", "~/run")[0] == 0
    assert neuronas(*SEARCH, "--out", "~/other")[0] == 0
    for verb in (
        ("evaluate", "~/run"), ("export", "~/run", "--format", "integer", "--out", "~/out"),
        ("report", "~/run", "--out", "~/page.html"), ("compare", "~/run", "~/other", "--out", "~/both.html"),
        ("estimate", "~/run", "--floorplan", "~/plan.json"),
        ("estimate", "~/run", "--hardware", "~/run/accelerator.yaml"),
        ("train", chain(1), "--start-from", "~/run", "--out", "~/third", "--dry-run"),
    ):  # fmt: skip
        code, _, err = neuronas(*verb)
        assert code == 0, err
    assert {"run", "out", "page.html", "both.html", "plan.json"} <= {path.name for path in home.iterdir()}
    assert not (tmp_path / "~").exists()
    assert as_path("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")


PATHS = ("DIR", "FILE", "PATH", "RUN", "FILE|DIR")


def _paths_of(verb: str) -> list[str]:
    options = typer.main.get_command(app).commands[verb].params
    return [one.opts[0] for one in options if one.param_type_name == "option" and one.metavar in PATHS]


@pytest.mark.parametrize("verb", ["search", "estimate", "train", "export", "report", "compare"])
def test_an_empty_path_is_refused(verb: str, neuronas: Neuronas, tmp_path: Path) -> None:
    first = [] if verb == "search" else [chain(1)] if verb in ("estimate", "train") else ["run"]
    more = ["--format", "integer"] if verb == "export" else []
    options = _paths_of(verb)
    assert options
    for option in options:
        code, _, err = neuronas(verb, *first, *more, option, "")
        assert (code, "''" in err and "expected a path" in err) == (2, True), (option, err)
    if first:
        code, _, err = neuronas(verb, "", *more)
        assert (code, "expected a path" in err) == (2, True), err
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigurationError, match="--out '' given"):
        as_path("", "--out")


def test_commands_in_messages_can_be_copied(neuronas: Neuronas, tmp_path: Path) -> None:
    run = "my run; it's new"
    code, out, err = neuronas("train", chain(1), *SMALL[:4], "--epochs", 1, "--quiet", "--out", run)
    assert code == 0, err
    assert shlex.split(re.search("neuronas evaluate .*", out)[0]) == ["neuronas", "evaluate", run]  # type: ignore[index]
    assert neuronas(*SEARCH[:-1], "--out", "a b")[0] == 0
    code, _, err = neuronas("evaluate", "a b")
    assert shlex.split(err.rpartition("run: ")[2]) == ["neuronas", "train", "a b"]
    (tmp_path / "my photos").mkdir()
    code, _, err = neuronas("search", "--dataset", "my photos")
    assert (code, "give --dataset 'imagefolder:my photos'" in err) == (2, True)
    assert quoted(Path("a b")) == "'a b'"


def test_no_command_in_the_source_names_a_path_without_quotes() -> None:
    source = Path(__file__).parents[1] / "src" / "neuronas"
    known = r"quoted\(|settings\}|dataset\.name|_study\.name|run\.chip|ablation"
    verbs = "search|train|evaluate|export|report|compare|predict"
    pattern = re.compile(rf"neuronas (?:{verbs})[^\"\n]*\{{(?!{known})")
    for path in source.rglob("*.py"):
        assert (found := pattern.search(path.read_text())) is None, f"{path.name}: {found and found[0]}"


def test_settings_that_are_paths_say_so() -> None:
    kinds = {name: one for verb in ("search", "train") for name, one in settings_for(verb).items()}
    assert kinds["data_dir"].primitive is kinds["trace"].primitive is kinds["start_from"].primitive is str
