"""The functions of ``neuronas`` do the same as the commands, with the same options."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import neuronas
from neuronas.cli.main import run as command
from neuronas.errors import ConfigurationError
from neuronas.space.notation import parse_architecture
from recorder import Recorder

ARCH = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"
TIMES = {"seconds", "peak_memory_mb"}


def test_import_loads_nothing() -> None:
    script = (
        "import sys, neuronas; print([name for name in ('torch', 'pydantic', 'numpy', 'typer') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in neuronas.__all__:
        assert getattr(neuronas, name) is not None
    assert set(dir(neuronas)) >= {"search", "estimate", "train", "evaluate", "export", "report", "load"}
    with pytest.raises(AttributeError, match="serach"):
        _ = neuronas.serach


@pytest.mark.parametrize("name", ["search", "export", "report"])
def test_packages_with_the_name_of_a_verb_can_be_called(name: str) -> None:
    script = (
        f"import neuronas, inspect; first = neuronas.{name}; import neuronas.{name}; "
        f"assert neuronas.{name} is first and callable(first); print(*inspect.signature(first).parameters)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "out" in ran.stdout.split()
    assert inspect.signature(getattr(neuronas, name)).return_annotation


def test_unknown_options_are_refused_with_the_nearest_name() -> None:
    for function in (neuronas.search, lambda **options: neuronas.estimate(ARCH, **options)):
        with pytest.raises(ConfigurationError, match="'chanels'; did you mean 'channels'"):
            function(chanels=4)


def test_estimate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = neuronas.estimate(ARCH, dataset="cifar10", max_energy_uj=10)
    assert command(["estimate", ARCH, "--dataset", "cifar10", "--max-energy-uj", "10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found.report.plain()
    assert found.violations["energy_uj"] == found.cost.energy_uj - 10
    assert found.text == ARCH
    assert neuronas.estimate(parse_architecture(ARCH), dataset="cifar10", cost_model="mapped").cost == found.cost
    file = tmp_path / "architecture.json"
    file.write_text(json.dumps({"architecture": ARCH}))
    assert neuronas.estimate(file, dataset="cifar10", cost_model="mapped").cost == found.cost
    assert found.by_all_models()["mapped"] == found.cost
    _, points = found.sweep("crossbar_size=32,64")
    assert points[1].cost.energy_uj == pytest.approx(found.cost.energy_uj)
    assert found.floorplan().tiles


def test_from_search_to_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text("operations: [skip, conv_3x3]\nshared_cell: true\n")
    found = neuronas.search(
        space="space.yaml", channels=6, timesteps=2, batch_size=16, head="gap", max_energy_uj=5, out=Path("mine")
    )
    options = "--space space.yaml --channels 6 --timesteps 2 --batch-size 16 --head gap --max-energy-uj 5 --out other"
    assert command(["search", *options.split(), "--json", "--quiet"]) == 0
    by_command = json.loads(capsys.readouterr().out)
    assert _timeless(by_command) == _timeless(found.summary.plain())
    assert json.loads(Path("mine/result.json").read_text()) == found.summary.plain()
    assert found.cost.energy_uj <= 5
    assert found.fitness == found.summary.fitness

    recorder = Recorder()
    trained = neuronas.train(found.directory, epochs=4, batch_size=64, observer=recorder)
    assert trained.directory == found.directory
    assert trained.epochs == 4
    assert 0 < trained.validation_accuracy <= 1
    assert [one.detail.row.epoch for one in recorder.events if getattr(one, "detail", None)] == [1, 2, 3, 4]

    evaluation = neuronas.evaluate("mine")
    assert evaluation.top1 == evaluation.accuracy_by_bits["8"]
    assert json.loads(Path("mine/evaluation.json").read_text())["top1"] == evaluation.top1
    on_chips = neuronas.evaluate_on_chips("mine", chips=2)
    assert len(on_chips.top1_per_chip) == 2
    assert on_chips.quantised_network_top1 == evaluation.top1

    exported = neuronas.export("mine", "integer")
    assert (exported.path / "network.json").is_file()
    assert json.loads(Path("mine/export/integer.json").read_text()) == exported.plain()
    assert exported.format == "integer"
    page = neuronas.report("mine")
    assert page.file.stat().st_size == page.n_bytes
    assert neuronas.compare(["mine", "other"], out="both.html").file == Path("both.html")
    assert capsys.readouterr() == ("", "")  # functions print nothing


def _timeless(document: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in document.items() if key not in TIMES}


FORK = """
import os
import torch
from neuronas.api.setup.devices import device_named

device_named("cpu")
torch.set_num_threads(2)  # of OpenMP, which start with the first computation
values = torch.ones(4_000_000)
expected = float((values + values).sum())
child = os.fork()
if not child:
    os._exit(float((values + values).sum()) != expected)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_is_forked_after_a_computation_can_compute() -> None:
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=120)
