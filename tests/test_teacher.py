"""Knowledge distillation: learning from a trained network."""

import shutil
from pathlib import Path

import pytest
import torch

from neuronas.api.training.train import plan_training
from neuronas.cli.main import run as command
from neuronas.config import value_at
from neuronas.errors import RunDirectoryError
from neuronas.runs.config_file import read_config
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.training.checkpoint import best_digest, read_checkpoint
from neuronas.training.teacher import Teacher

ARCH = "|conv_3x3~0|+|none~0|skip~1|+|none~0|none~1|skip~2|"
SMALL = ("--channels", "4", "--timesteps", "2", "--limit", "200", "--batch-size", "40", "--quiet")


def train(out: Path, *options: str) -> int:
    return command(["train", ARCH, "--out", str(out), "--epochs", "2", *SMALL, *options])


def best(run: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(run / "checkpoints" / "best.safetensors")[0]


def test_targets_are_shared_between_labels_and_teacher() -> None:
    settings = ClassifierSettings(WeightFormat(bits=8), NeuronParameters(), timesteps=2)
    network = Classifier(parse_architecture(ARCH), NetworkShape(1, 8, 3, 4, head="gap"), settings, 0).eval()
    x, labels = torch.rand(5, 1, 8, 8), torch.eye(3)[[0, 1, 2, 0, 1]]
    with torch.no_grad():
        known = network(x).mean(dim=0).softmax(dim=-1)
    found = Teacher(network, 0.25, "").taught(x, labels)
    assert torch.allclose(found, 0.75 * labels + 0.25 * known)
    assert torch.equal(Teacher(network, 1.0, "").taught(x, labels), known)


def test_a_teacher_changes_what_is_learned_and_is_needed_only_in_training(tmp_path: Path) -> None:
    teacher, taught = tmp_path / "teacher", tmp_path / "taught"
    assert train(teacher, "--ann") == 0
    assert train(taught, "--teacher", str(teacher)) == 0
    assert train(tmp_path / "alone") == 0
    other = best(tmp_path / "alone")
    assert any(not torch.equal(tensor, other[name]) for name, tensor in best(taught).items())

    stopped = tmp_path / "stopped"
    assert train(stopped, "--teacher", str(teacher), "--max-minutes", "0.0001") == 0
    assert command(["train", str(stopped), "--resume", "--quiet"]) == 0
    resumed = best(stopped)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in best(taught).items())

    shutil.rmtree(teacher)
    assert command(["evaluate", str(taught), "--limit", "40", "--quiet"]) == 0


def test_a_teacher_of_other_images_or_without_training_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher = tmp_path / "teacher"
    assert train(teacher, "--image-side", "16") == 0
    assert train(tmp_path / "one", "--teacher", str(teacher)) == 2
    assert "image size (16, 16), this training has (8, 8)" in capsys.readouterr().err
    shutil.rmtree(teacher / "checkpoints")
    assert train(tmp_path / "two", "--teacher", str(teacher), "--image-side", "16") == 2
    assert "checkpoints/best.safetensors not found" in capsys.readouterr().err


def test_a_stopped_training_goes_on_with_the_weights_of_its_teacher_wherever_they_lie(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, moved, stopped = tmp_path / "teacher", tmp_path / "moved", tmp_path / "stopped"
    assert train(teacher, "--ann") == 0
    assert train(tmp_path / "taught", "--teacher", str(teacher)) == 0
    assert train(stopped, "--teacher", str(teacher), "--max-minutes", "0.0001") == 0
    teacher.rename(moved)
    assert command(["train", str(stopped), "--resume", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert f"train.teacher {teacher} given, which is not a directory" in said and "--teacher" in said

    assert train(teacher, "--ann", "--seed", "1") == 0  # another network replaces the teacher
    assert command(["train", str(stopped), "--resume", "--quiet"]) == 4
    said = capsys.readouterr().err
    assert best_digest(moved) in said and f"{teacher} has weights {best_digest(teacher)}" in said

    assert command(["train", str(stopped), "--resume", "--teacher", str(moved), "--quiet"]) == 0
    resumed = best(stopped)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in best(tmp_path / "taught").items())
    assert value_at(read_config(stopped / "config.yaml"), "train.teacher") == str(moved)


def test_twins_have_learned_from_the_same_weights_wherever_they_lie(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, moved, taught = tmp_path / "teacher", tmp_path / "moved", tmp_path / "taught"
    assert train(teacher, "--ann") == 0
    assert train(taught, "--teacher", str(teacher)) == 0
    teacher.rename(moved)
    evaluate = ["evaluate", str(taught), "--twin", "--limit", "40", "--quiet"]
    assert command([*evaluate, "--set", f"train.teacher={moved}"]) == 0
    assert value_at(read_config(tmp_path / "taught-twin" / "config.yaml"), "train.teacher") == str(moved)
    shutil.rmtree(moved)
    assert command(evaluate) == 0  # the twin is trained, so the teacher is not needed

    assert train(teacher, "--ann", "--seed", "1") == 0  # another network replaces the teacher
    other = tmp_path / "other"
    assert train(other, "--teacher", str(teacher)) == 0
    shutil.rmtree(tmp_path / "taught-twin")
    options = ["--ann", "--activation-bits", "2", "--out", str(tmp_path / "taught-twin"), "--quiet"]
    assert command(["train", str(other), *options]) == 0
    capsys.readouterr()
    assert command(evaluate) == 2
    said = capsys.readouterr().err
    assert "is not the twin of this run: its teacher had weights" in said and best_digest(teacher) in said


def test_a_teacher_that_is_trained_while_a_training_is_prepared_is_refused(tmp_path: Path) -> None:
    teacher = tmp_path / "teacher"
    assert train(teacher, "--ann") == 0
    options = {"teacher": str(teacher), "channels": 4, "timesteps": 2, "limit": 200, "batch_size": 40, "epochs": 1}
    planned = plan_training(ARCH, options, out=tmp_path / "taught")
    shutil.rmtree(teacher)
    assert train(teacher, "--ann", "--seed", "1") == 0
    assert plan_training(ARCH, options, out=tmp_path / "taught").identity != planned.identity
    with pytest.raises(RunDirectoryError, match="its weights changed while this training was prepared"):
        planned.run()
