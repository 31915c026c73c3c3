"""Generated hardware computes the same as the interpreter of integer networks, in the stated number of cycles."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neuronas.api.reporting.export import export
from neuronas.config import ExportConfig
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export.content import ExportContent, ModelledCycles
from neuronas.export.rtl_format import SIMULATION, compute_rtl, write_rtl
from neuronas.export.rtl_program import FIELDS, RtlProgram
from neuronas.export.synthesis import SYNTHESIS, YOSYS, grouped, report_lines
from neuronas.export.verification import compare_integers, integer_result
from random_networks import Case, cases
from test_c_export import pixels_of
from test_export import BACKWARD, CONV, DEAD, FORMS, POOLS, THRESHOLDS, UNREACHED, content_of, make_network

simulated = pytest.mark.skipif(shutil.which(SIMULATION) is None, reason="Icarus Verilog is not installed")


def check(content: ExportContent, lanes: int, folder: Path, n_images: int = 1) -> None:
    given = replace(content, settings=ExportConfig(lanes=lanes))
    write_rtl(given, folder)
    network = given.integers
    pixels = pixels_of(network, n_images)
    found = compute_rtl(folder, pixels)  # also compares the cycles with those of the report
    compare_integers("engine", integer_result(network, pixels), found, network.neuron_layers)


@pytest.mark.parametrize(
    ("n_cycles", "said"), [(1_000_000, ""), (16_000_000, "2 images of 16,000,000 cycles, about 4 m")]
)
def test_a_long_simulation_is_announced(
    n_cycles: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "report.txt").write_text(f"cycles per image   {n_cycles}\n")
    monkeypatch.setattr("neuronas.export.rtl_format.simulated", lambda *_: (None, {n_cycles}))
    compute_rtl(tmp_path, torch.zeros(2, 1, 8, 8, dtype=torch.uint8))
    assert said in caplog.text and bool(said) == bool(caplog.text)


@simulated
@pytest.mark.parametrize(("text", "form", "head", "lanes"), [(THRESHOLDS, "sixteen", "linear", 3)])
def test_an_engine_computes_the_network(text: str, form: str, head: str, lanes: int, tmp_path: Path) -> None:
    check(content_of(make_network(text, FORMS[form], head)), lanes, tmp_path)


@simulated
@pytest.mark.parametrize(
    ("text", "form", "head", "lanes"),
    [
        pytest.param(BACKWARD, "fixed", "gap", 4, marks=pytest.mark.slow),
        pytest.param(DEAD, "fixed", "gap", 2, marks=pytest.mark.slow),
        pytest.param(f"{CONV} / {POOLS}", "fixed", "linear", 1, marks=pytest.mark.nightly),
        pytest.param(UNREACHED, "fixed", "gap", 8, marks=pytest.mark.nightly),
        pytest.param(CONV, "four", "gap", 64, marks=pytest.mark.nightly),
    ],
)
def test_engines_of_all_kinds(text: str, form: str, head: str, lanes: int, tmp_path: Path) -> None:
    check(content_of(make_network(text, FORMS[form], head)), lanes, tmp_path, 2)


@simulated
@pytest.mark.nightly
@pytest.mark.parametrize("case", cases(10) + cases(5, sequence=True), ids=str)
def test_engines_of_networks_of_all_spaces(case: Case, tmp_path: Path) -> None:
    check(case.content, 4, tmp_path)


@simulated
@pytest.mark.parametrize("case", cases(1, sequence=True), ids=str)
def test_an_engine_awaits_the_frame_of_each_time_step(case: Case, tmp_path: Path) -> None:
    check(case.content, 2, tmp_path, 3)


def test_more_lanes_take_fewer_cycles_and_hold_the_same_weights() -> None:
    network = content_of(make_network(CONV)).integers
    one, four = RtlProgram(network, 1), RtlProgram(network, 4)
    assert four.cycles() < one.cycles()
    n_codes = sum(weights.codes.size for weights in network.weights.values())
    assert sum(map(len, one.codes)) == sum(map(len, four.codes)) == n_codes
    assert len(one.codes) == n_codes
    assert all(len(step.words()) == len(FIELDS) for step in four.instructions)
    assert all(0 <= word < 2**four.address_bits for step in four.instructions for word in step.words()[:24])


@simulated
def test_a_changed_weight_is_found(tmp_path: Path) -> None:
    content = content_of(make_network(CONV, head="linear"))
    write_rtl(content, tmp_path)
    path = tmp_path / "program.hex"
    lines = path.read_text().splitlines()
    place = FIELDS.index("leak")
    whole = next(number for number in range(place, len(lines), len(FIELDS)) if lines[number] != "0")
    path.write_text("\n".join([*lines[:whole], "0", *lines[whole + 1 :]]) + "\n")
    network = content.integers
    pixels = pixels_of(network, 1)
    with pytest.raises(VerificationError, match=r"spikes of layer \S+ differ from the interpreter's in 1 of 1 images"):
        compare_integers(
            "engine", integer_result(network, pixels), compute_rtl(tmp_path, pixels), network.neuron_layers
        )


@pytest.mark.skipif(shutil.which(YOSYS) is None, reason="Yosys is not installed")
@pytest.mark.nightly
def test_cells_and_memories_are_counted_where_they_are_asked_for(tmp_path: Path) -> None:
    content = replace(content_of(make_network(CONV)), settings=ExportConfig(synthesise=True))
    found = write_rtl(content, tmp_path)
    report = dict(line.rsplit(maxsplit=1) for line in (tmp_path / "report.txt").read_text().splitlines() if line)
    needed = sum(RtlProgram(content.integers, 4).memory_bits().values())
    assert int(report["LUTs"]) > 500 and int(report["flip-flops"]) > 500 and int(report["DSP48E1"]) > 0
    assert int(report["block RAMs"]) > 0 and int(report["block RAM, bits"]) > needed / 2  # the smallest use LUTs
    assert SYNTHESIS in (tmp_path / "Makefile").read_text()
    assert found is not None and found.program.startswith("Yosys ")
    counted = {"LUTs": found.luts, "flip-flops": found.flip_flops, "DSP48E1": found.dsps}
    counted |= {"block RAMs": found.block_rams, "block RAM, bits": found.block_ram_bits}
    assert counted == {name: int(report[name]) for name in counted}


def test_cells_are_grouped() -> None:
    found = grouped("Yosys 1", {"LUT2": 3, "LUT6": 4, "FDRE": 5, "FDSE": 1, "RAMB18E1": 2, "RAMB36E1": 1, "CARRY4": 7})
    assert (found.luts, found.flip_flops, found.dsps, found.block_rams) == (7, 6, 0, 3)
    assert found.block_ram_bits == 2 * 18 * 1024 + 36 * 1024
    assert report_lines(found)[-1] == "others: CARRY4 7"


def test_the_report_has_the_cycles_of_the_cost_model_beside_those_of_the_engine(tmp_path: Path) -> None:
    content = content_of(make_network(CONV))
    modelled = ModelledCycles(4321, "spikeflow-rram", "layers-in-order")
    write_rtl(replace(content, modelled=modelled), tmp_path)
    report = (tmp_path / "report.txt").read_text()
    engine = RtlProgram(content.integers, 4).cycles()
    assert f"cycles per image   {engine}\n" in report
    assert (
        "cost model mapped  4321 cycles of spikeflow-rram, schedule layers-in-order\nThe two differ because" in report
    )


def test_synthesis_is_of_hardware_and_needs_yosys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="--synthesise given with --format c; expected --format rtl"):
        export(tmp_path, "c", synthesise=True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ConfigurationError, match="Yosys not found; install yosys"):
        export(tmp_path, "rtl", synthesise=True)


def test_a_missing_simulator_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rtl(content_of(make_network(CONV)), tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ConfigurationError, match="install iverilog"):
        compute_rtl(tmp_path, torch.zeros(1, 2, 8, 8, dtype=torch.uint8))
