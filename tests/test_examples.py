"""The examples run as stated in their first lines, and stay short; the notebook runs from top to bottom."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from neuronas.api.example_files import CLASSES
from neuronas.cli.main import run as command
from neuronas.config.registry import OPERATIONS
from neuronas.data.datasets import open_dataset
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import load_accelerator
from neuronas.space.operations import Convolution
from own_process import OwnProcess

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(example: str, folder: Path, *arguments: str) -> str:
    ran = OwnProcess(*arguments, folder=folder, script=EXAMPLES / example)
    out, err = ran.communicate()
    assert ran.returncode == 0, err
    return out


def test_examples_are_short_and_all_named() -> None:
    files = [path for path in EXAMPLES.iterdir() if path.suffix in {".py", ".yaml", ".ipynb"}]
    assert len(files) >= 6
    named = (EXAMPLES / "README.md").read_text()
    for path in files:
        assert path.name in named or path.suffix == ".yaml"
        assert path.suffix == ".ipynb" or len(path.read_text().splitlines()) < 80


@pytest.mark.slow
def test_own_images(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for split, count in (("train", 40), ("test", 10)):
        for name, brightness in (("cat", 60), ("dog", 180)):
            place = tmp_path / "photos" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = random.normal(brightness, 30, (8, 8, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    said = run("own_images.py", tmp_path, "photos")
    assert "of the test images with 8-bit weights" in said
    assert (tmp_path / "runs/own-images/report.html").is_file()


@pytest.mark.slow
def test_event_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONAS_CACHE", str(tmp_path / "cache"))
    assert command(["example-files", "--out", str(tmp_path)]) == 0
    said = run("event_recordings.py", tmp_path, "recordings")
    with_time, without = map(float, re.findall(r"([\d.]+)% (?:of the test recordings|without the order)", said))
    assert with_time > without + 15
    assert "times real time" in said


@pytest.mark.slow
def test_data_in_memory(tmp_path: Path) -> None:
    said = run("data_in_memory.py", tmp_path)
    assert re.search(r"[5-9]\d% of 397 test images", said)


@pytest.mark.usefixtures("forget_plugins")
def test_own_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in worker processes, which find it by the plug-in's name."""
    monkeypatch.chdir(tmp_path)
    options = ["--plugin", str(EXAMPLES / "own_dataset.py"), "--dataset", "stripes", "--channels", "2", "--quiet"]
    draws = ["--algorithm", "snasnet", "--n-draws", "2", "--timesteps", "2"]
    assert command(["search", *options, *draws, "--out", "here"]) == 0
    assert command(["search", *options, *draws, "--out", "workers", "--workers", "1"]) == 0
    here, workers = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("here", "workers"))
    assert (here["fitness"], here["dataset"]) == (workers["fitness"], "stripes")


@pytest.mark.slow
def test_observer(tmp_path: Path) -> None:
    run("observer.py", tmp_path)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    verbs = ["search", "train", "evaluate", "chips"]
    assert [one["verb"] for one in events if one["event"] == "started"] == verbs
    assert [one["verb"] for one in events if one["event"] == "finished"] == verbs
    epochs = [one for one in events if (one["verb"], one["event"]) == ("train", "progress")]
    assert [one["epoch"] for one in epochs] == [1, 2]


@pytest.mark.slow
def test_own_accelerator(tmp_path: Path) -> None:
    preset, own, *sweep = run("own_accelerator.py", tmp_path).splitlines()
    assert preset.startswith("spikeflow-rram: 426.9 mm²")
    assert own.startswith("own_accelerator.yaml: 126.1 mm²")
    assert preset.split(":")[1] != own.split(":")[1]
    assert [line.split(":")[0] for line in sweep] == [f"crossbar.size {size}" for size in (32, 64, 128)]


@pytest.mark.slow
def test_own_operation(tmp_path: Path) -> None:
    assert "µJ of at most 40; 40 candidates" in run("own_operation.py", tmp_path)
    assert "conv_9x9" in (tmp_path / "runs/own-operation/space.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "kernel", "names"), [("skip", 3, "exists already"), ("Big", 3, "lower-case"), ("conv_4x4", 4, "odd")]
)
def test_operations_that_cannot_be_added_are_refused(name: str, kernel: int, names: str) -> None:
    before = dict(OPERATIONS)
    with pytest.raises(ConfigurationError, match=names):
        OPERATIONS.add(name, Convolution(name, kernel))
    assert before == dict(OPERATIONS)


@pytest.mark.slow
def test_own_fitness(tmp_path: Path) -> None:
    said = run("own_fitness.py", tmp_path)
    bits = float(said.split("a spike carries ")[1].split()[0])
    assert 0 < bits <= 1
    assert (tmp_path / "runs/own-fitness/result.json").is_file()


@pytest.mark.slow
def test_export_to_nir(tmp_path: Path) -> None:
    said = run("export_to_nir.py", tmp_path)
    assert "x LIF" in said
    assert "time step 0.0001 s" in said
    assert list((tmp_path / "runs/nir/export").iterdir())


@pytest.mark.slow
def test_notebook(tmp_path: Path) -> None:
    notebook = nbformat.read(EXAMPLES / "tutorial.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) > 8
    shipped = [[output.output_type for output in cell.outputs] for cell in cells]
    assert (EXAMPLES / "tutorial.ipynb").stat().st_size < 300_000
    assert "<svg" in cells[1].outputs[-1]["data"]["text/html"], "execute the notebook before committing"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)
    assert [[output.output_type for output in cell.outputs] for cell in cells] == shipped
    assert "µJ of at most 5" in cells[2].outputs[0]["data"]["text/plain"]


def test_example_files_can_be_written_again_and_replace_nothing(tmp_path: Path) -> None:
    assert command(["example-files", "--out", str(tmp_path)]) == 0
    assert command(["example-files", "--out", str(tmp_path)]) == 0
    dataset = open_dataset(f"imagefolder:{tmp_path / 'photos'}")
    assert dataset.class_names == tuple(sorted(CLASSES))
    recorded = open_dataset(f"events:{tmp_path / 'recordings'}")
    assert (recorded.class_names, recorded.sensor) == (("down", "left", "right", "up"), (24, 32))
    assert load_accelerator(str(tmp_path / "mine.yaml")) == load_accelerator("spikeflow-rram")
    (tmp_path / "mine.yaml").write_text("my own")
    assert command(["example-files", "--out", str(tmp_path)]) == 2
    assert (tmp_path / "mine.yaml").read_text() == "my own"


def test_example_files_do_not_mix_with_photos_of_the_same_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "photos" / "cat" / "1.jpg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"")
    assert command(["example-files", "--out", str(tmp_path)]) == 2
    assert f"{tmp_path / 'photos'}: holds other files ({own})" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own]
