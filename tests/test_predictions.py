"""One decision from class scores to an answer: evaluation, prediction and exported files agree, also at ties."""

import json
from pathlib import Path

import nir
import numpy as np
import onnx
import pytest
import torch
from PIL import Image

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
    options = ["--channels", "4", "--timesteps", "1", "--epochs", "2", "--weight-bits", "4", "--head", "linear"]
    assert command(["train", CHAIN, *options, "--set", "network.head_width=8", "--quiet", "--out", str(run)]) == 0
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
    """A run on class folders whose names do not sort as numbers do; all its exported files."""
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
