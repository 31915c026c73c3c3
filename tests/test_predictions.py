"""One rule from class scores to the predicted class: evaluation, prediction and exported files agree, also for ties."""

import csv
import io
import json
from pathlib import Path

import nir
import numpy as np
import onnx
import pytest
import torch
from PIL import Image

import neuronas
from neuronas.cli.main import run as command
from neuronas.data.presets import Digits
from neuronas.export.integer import compute_integer
from neuronas.export.onnx_format import compute_onnx
from neuronas.runs.inputs import PREPARATION
from neuronas.snn.decision import READOUT, decided, mean_scores, ranked
from neuronas.training.evaluation import accuracy_of

CHAIN = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the digits with one time step, so that many scores are equal."""
    run = tmp_path_factory.mktemp("runs") / "run"
    options = ["--channels", "4", "--timesteps", "1", "--epochs", "8", "--batch-size", "64", "--weight-bits", "4"]
    assert (
        command(
            [
                "train",
                CHAIN,
                *options,
                "--head",
                "linear",
                "--set",
                "network.head_width=8",
                "--quiet",
                "--out",
                str(run),
            ]
        )
        == 0
    )
    return run


def test_of_equal_scores_the_lowest_index_wins() -> None:
    scores = torch.tensor([[0.0, 2.0, 1.0, 2.0, 2.0, 0.0, 1.0], [0.0] * 7])
    assert decided(scores).tolist() == scores.argmax(dim=1).tolist() == [1, 0]
    assert ranked(scores).tolist() == [[1, 3, 4, 2, 6, 0, 5], [0, 1, 2, 3, 4, 5, 6]]
    found = accuracy_of(scores, torch.tensor([3, 0]))
    assert (found.top1, found.top5) == (0.5, 1.0)
    assert accuracy_of(torch.zeros(1, 200), torch.tensor([5])).top5 == 0


def test_evaluation_and_exported_files_decide_alike(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["evaluate", str(trained), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    source = Digits().load("test", 8)
    pixels = (source.images.float() / 255 - Digits.mean[0]) / Digits.std[0]
    n_ties = 0
    for name, place, compute in (("integer", "integer", compute_integer), ("onnx", "network.onnx", compute_onnx)):
        assert command(["export", str(trained), "--format", name, "--quiet"]) == 0
        scores = mean_scores(compute(trained / "export" / place, pixels).scores)
        ordered = scores.sort(dim=1, descending=True).values
        n_ties = int((ordered[:, 0] == ordered[:, 1]).sum())
        assert np.mean(scores.numpy().argmax(axis=1) == source.labels) == pytest.approx(evaluated["top1"], abs=1e-15)
    assert n_ties, "the case is about ties; there are none"


@pytest.fixture(scope="module")
def photographed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on class folders whose names do not sort as numbers do; with all exported files."""
    folder = tmp_path_factory.mktemp("named")
    for split in ("train", "test"):
        for name, grey in (("1", 30), ("2", 120), ("10", 220)):
            (folder / "data" / split / name).mkdir(parents=True)
            for number in range(8):
                Image.new("RGB", (12, 10), (grey + number,) * 3).save(folder / "data" / split / name / f"{number}.png")
    options = ["--channels", "4", "--timesteps", "2", "--image-side", "8x10", "--head", "gap", "--batch-size", "4"]
    run = [*options, "--dataset", f"imagefolder:{folder / 'data'}", "--epochs", "6", "--out", str(folder / "run")]
    assert command(["train", CHAIN, *run, "--quiet"]) == 0
    for name in ("integer", "onnx", "nir"):
        assert command(["export", str(folder / "run"), "--format", name, "--quiet"]) == 0
    return folder / "run"


def test_exported_files_say_what_their_outputs_and_inputs_are(
    photographed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, side = ["1", "10", "2"], {"channels": 3, "height": 8, "width": 10}
    network = json.loads((photographed / "export" / "integer" / "network.json").read_text())
    assert command(["evaluate", str(photographed), "--json"]) == 0
    capsys.readouterr()
    evaluation = json.loads((photographed / "evaluation.json").read_text())
    for document in (network, evaluation):
        assert document["class_names"] == names
        assert document["input"] == side | {"mean": [0.5] * 3, "std": [0.25] * 3, "preparation": PREPARATION}
    model = onnx.load(photographed / "export" / "network.onnx")
    graph = nir.read(photographed / "export" / "network.nir")
    for about in ({one.key: one.value for one in model.metadata_props}, graph.metadata):
        assert json.loads(about["class_names"]) == names
        assert (about["image_channels"], about["image_size"], about["preparation"]) == ("3", "8x10", PREPARATION)
        assert about["readout"] == READOUT


def test_onnx_files_of_other_operators(photographed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export = ["export", str(photographed), "--quiet", "--format"]
    for opset in (18, 21):
        file = tmp_path / f"{opset}.onnx"
        assert command([*export, "onnx", "--opset", str(opset), "--out", str(file)]) == 0
        assert onnx.load(file).opset_import[0].version == opset
    capsys.readouterr()
    for arguments, message in (
        (["onnx", "--opset", "17"], "expected 18 to "),
        (["integer", "--opset", "18"], "expected --format onnx"),
    ):
        assert command([*export, *arguments]) == 2
        assert message in capsys.readouterr().err


def test_predictions_are_those_of_the_evaluation(
    photographed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, names = photographed.parent / "data" / "test", ["1", "10", "2"]
    assert command(["evaluate", str(photographed), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert command(["predict", str(photographed), str(data), "--top-k", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["images"]
    assert [one["image"] for one in found] == sorted(str(path) for path in data.rglob("*.png"))
    confusion = [[0] * 3 for _ in names]
    for one in found:
        scores = {own["index"]: own["score"] for own in one["classes"]}
        assert [own["index"] for own in one["classes"]] == sorted(scores, key=lambda index: (-scores[index], index))
        assert [own["name"] for own in one["classes"]] == [names[own["index"]] for own in one["classes"]]
        confusion[names.index(Path(one["image"]).parent.name)][one["classes"][0]["index"]] += 1
    assert confusion == evaluated["confusion"]
    paths = [str(path) for path in sorted(data.rglob("*.png"))]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(paths[:5]) + "\n"))
    assert command(["predict", str(photographed), "-", "--csv", "--top-k", "2"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["image"], row["rank"]) for row in rows] == [(path, rank) for path in paths[:5] for rank in "12"]
    scores = [own["score"] for own in found[0]["classes"][:2]]  # rounding depends on the batch size
    assert [float(row["score"]) for row in rows[:2]] == pytest.approx(scores, abs=1e-6)
    assert command(["predict", str(photographed), paths[0]]) == 0
    assert paths[0] in capsys.readouterr().out


def test_pictures_and_arrays_are_predicted_as_files_are(photographed: Path) -> None:
    paths = sorted((photographed.parent / "data" / "test").rglob("*.png"))[::6]
    files = neuronas.predict(photographed, paths, top_k=3)
    pictures = neuronas.predict(photographed, [Image.open(path) for path in paths], top_k=3)
    arrays = neuronas.predict(photographed, np.stack([np.asarray(Image.open(path)) for path in paths]), top_k=3)
    assert [one.classes for one in files.images] == [one.classes for one in pictures.images]
    assert [one.classes for one in files.images] == [one.classes for one in arrays.images]
    (one,) = neuronas.predict(photographed, Image.open(paths[0])).images
    assert one.classes == files.images[0].classes[:1]


def test_images_that_cannot_be_predicted(
    photographed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = next((photographed.parent / "data" / "test").rglob("*.png")), tmp_path / "bad.png"
    bad.write_bytes(b"broken")
    run = ["predict", str(photographed)]
    for arguments, message in (
        ([str(good), str(bad)], "bad.png: cannot be decoded"),
        ([str(tmp_path / "none.png")], "none.png: not found; check the path"),
        ([str(bad), str(tmp_path / "none.png")], "2 of 2 images cannot be read; the first: "),
        ([str(bad), "--skip-corrupt"], "bad.png: cannot be decoded"),
        ([""], "IMAGE '' given; expected a path"),
        ([str(good), "--csv", "--json"], "expected one of them"),
        ([str(good), "--top-k", "0"], "--top-k"),
    ):
        assert command([*run, *arguments]) == 2, arguments
        err = capsys.readouterr().err
        assert message in err and err.count("\n") == 1, err
    assert command([*run, str(good), str(bad), "--skip-corrupt", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["image"] for one in answer["images"]] == [str(good)] and list(answer["unreadable"]) == [str(bad)]
    assert "--skip-corrupt" not in answer["unreadable"][str(bad)], "the advice was followed"
    assert command(["predict", str(tmp_path), str(good)]) == 2
    (tmp_path / "empty").mkdir()
    assert command([*run, str(tmp_path / "empty")]) == 2
