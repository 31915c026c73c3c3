"""The documents of runs: one model each writes, reads, prints and publishes them."""

import json
import pkgutil
import re
import runpy
from importlib import import_module
from math import inf, nan
from pathlib import Path

import pytest

from conftest import Neuronas
from neuronas import runs
from neuronas.config import MEASURING, REGISTRIES, ChipConfig
from neuronas.errors import VerificationError
from neuronas.runs.chip_evaluations import chip_changes, chip_file, read_chips
from neuronas.runs.document import Document, Finite
from report_runs import add_training, make_run

DOCS = Path(__file__).parents[1] / "docs"
GENERATE = runpy.run_path(str(DOCS / "generate.py"))
FILES = {
    "architecture": "architecture.json",
    "chip": "chips/spikeflow-rram.json",
    "environment": "environment.json",
    "evaluation": "evaluation.json",
    "result": "result.json",
}


def test_reference_of_choices_holds_every_built_in_name() -> None:
    text = (DOCS / "reference" / "choices.md").read_text(encoding="utf-8")
    names = [name for registry in REGISTRIES.values() for name in registry if registry.is_builtin(name)]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_reference_of_files_names_every_file_of_a_run() -> None:
    modules = [import_module(f"neuronas.runs.{one.name}") for one in pkgutil.iter_modules(runs.__path__)]
    text = (DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    files = {
        value
        for module in modules
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch(r"[\w-]+\.[a-z]+", value)
    }
    assert len(files) > 10
    assert [file for file in sorted(files) if not re.search(rf"`(?:[\w/-]+/)?{re.escape(file)}`", text)] == []


class Sample(Document):
    """Anything."""

    name: str
    value: Finite
    parts: tuple[int, ...] = ()


@pytest.mark.parametrize("name", sorted(GENERATE["CONTENT"]))
def test_generated_files_are_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == GENERATE["CONTENT"][name](), "run python docs/generate.py"


def test_every_schema_is_of_a_document() -> None:
    assert {path.name for path in (DOCS / "schemas").iterdir()} == {
        f"{name}.schema.json" for name in GENERATE["SCHEMAS"]
    }


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_of_a_run_has_the_keys_of_its_schema(tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path / "run", n=6)
    add_training(run)
    content = json.loads((run / FILES[name]).read_text())
    published = json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text())
    assert set(published["required"]) <= set(content) <= set(published["properties"])
    assert published["additionalProperties"] is False


def test_what_is_written_is_read(tmp_path: Path) -> None:
    for value in (1.5, inf, -inf, nan):
        one = Sample(name="é\udcff", value=value, parts=(1, 2))  # a file's name may hold any bytes
        one.write(tmp_path / "one.json")
        assert Sample.read(tmp_path / "one.json") == one
        assert json.loads((tmp_path / "one.json").read_text()) == one.plain()
        assert one.value == (1.5 if value == 1.5 else None)
    assert Sample.read_if_there(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "holds a list; expected a JSON object"),
        ('{"name": "a"}', "key 'value' is missing"),
        ('{"name": "a", "value": 1, "valu": 2}', "unknown key 'valu'; did you mean 'value'"),
        ('{"name": 1, "value": 1}', "name: given 1;"),
        ('{"name": "a", "value": 1, "parts": ["1"]}', "parts.0: given '1';"),
        ('{"name": "a", "name": "b", "value": 1}', "key given twice: 'name'"),
        ('{"name": "a", "value": 1e999}', "is out of range"),
        ('{"name": "a"', "is not valid JSON"),
    ],
)
def test_another_document_is_one_line_with_file_and_field(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "one.json"
    path.write_text(text)
    with pytest.raises(VerificationError) as refused:
        Sample.read(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_run_of_version_0_1_is_refused(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", n=6)
    content = json.loads((run / "environment.json").read_text())
    del content["format"]
    (run / "environment.json").write_text(json.dumps(content | {"neuronas": "0.1.0"}))
    for command in (("report", "run"), ("estimate", "run"), ("train", "run"), ("search", "--resume", "--out", "run")):
        code, out, err = neuronas(*command)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "run directory run: written by neuronas 0.1.0" in err


@pytest.mark.parametrize(
    ("hardware", "name"),
    [
        ("spikeflow-rram", "spikeflow-rram"),
        ("chips/my chip.yaml", "my-chip"),
        ("../../etc/passwd", "passwd"),
        ("<img src=x>.yml", "img-src-x"),
        ("..", "chip"),
    ],
)
def test_chips_are_files_of_their_own(tmp_path: Path, hardware: str, name: str) -> None:
    assert chip_file(tmp_path, hardware) == tmp_path / "chips" / f"{name}.json"


def test_options_that_make_another_chip_are_told_from_those_that_measure_it() -> None:
    same = ["--chips", "5", "--limit", "40", "--ablation", "--no-diagnosis", "--retrain-epochs", "2", "--set", "seed=1"]
    assert chip_changes(same) == ()
    other = "--without adc,drift --sign-scheme offset-binary --after 1h,1d --drift-compensation --no-gain-calibration"
    assert chip_changes([*other.split(), *same]) == (
        "without adc,drift", "sign scheme offset-binary", "after 1h,1d", "drift compensation", "no gain calibration",
    )  # fmt: skip
    assert set(ChipConfig.model_fields) > MEASURING


def test_each_chip_has_a_file_and_a_chip_that_is_measured_again_its_own(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    add_training(run)
    (first,) = read_chips(run)
    folder = run / "chips"

    def keep(options: str, hardware: str = first.hardware) -> str:
        path = chip_file(run, hardware, options.split())
        first.model_copy(update={"options": tuple(options.split()), "hardware": hardware}).write(path)
        return path.name

    assert keep("--limit 40") == keep("") == "spikeflow-rram.json"
    assert keep("--sign-scheme offset-binary --limit 9") == "spikeflow-rram.sign-scheme-offset-binary.json"
    assert keep("", "a/chip.yaml") == "chip.json"
    assert keep("", "b/chip.yaml") == "chip-2.json" == keep("--ablation", "b/chip.yaml")
    assert [one.chip for one in read_chips(run)] == [
        "a/chip.yaml", "b/chip.yaml", "spikeflow-rram", "spikeflow-rram, sign scheme offset-binary"
    ]  # fmt: skip
    assert len(keep(f"--device-model {'far/' * 60}away.csv")) < 130

    # Before chips had separate files, another sign scheme used the accelerator's file.
    (folder / "spikeflow-rram.json").unlink()
    (folder / "spikeflow-rram.sign-scheme-offset-binary.json").rename(folder / "spikeflow-rram.json")
    assert keep("--sign-scheme offset-binary") == "spikeflow-rram.json"
    assert keep("") == "spikeflow-rram-2.json"
