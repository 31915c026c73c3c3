"""A dry run refuses what the command itself would refuse, in the same words, and writes nothing."""

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Neuronas, chain
from neuronas.cli.main import run as command
from test_data import write_image

SMALL = ("--channels", "4", "--timesteps", "1")
SEARCH = ("search", "--algorithm", "snasnet", "--n-draws", "1", "--batch-size", "8", *SMALL)
TRAIN = ("train", chain(1), *SMALL, "--epochs", "1")
DESIGN = ("design", *SMALL, "--batch-size", "8")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of SEARCH."""
    folder = tmp_path_factory.mktemp("searched") / "run"
    assert command([*SEARCH, "--quiet", "--out", str(folder)]) == 0
    return folder


def refused(neuronas: Neuronas, *words: str) -> str:
    """The message of a command and of its dry run, which writes nothing."""
    before = _files()
    code, out, said = neuronas(*words, "--dry-run")
    assert _files() == before
    assert (code, out, said.count("\n")) == (2, "", 1), said
    assert neuronas(*words) == (code, out, said)
    return said


def _files() -> dict[Path, tuple[int, bytes]]:
    """Every file below the current folder, with its time of change and its content."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*SEARCH, "--out", "run"), "holds a run already; resume it with --resume"),
        ((*SEARCH, "--out", "run", "--resume", "--seed", "9"), "was started with other settings: seed was 0, now 9"),
        ((*SEARCH, "--out", "new", "--resume"), "holds no run to resume; leave out --resume"),
        ((*SEARCH, "--out", "file"), "run directory file: cannot be written (File exists)"),
        ((*SEARCH, "--out", "file/new"), "run directory file/new: cannot be written (Not a directory)"),
        ((*TRAIN, "--out", "run"), "was started with other settings"),
        ((*TRAIN, "--out", "new", "--resume"), "holds no run to resume"),
        (("train", "trained"), "holds checkpoints already; resume it with --resume"),
        (("train", chain(5), "--config", "run/config.yaml", "--out", "run"), "belongs to another architecture, |"),
        ((*DESIGN, "--out", "run"), "holds another run; choose another --out"),
        ((*DESIGN, "--out", "new", "--resume"), "holds no design to resume"),
        ((*DESIGN, "--out", "designed"), "holds a design already; resume it with --resume"),
        ((*DESIGN, "--out", "file/new"), "cannot be written (Not a directory)"),
    ],
    ids=lambda value: " ".join(value).replace(chain(1), "ARCH").replace("|", "") if isinstance(value, tuple) else "",
)
def test_a_directory_that_cannot_be_used(
    words: tuple[str, ...], message: str, searched: Path, neuronas: Neuronas, tmp_path: Path
) -> None:
    shutil.copytree(searched, tmp_path / "run")
    shutil.copytree(searched, tmp_path / "trained")
    (tmp_path / "trained" / "checkpoints").mkdir()
    (tmp_path / "designed" / "design").mkdir(parents=True)
    shutil.copy(searched / "config.yaml", tmp_path / "designed" / "design")
    (tmp_path / "file").write_text("")
    assert message in refused(neuronas, *words)


def test_a_directory_in_which_another_process_works(searched: Path, neuronas: Neuronas, tmp_path: Path) -> None:
    shutil.copytree(searched, tmp_path / "run")
    with (tmp_path / "run" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(1234, file=lock, flush=True)
        assert "another neuronas is working in it (process 1234;" in refused(
            neuronas, *SEARCH, "--out", "run", "--resume"
        )
    assert neuronas(*SEARCH, "--out", "run", "--resume", "--dry-run")[0] == 0


def test_a_file_system_that_cannot_be_written(neuronas: Neuronas, mount: Callable[..., Path]) -> None:
    for words in (SEARCH, TRAIN, DESIGN):
        said = refused(neuronas, *words, "--out", str(mount("disk", "ro") if words is SEARCH else "disk/run"))
        assert "cannot be written (Read-only file system)" in said


def few_images(folder: Path, n: int) -> None:
    for name in ("a", "b"):
        for number in range(n):
            write_image(folder / name / f"{number}.png", 20 * number, (8, 8))


OF_PHOTOS = ("--dataset", "imagefolder:photos", "--image-side", "8")


def test_too_few_images_for_finalists(neuronas: Neuronas, tmp_path: Path) -> None:
    few_images(tmp_path / "photos", 9)
    too_few = "finalists have 10 images to learn from and 4 to be compared on; expected at least 11"
    more = (*OF_PHOTOS, "--set", "train.batch_size=11", "--out", "run")
    assert too_few in refused(neuronas, *SEARCH, *more, "--finalists", "2")
    assert too_few in refused(neuronas, *DESIGN, *more)
    assert neuronas(*SEARCH, *more, "--dry-run")[0] == 0, "without finalists, nothing is trained"
    assert neuronas(*SEARCH, *more, "--finalists", "2", "--set", "train.batch_size=10", "--dry-run")[0] == 0


def test_too_few_images_for_a_batch_of_a_training(neuronas: Neuronas, tmp_path: Path) -> None:
    few_images(tmp_path / "photos", 9)
    words = (*TRAIN, *OF_PHOTOS, "--limit", "6", "--set", "train.validation_share=0.3")
    code, _, said = neuronas(*words, "--batch-size", "5", "--dry-run")
    assert (code, "4 training images given (without those for validation)" in said) == (2, True)
    assert neuronas(*words, "--batch-size", "5", "--out", "run")[::2] == (code, said)
    code, out, _ = neuronas(*words, "--batch-size", "4", "--dry-run")
    assert (code, json.loads(out)["images"]["train"]) == (0, [7, 7])
