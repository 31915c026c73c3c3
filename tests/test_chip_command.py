"""``evaluate --chip`` as used on the command line."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neuronas import hardware
from neuronas.api.reporting.run_facts import read_run
from neuronas.chip.design import ChipDesign
from neuronas.cli.main import run as command
from neuronas.report.verdict import verdict
from neuronas.runs.chip_evaluations import chip_file
from neuronas.snn.classifier import Classifier

ARCH = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|avg_pool_3x3~1|conv_3x3~2|"
SMALL = ["--channels", "4", "--timesteps", "2", "--epochs", "2", "--quiet", "--head", "gap"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("chip") / "run"
    assert command(["train", ARCH, "--out", str(run), *SMALL]) == 0
    return run


def evaluate(run: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    capsys.readouterr()
    assert command(["evaluate", str(run), "--chip", "--json", "--quiet", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_chips_of_a_run(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = evaluate(trained, capsys, "--chips", "2", "--ablation")
    assert json.loads((trained / "chips/spikeflow-rram.json").read_text()) == document
    assert document["n_images"] == 359 and document["split"] == "test"
    assert document["n_chips"] == 2 and len(set(document["top1_per_chip"])) >= 1
    low, high = document["top1_interval_95"]
    assert low <= document["top1_mean"] <= high
    assert list(document["layers"]) == ["stem", "A.01", "A.23", "reduction", "B.01", "B.23", "head"]
    assert all(0 <= one["adc_saturation"] < 1 for one in document["layers"].values())
    rows = {row["name"]: row for row in document["ablation"]}
    assert list(rows) == [
        "none", "all",
        "only write_variation", "only wire_resistance", "only off_conductance", "only adc",
        "all but write_variation", "all but wire_resistance", "all but off_conductance", "all but adc",
        "without gain_calibration",
    ]  # fmt: skip
    assert rows["none"]["top1_mean"] == document["quantised_network_top1"]
    assert rows["all"]["top1_per_chip"] == document["top1_per_chip"]
    assert rows["only off_conductance"]["loss"] == 0 and rows["only wire_resistance"]["n_chips"] == 1
    again = evaluate(trained, capsys, "--chips", "1")
    assert again["top1_per_chip"] == document["top1_per_chip"][:1]  # reproducible by seed


def test_another_chip_of_an_accelerator_replaces_no_result(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run, ignore=shutil.ignore_patterns("chips"))
    few = ["--chips", "1", "--limit", "20", "--no-diagnosis"]
    plain = evaluate(run, capsys, *few)
    other = evaluate(run, capsys, *few, "--sign-scheme", "offset-binary")
    again = evaluate(run, capsys, *few, "--seed", "5")
    assert plain["model"]["sign_scheme"] != other["model"]["sign_scheme"] == "offset-binary"
    kept = {path.name: json.loads(path.read_text()) for path in (run / "chips").glob("*.json")}
    assert kept == {"spikeflow-rram.json": again, "spikeflow-rram.sign-scheme-offset-binary.json": other}
    rows = dict(row[:2] for row in verdict(read_run(run, run.name)))
    ours = {"accuracy on chips, spikeflow-rram", "accuracy on chips, spikeflow-rram, sign scheme offset-binary"}
    assert ours <= rows.keys()


def test_finished_chips_are_kept(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--hardware", "isaac-rram", "--seed", "11", "--no-diagnosis", "--limit", "20"]
    records = trained / "chips/isaac-rram.jsonl"
    whole = evaluate(trained, capsys, *options, "--chips", "3")
    lines = records.read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [0, 1, 2]
    records.write_text(f"{lines[0]}\n{lines[1]}\n{lines[2][:50]}")  # interrupted while writing the third line
    fact = "top1_per_chip", "layers", "top1_interval_95"
    with simulated() as numbers:
        resumed = evaluate(trained, capsys, *options, "--chips", "3")
    assert numbers == [2] and [resumed[key] for key in fact] == [whole[key] for key in fact]
    with simulated() as numbers:
        more = evaluate(trained, capsys, *options, "--chips", "4")
        evaluate(trained, capsys, *options, "--chips", "2")
    assert numbers == [3] and more["top1_per_chip"][:3] == whole["top1_per_chip"]
    with simulated() as numbers:
        evaluate(trained, capsys, *options[:-1], "25", "--chips", "1")  # other images
        evaluate(trained, capsys, *options, "--chips", "1", "--without", "adc")
    assert numbers == [0, 0]


@contextmanager
def simulated() -> Iterator[list[int]]:
    """Numbers of the chips that were programmed."""
    numbers: list[int] = []
    program = ChipDesign.chip

    def chip(design: ChipDesign, seed: int, number: int) -> Classifier:
        numbers.append(number)
        return program(design, seed, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChipDesign, "chip", chip)
        yield numbers


def test_the_verdict_names_the_sign_scheme(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A chip with one sign column and large variation: two columns recover the loss; converter bits are not tried."""
    preset = Path(hardware.__file__).parent / "presets" / "isaac-rram.yaml"
    text = re.sub(r"(write_variation: +\{value: )[\d.]+", r"\g<1>0.3", preset.read_text(encoding="utf-8"))
    (tmp_path / "chip.yaml").write_text(text, encoding="utf-8")
    options = ["--chips", "1", "--hardware", str(tmp_path / "chip.yaml")]
    document = evaluate(trained, capsys, *options)
    verdict = document["verdict"]
    assert (verdict["split"], verdict["n_images"]) == ("validation", 144)
    causes = {one["name"]: one for one in verdict["causes"]}
    loss = verdict["quantised_network_top1"] - verdict["top1_mean"]
    assert causes["write_variation"]["loss"] < 0.5 * loss
    best = max(verdict["remedies"], key=lambda one: one["recovered"])
    assert best["change"] == "sign scheme differential"
    assert best["recovered"] == pytest.approx(best["top1_mean"] - verdict["top1_mean"])
    assert "cause: write_variation" in verdict["text"] and "--chip-noise 0.3" in verdict["retrain"]
    retrained = [*options, "--retrain-epochs", "1"]
    document = evaluate(trained, capsys, *retrained)
    last = document["verdict"]["remedies"][-1]
    assert last["change"] == "noise-aware training" and "--epochs 1" in last["how"]
    assert (trained.parent / "run-noise" / "training.json").is_file()
    assert document["verdict"]["remedies"][:-1] == verdict["remedies"]
    assert evaluate(trained, capsys, *retrained)["verdict"] == document["verdict"]  # nothing is trained again
    assert command(["evaluate", str(trained), "--chip", "--chips", "1", "--no-diagnosis", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] is None


def test_everything_off_is_the_quantised_network(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = "write_variation,wire_resistance,stuck_cells, read_noise,off_conductance,adc"
    document = evaluate(trained, capsys, "--without", names)
    assert document["model"]["non_idealities"] == [] and document["n_chips"] == 1
    assert document["top1_mean"] == document["quantised_network_top1"]
    assert all(one["adc_saturation"] == 0 for one in document["layers"].values())
    stored = json.loads(chip_file(trained, "spikeflow-rram", document["options"]).read_text())
    assert stored["layers"]["A.01"]["snr_db"] is None  # no error
    assert command(["evaluate", str(trained), "--chip", "--without", names]) == 0
    assert re.search(r"A\.01 +no error +0\.0%", capsys.readouterr().out)
    page = page_of(trained, document)
    assert "no error" in page and " ± " not in page


def page_of(run: Path, *documents: dict) -> str:
    """The report without the chips that were simulated by other tests."""
    kept = {chip_file(run, one["hardware"], one["options"]) for one in documents}
    for file in set((run / "chips").glob("*.json")) - kept:
        file.unlink()
    assert command(["report", str(run), "--quiet"]) == 0
    return (run / "report.html").read_text()


def test_other_chips(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scheme = ["--sign-scheme", "twos-complement", "--variation", "lognormal", "--no-gain-calibration", "--seed", "4"]
    document = evaluate(trained, capsys, "--chips", "1", "--hardware", "isaac-rram", *scheme)
    assert document["model"]["bits_per_cell"] == 2 and document["model"]["sign_scheme"] == "twos-complement"
    assert command(["evaluate", str(trained), "--chip", "--chips", "1", "--ablation"]) == 0
    out = capsys.readouterr().out
    for text in ("on 1 simulated chip;", "signal to noise", "all but adc", "write_variation"):
        assert text in out


def test_one_chip_without_converters_is_reported(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = evaluate(trained, capsys, "--chips", "1", "--without", "adc", "--ablation", "--no-diagnosis")
    assert document["top1_std"] is None and document["top1_interval_95"] is None  # other chips would differ
    page = page_of(trained, document)
    assert "needs at least two chips" in page and "ideal; sign scheme" in page and " ± " not in page
    assert "1 bit; on 20,000 Ω, off 200,000 Ω; write variation 10.0% (normal), read noise 0.0%" in page


def test_a_report_gives_the_command_of_each_chip(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--sign-scheme", "twos-complement", "--variation", "lognormal", "--no-gain-calibration"]
    options += ["--without", "adc,wire_resistance", "--no-diagnosis", "--limit", "20"]
    changed = evaluate(trained, capsys, *options, "--chips", "1", "--hardware", "isaac-rram")
    own = evaluate(trained, capsys, "--chips", "1", "--seed", "4", "--no-diagnosis", "--limit", "20")
    page = page_of(trained, changed, own)
    other, ours = re.findall(r"neuronas evaluate again --chip (.*)", page)
    assert set(ours.split()) == {"--chips", "1", "--seed", "4", "--no-diagnosis", "--limit", "20"}
    assert set(other.split()) == {"--chips", "1", "--seed", "0", "--hardware", "isaac-rram", *options}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--chips", "3"], "--chips given without --chip"),
        (["--no-gain-calibration"], "--gain-calibration given without --chip"),
        (["--chip", "--without", "adcc"], "did you mean 'adc'"),
        (["--chip", "--hardware", "sram-65nm"], "section 'device' not found"),
        (["--chip", "--sign-scheme", "differental"], "'differential'"),
        (["--chip", "--chips", "0"], "expected at least 1"),
    ],
)
def test_mistakes(trained: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    capsys.readouterr()
    assert command(["evaluate", str(trained), *options]) == 2
    assert message in capsys.readouterr().err


def test_networks_that_no_crossbar_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option, message in ((["--ann"], "trained with --ann given"), (["--weight-bits", "32"], "weight_bits 32")):
        run = tmp_path / option[0]
        assert command(["train", ARCH, "--out", str(run), *SMALL[:4], "--epochs", "1", "--quiet", *option]) == 0
        assert command(["evaluate", str(run), "--chip"]) == 2
        assert message in capsys.readouterr().err
