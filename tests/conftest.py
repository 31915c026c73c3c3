from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.space.layers import NetworkShape

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("neuronas", deadline=None)
settings.load_profile("neuronas")

DATASETS = Path(__file__).parents[2] / "shared" / "datasets"


@pytest.fixture(scope="session")
def accelerator() -> Accelerator:
    return load_accelerator("spikeflow-rram")


@pytest.fixture(scope="session")
def cifar_shape() -> NetworkShape:
    return NetworkShape(image_channels=3, image_side=32, n_classes=10, channels=128)


@pytest.fixture
def neuronas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run the command line inside an empty folder: neuronas('search', ...) -> (exit code, stdout, stderr)."""
    from neuronas.cli.main import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEURONAS_DATA", raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


Neuronas = Callable[..., tuple[int, str, str]]


def chain(n_convolutions: int) -> str:
    """A cell of the space neuronas with this many convolutions."""
    names = ["conv_3x3"] * n_convolutions + ["skip"] * (6 - n_convolutions)
    return "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*names)
