"""Files for the test bench of crossbars: one crossbar by hand, complete ones by their sums, damaged ones detected."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuronas.chip.chip_model import ChipModel
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export.content import ExportContent
from neuronas.export.crossbar_check import verify_crossbars
from neuronas.export.crossbar_files import conductance_us, converter_step, responses, write_crossbars
from neuronas.export.formats import format_named
from neuronas.export.round_trip import export_network
from neuronas.hardware.accelerator import load_accelerator
from test_export import BACKWARD, CONV, FORMS, content_of, make_network

RRAM = load_accelerator("spikeflow-rram")


def content(text: str = CONV, form: str = "fixed", head: str = "gap") -> ExportContent:
    return replace(content_of(make_network(text, FORMS[form], head)), accelerator=RRAM)


def test_one_crossbar_by_hand() -> None:
    """Cells of 50 µS (20 kOhm) and 5 µS (200 kOhm): one level is 45 µS."""
    model = ChipModel(8, 1, 4, "differential", 20_000, 200_000, adc_bits=2, rows_per_read=2)
    levels, vectors = np.array([[1, 0], [1, 1], [0, 1]]), np.array([[1, 1, 0], [0, 0, 1]])
    assert conductance_us(model, levels) == pytest.approx(np.array([[50, 5], [50, 50], [5, 50]]))
    currents, codes = responses(model, levels, vectors)  # two reads: rows 0 and 1, row 2
    assert currents == pytest.approx(np.array([[[100, 55], [0, 0]], [[0, 0], [5, 50]]]))
    assert codes.tolist() == [[[2, 1], [0, 0]], [[0, 0], [0, 1]]]
    wide = ChipModel(8, 2, 64, "differential", 20_000, adc_bits=4)
    assert converter_step(wide) == 64 * 3 / 15


@pytest.mark.parametrize(
    ("text", "form", "head"), [(CONV, "fixed", "linear"), (BACKWARD, "four", "gap"), (CONV, "sixteen", "gap")]
)
def test_the_sums_of_all_layers_follow_from_the_files(text: str, form: str, head: str, tmp_path: Path) -> None:
    network = make_network(text, FORMS[form], head)
    found = export_network(network, content(text, form, head), format_named("crossbars"), tmp_path / "files")
    assert (found.n_images, found.largest_difference) == (3, 0)
    index = json.loads((tmp_path / "files" / "crossbars.json").read_text())
    assert {row["layer"] for row in index["crossbars"]} == set(content(text, form, head).network.weights)


def test_damaged_files_are_found(tmp_path: Path) -> None:
    given, whole = content(), tmp_path / "whole"
    write_crossbars(given, whole)
    found = verify_crossbars(given, whole)
    assert found.largest_score > 0

    def damaged(name: str) -> Path:
        copy = tmp_path / name
        shutil.copytree(whole, copy)
        return copy

    one = damaged("conductance")
    cells = np.fromfile(one / "programming" / "00000.f32", "<f4")
    flipped = np.where(cells > cells.mean(), cells.min(), cells.max()).astype("<f4")
    flipped.tofile(one / "programming" / "00000.f32")
    with pytest.raises(VerificationError, match=r"00000\.csv and \.f32 differ"):
        verify_crossbars(given, one)
    shape = np.loadtxt(one / "programming" / "00000.csv", delimiter=",", ndmin=2).shape
    np.savetxt(one / "programming" / "00000.csv", flipped.reshape(shape), delimiter=",")
    with pytest.raises(VerificationError, match="currents of crossbar 00000 do not follow"):
        verify_crossbars(given, one)

    other = damaged("codes")
    response = dict(np.load(other / "responses" / "00001.npz"))
    response["codes"] = response["codes"] + 1
    np.savez_compressed(other / "responses" / "00001.npz", **response)
    with pytest.raises(VerificationError, match="ADC codes of crossbar 00001 do not follow"):
        verify_crossbars(given, other)

    codes = given.network.weights["head"].codes
    assert codes is not None
    changed = replace(given.network.weights["head"], codes=codes + np.eye(*codes.shape, dtype=np.int32))
    network = replace(given.network, weights={**given.network.weights, "head": changed})
    with pytest.raises(VerificationError, match="sums of layer head, copy 0, differ"):
        verify_crossbars(replace(given, network=network), whole)


def test_an_accelerator_without_devices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="section 'device' not found"):
        write_crossbars(replace(content(), accelerator=RRAM.model_copy(update={"device": None})), tmp_path)
    assert not any(tmp_path.iterdir())
